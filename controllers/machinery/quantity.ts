// Kubernetes quantities as exact integers, as far as controllers need them: to compare and to add.
import { parseQuantity as parse } from '#platform/quantity.ts';

/** One unit, in the billionths that parseQuantity() counts in. */
export const ONE = 1_000_000_000n;

/** Billionths of the quantity, rounded up as upstream does; `undefined` for what is none. */
export function parseQuantity(text: string): bigint | undefined {
  return parse(text)?.nano;
}

/** The same text for equal quantities (`1000m` and `1`, `1Gi` and `1024Mi`); what is no quantity stays as it is. */
export function canonicalQuantity(text: string): string {
  const value = parseQuantity(text);
  if (value === undefined) return text;
  return value % ONE === 0n ? String(value / ONE) : `${value}n`;
}
