// Kubernetes quantities (`500m`, `1Gi`, `2e3`) as exact integers. Pure; only what controllers need: to compare and to add.

const SUFFIXES: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [2n, 10],
  Mi: [2n, 20],
  Gi: [2n, 30],
  Ti: [2n, 40],
  Pi: [2n, 50],
  Ei: [2n, 60],
};

const GRAMMAR =
  /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?$/;

/** One unit, in the billionths that parseQuantity() counts in. */
export const ONE = 1_000_000_000n;

/** Billionths of the quantity, rounded up as upstream does; `undefined` for what is none. */
export function parseQuantity(text: string): bigint | undefined {
  const match = GRAMMAR.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponentText] = match;
  if (whole === '' && fraction === '') return undefined;
  const [base, exponent] =
    exponentText === undefined ? (SUFFIXES[suffix] ?? [10n, 0]) : [10n, Number(exponentText)];
  let numerator = BigInt(`${whole}${fraction}`) * ONE;
  let denominator = 10n ** BigInt(fraction.length);
  if (exponent >= 0) numerator *= base ** BigInt(exponent);
  else denominator *= base ** BigInt(-exponent);
  const magnitude = (numerator + denominator - 1n) / denominator;
  return sign === '-' ? -magnitude : magnitude;
}

/** The same text for equal quantities (`1000m` and `1`, `1Gi` and `1024Mi`); what is no quantity stays as it is. */
export function canonicalQuantity(text: string): string {
  const value = parseQuantity(text);
  if (value === undefined) return text;
  return value % ONE === 0n ? String(value / ONE) : `${value}n`;
}
