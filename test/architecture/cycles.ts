// Import cycles: strongly connected components of more than one file (Tarjan), type imports included.
import type { Import } from './imports.ts';

/** Each cycle as a sorted list of the files in it. */
export function cycles(
  imports: ReadonlyMap<string, readonly Import[]>,
): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];

  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.get(path) ?? 0);
    stack.push(path);
    onStack.add(path);
    for (const { target, isOurs } of imports.get(path) ?? []) {
      if (!isOurs || !imports.has(target)) continue;
      if (!order.has(target)) {
        visit(target);
        low.set(path, Math.min(low.get(path) ?? 0, low.get(target) ?? 0));
      } else if (onStack.has(target)) {
        low.set(path, Math.min(low.get(path) ?? 0, order.get(target) ?? 0));
      }
    }
    if (low.get(path) !== order.get(path)) return;
    const members = stack.splice(stack.indexOf(path));
    for (const member of members) onStack.delete(member);
    const importsItself = (imports.get(path) ?? []).some(({ target }) => target === path);
    if (members.length > 1 || importsItself) found.push(members.toSorted());
  };

  for (const path of imports.keys()) if (!order.has(path)) visit(path);
  return found;
}
