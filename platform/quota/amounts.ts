// Amounts by the name of what is counted, as quotas and what they count have them.
import { parseQuantity } from '../quantity.ts';
import type { Quantity } from '../quantity.ts';
import type { Texts } from './quota-objects.ts';

/** `pods`, `requests.cpu`, `count/deployments.apps` … → how much. */
export type Amounts = ReadonlyMap<string, Quantity>;

export const ZERO: Quantity = { nano: 0n, format: 'decimal' };

export function whole(count: number): Quantity {
  return { nano: BigInt(count) * 1_000_000_000n, format: 'decimal' };
}

/** What is no quantity is left out: it was refused where it was written. */
export function parseAmounts(texts: Texts | undefined): Amounts {
  const amounts = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(texts ?? {})) {
    const amount = parseQuantity(String(text));
    if (amount !== undefined) amounts.set(name, amount);
  }
  return amounts;
}

/** In the notation of the first of them that is not nothing, as upstream. */
export function plus(a: Quantity | undefined, b: Quantity, sign: 1n | -1n = 1n): Quantity {
  const { nano, format } = a ?? ZERO;
  return { nano: nano + sign * b.nano, format: nano === 0n ? b.format : format };
}

export function addAmounts(total: Map<string, Quantity>, more: Amounts, sign: 1n | -1n = 1n): void {
  for (const [name, amount] of more) total.set(name, plus(total.get(name), amount, sign));
}

/** Of each name the larger. */
export function raiseAmounts(total: Map<string, Quantity>, others: Amounts): void {
  for (const [name, amount] of others) {
    const before = total.get(name);
    if (before === undefined || before.nano < amount.nano) total.set(name, amount);
  }
}
