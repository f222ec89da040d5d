// JSON merge patches (RFC 7396) from one value to another, and what differs between two. Pure.

export type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A merge patch from `from` to exactly `to`. */
export function replacing(from: unknown, to: unknown): unknown {
  if (!isFields(from) || !isFields(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const field of Object.keys(from)) if (!Object.hasOwn(to, field)) patch[field] = null;
  for (const [field, value] of Object.entries(to)) patch[field] = replacing(from[field], value);
  return patch;
}

export function isSame(left: unknown, right: unknown): boolean {
  return differences(left, right).length === 0;
}

export interface Difference {
  /** `spec.replicas` */
  readonly path: string;
  /** Undefined: not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Down to what is no object; lists as a whole. In the order of the keys. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (isFields(before) && isFields(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
    return keys.flatMap((key) =>
      differences(before[key], after[key], path === '' ? key : `${path}.${key}`),
    );
  }
  return sameValue(before, after) ? [] : [{ path, before, after }];
}

function sameValue(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right))
    return (
      left.length === right.length && left.every((value, index) => isSame(value, right[index]))
    );
  return Object.is(left, right);
}
