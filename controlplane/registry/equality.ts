// Equality of JSON values: what decides whether a write changes anything. An absent field and `undefined` are the same;
// the order of fields does not matter, the order of lists does.

export function sameJSON(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJSON(item, b[index]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let fields = 0;
  for (const field of Object.keys(left)) {
    if (left[field] === undefined) continue;
    fields += 1;
    if (!Object.hasOwn(right, field) || !sameJSON(left[field], right[field])) return false;
  }
  for (const field of Object.keys(right)) if (right[field] !== undefined) fields -= 1;
  return fields === 0;
}
