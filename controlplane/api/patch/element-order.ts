// In which order a merged list comes out: what the patch names in the order of the patch, what only the server has where
// it was relative to its old neighbours. After upstream's strategicpatch (normalizeElementOrder).

/**
 * @param identities of `items`, of the patch's order and of the old list: equal text means the same item
 * @returns the items, those of `patchOrder` in its order, the others kept in the order of `oldOrder`
 */
export function orderElements(
  items: readonly unknown[],
  identityOf: (item: unknown) => string,
  patchOrder: readonly string[],
  oldOrder: readonly string[],
): unknown[] {
  const patchIndex = indexOf(patchOrder);
  const oldIndex = indexOf(oldOrder);
  const place = (index: ReadonlyMap<string, number>, item: unknown): number =>
    index.get(identityOf(item)) ?? -1;
  const named = items
    .filter((item) => patchIndex.has(identityOf(item)))
    .toSorted((a, b) => place(patchIndex, a) - place(patchIndex, b));
  const others = items.filter((item) => !patchIndex.has(identityOf(item)));
  const ordered: unknown[] = [];
  let next = 0;
  for (const item of named) {
    // What is new has no old place and goes behind all that the server has.
    const at = oldIndex.get(identityOf(item)) ?? Infinity;
    while (next < others.length && place(oldIndex, others[next]) < at) {
      ordered.push(others[next]);
      next += 1;
    }
    ordered.push(item);
  }
  return [...ordered, ...others.slice(next)];
}

function indexOf(order: readonly string[]): ReadonlyMap<string, number> {
  const index = new Map<string, number>();
  for (const [at, identity] of order.entries()) {
    if (!index.has(identity)) index.set(identity, at);
  }
  return index;
}
