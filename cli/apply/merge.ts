// The three-way merge of `kubectl apply` as a pure function: what was applied last, what is there, what shall be.
// Lists are replaced as a whole, as JSON merge patch (RFC 7386) has it.

type Fields = Readonly<Record<string, unknown>>;

/**
 * A merge patch from `live` to `desired`, or undefined when nothing is to be done. Fields that `desired` does not name stay
 * as they are, unless `lastApplied` named them: then they are removed.
 */
export function threeWayMerge(
  lastApplied: Fields,
  live: Fields,
  desired: Fields,
): Fields | undefined {
  const patch: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(desired)) {
    const current = live[field];
    if (isFields(value) && isFields(current)) {
      const before = lastApplied[field];
      const nested = threeWayMerge(isFields(before) ? before : {}, current, value);
      if (nested !== undefined) patch[field] = nested;
    } else if (!isAsWanted(lastApplied[field], current, value)) patch[field] = value;
  }
  for (const field of Object.keys(lastApplied)) {
    if (!Object.hasOwn(desired, field) && Object.hasOwn(live, field)) patch[field] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** `base` with the fields of `overlay`, maps merged field by field. */
export function overlaid<T extends Fields>(base: T, overlay: Fields): T {
  const result: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(overlay)) {
    const current = result[field];
    result[field] = isFields(value) && isFields(current) ? overlaid(current, value) : value;
  }
  return result as T;
}

/** What a merge patch (RFC 7386) makes of `target`. */
export function mergePatched(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else result[field] = mergePatched(result[field], value);
  }
  return result;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The server adds defaults inside of lists: those are no difference as long as we want what we wanted the last time. */
function isAsWanted(before: unknown, live: unknown, desired: unknown): boolean {
  return deepEqual(before, desired) ? covers(live, desired) : deepEqual(live, desired);
}

/** Whether all that `desired` names is in `live`. */
function covers(live: unknown, desired: unknown): boolean {
  if (Array.isArray(desired) && Array.isArray(live))
    return (
      live.length === desired.length && desired.every((item, index) => covers(live[index], item))
    );
  if (!isFields(desired) || !isFields(live)) return deepEqual(live, desired);
  return Object.entries(desired).every(([field, value]) => covers(live[field], value));
}

/** Equal as JSON values; the order of keys does not matter, and null equals an absent field. */
function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if ((left ?? undefined) === undefined && (right ?? undefined) === undefined) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return (
      left.length === right.length && left.every((item, index) => deepEqual(item, right[index]))
    );
  if (!isFields(left) || !isFields(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => deepEqual(left[key], right[key]));
}
