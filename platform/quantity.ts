// Kubernetes quantities (`500m`, `1.5Gi`, `2e3`) as exact numbers: a bigint of nano-units, so that nothing is lost to
// binary fractions. Finer than a nano is rounded up, as upstream does.

/** What a suffix multiplies by: `base ** exponent`. */
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

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,4})|([numkMGTPE]|[KMGTPE]i)?)$/;
const NANO = 1_000_000_000n;
/** Upstream caps at 2^63-1 units; beyond it a value only wastes time. */
const MAXIMUM_DIGITS = 64;

export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

export interface Quantity {
  /** Value times 10^9. */
  readonly nano: bigint;
  /** The notation it came in, which its canonical form keeps. */
  readonly format: QuantityFormat;
}

/** Undefined when `text` is no quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  if (text.length > MAXIMUM_DIGITS) return undefined;
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', e, exponentText, suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const exponent = Number(exponentText ?? 0);
  if (Math.abs(exponent) > 40) return undefined;
  const [base, power] = e === undefined ? (SUFFIXES[suffix] ?? [10n, 0]) : [10n, exponent];
  let numerator = BigInt(`${whole}${fraction}`) * NANO;
  let denominator = 10n ** BigInt(fraction.length);
  if (power >= 0) numerator *= base ** BigInt(power);
  else denominator *= base ** BigInt(-power);
  const rounded = (numerator + denominator - 1n) / denominator;
  const format = e !== undefined ? 'exponent' : base === 2n ? 'binary' : 'decimal';
  return { nano: sign === '-' ? -rounded : rounded, format };
}

/** Negative, 0 or positive, as a is less than, equal to or more than b. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : Number(a.nano > b.nano);
}

const DECIMAL_STEPS: readonly [suffix: string, nano: bigint][] = [
  ['E', 10n ** 27n],
  ['P', 10n ** 24n],
  ['T', 10n ** 21n],
  ['G', 10n ** 18n],
  ['M', 10n ** 15n],
  ['k', 10n ** 12n],
  ['', 10n ** 9n],
  ['m', 10n ** 6n],
  ['u', 10n ** 3n],
  ['n', 1n],
];

const BINARY_STEPS: readonly [suffix: string, nano: bigint][] = [
  ['Ei', 2n ** 60n * NANO],
  ['Pi', 2n ** 50n * NANO],
  ['Ti', 2n ** 40n * NANO],
  ['Gi', 2n ** 30n * NANO],
  ['Mi', 2n ** 20n * NANO],
  ['Ki', 2n ** 10n * NANO],
];

/** The canonical text: no fraction, the largest suffix that allows it. Binary below 1024 or with a fraction is decimal. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const magnitude = nano < 0n ? -nano : nano;
  const sign = nano < 0n ? '-' : '';
  if (format === 'binary' && magnitude >= 1024n * NANO && magnitude % NANO === 0n) {
    for (const [suffix, unit] of BINARY_STEPS) {
      if (magnitude % unit === 0n) return `${sign}${magnitude / unit}${suffix}`;
    }
    return `${sign}${magnitude / NANO}`;
  }
  for (const [suffix, unit] of DECIMAL_STEPS) {
    if (magnitude % unit !== 0n) continue;
    const digits = `${sign}${magnitude / unit}`;
    return format === 'exponent' ? withExponent(digits, suffix) : `${digits}${suffix}`;
  }
  return `${sign}${magnitude}n`;
}

function withExponent(digits: string, suffix: string): string {
  const power = SUFFIXES[suffix]?.[1] ?? 0;
  return power === 0 ? digits : `${digits}e${power}`;
}

/** The canonical form of `text`, or undefined when it is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}
