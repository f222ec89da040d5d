// Two spellings of an object's place. On disk `namespace/name` (or `name`); in memory with a zero byte after the
// namespace, so that plain string order is the order of namespace, then name.

export interface Position {
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
}

/** Sorts by namespace, then name. Neither may hold a zero byte, and API names cannot. */
export function sortKey(namespace: string, name: string): string {
  return `${namespace}\0${name}`;
}

export function storageKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Names hold no slash (path-segment rules), so the first one ends the namespace. */
export function parseStorageKey(key: string): Position {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: '', name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
