// What a merge patch (RFC 7386) must say to turn one value into another: a field that is gone is named with null, however deep. Pure.

export function mergePatch(before: object, after: object): Readonly<Record<string, unknown>> {
  const [old, next] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(old)) if (next[name] === undefined) patch[name] = null;
  for (const [name, value] of Object.entries(next)) {
    const was = old[name];
    if (value === undefined || JSON.stringify(was) === JSON.stringify(value)) continue;
    patch[name] = isMap(was) && isMap(value) ? mergePatch(was, value) : value;
  }
  return patch;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
