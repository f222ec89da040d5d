/**
 * A copy with other values in some fields. For client-node's types, which are classes: what comes from the wire is plain data all the
 * same, and a spread of them would be one too, but looks like a mistake.
 */
export function withFields<T extends object>(value: T, fields: Partial<T>): T {
  return Object.assign({}, value, fields);
}
