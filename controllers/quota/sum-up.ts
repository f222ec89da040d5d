// How much of a quota is used, from the objects that it is about. Pure.
import { addAmounts, parseAmounts, ZERO } from '#platform/quota/amounts.ts';
import type { QuotaSpec } from '#platform/quota/quota-objects.ts';
import { isInScopes, scopeFactsOf, scopesOf } from '#platform/quota/scopes.ts';
import { kindCounted, usageOf } from '#platform/quota/usage.ts';
import { formatQuantity } from '#platform/quantity.ts';
import type { Quantity } from '#platform/quantity.ts';
import type { Texts } from './types.ts';

/** Kinds that the names of a quota are about: `pods`, `deployments.apps`. */
export function kindsOf({ hard = {} }: QuotaSpec): ReadonlySet<string> {
  return new Set(
    Object.keys(hard)
      .map(kindCounted)
      .filter((kind) => kind !== undefined),
  );
}

/**
 * @param objects of a kind in the quota's namespace; undefined for a kind that nobody serves: its names are left out, as upstream does
 * @param now milliseconds since 1970
 */
export function sumUp(
  spec: QuotaSpec,
  objects: (kind: string) => readonly unknown[] | undefined,
  now: number,
): { readonly hard: Texts; readonly used: Texts } {
  const hard = parseAmounts(spec.hard);
  const scopes = scopesOf(spec);
  const used = new Map<string, Quantity>();
  for (const kind of kindsOf(spec)) {
    const all = objects(kind);
    if (all === undefined) continue;
    for (const name of hard.keys()) if (kindCounted(name) === kind) used.set(name, ZERO);
    for (const object of all) {
      if (!isInScopes(scopes, scopeFactsOf(kind, object))) continue;
      const usage = [...usageOf(kind, object, now)].filter(([name]) => used.has(name));
      addAmounts(used, new Map(usage));
    }
  }
  return { hard: texts(hard), used: texts(used) };
}

function texts(amounts: ReadonlyMap<string, Quantity>): Texts {
  const sorted = [...amounts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, amount]) => [name, formatQuantity(amount)]));
}
