// The three functions of the metadata-reflection proposal that @peculiar/x509's dependency container asks for, and no more.
// Without them importing @peculiar/x509 throws. Installed only just before that import, and only where nothing else has.

interface MetadataFunctions {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

/** Adds `Reflect.getMetadata`, `getOwnMetadata` and `defineMetadata` unless they are there. */
export function installReflectMetadata(): void {
  const reflect = Reflect as MetadataFunctions;
  if (reflect.getMetadata !== undefined) return;

  const byTarget = new WeakMap<object, Map<unknown, unknown>>();
  const getOwn = (key: unknown, target: object): unknown => byTarget.get(target)?.get(key);

  reflect.getOwnMetadata = getOwn;
  reflect.getMetadata = (key, target) => {
    for (
      let current: object | null = target;
      current !== null;
      current = Object.getPrototypeOf(current) as object | null
    ) {
      const found = getOwn(key, current);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  reflect.defineMetadata = (key, value, target) => {
    let entries = byTarget.get(target);
    if (entries === undefined) byTarget.set(target, (entries = new Map()));
    entries.set(key, value);
  };
}
