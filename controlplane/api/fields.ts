// Reading untyped objects: a path of field names to a value of the wanted shape, or a harmless empty one. For tables,
// indexes and strategies, which see objects whose types were checked long ago or never.
export type JSONObject = { [field: string]: unknown };

export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of fields, or undefined. Own fields only. */
export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const field of path) {
    if (!isObject(at) || !Object.hasOwn(at, field)) return undefined;
    at = at[field];
  }
  return at;
}

/** '' when it is no string. */
export function stringAt(value: unknown, ...path: readonly string[]): string {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** 0 when it is no number. */
export function numberAt(value: unknown, ...path: readonly string[]): number {
  const found = fieldAt(value, ...path);
  return typeof found === 'number' ? found : 0;
}

/** Empty when it is no list. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = fieldAt(value, ...path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** Empty when it is no object. */
export function objectAt(value: unknown, ...path: readonly string[]): JSONObject {
  const found = fieldAt(value, ...path);
  return isObject(found) ? found : {};
}

/** The condition of a type in `status.conditions`, or an empty object. */
export function conditionOf(object: unknown, type: string): JSONObject {
  for (const condition of listAt(object, 'status', 'conditions')) {
    if (stringAt(condition, 'type') === type && isObject(condition)) return condition;
  }
  return {};
}
