// A value that is made when it is first asked for. A server starts with dozens of kinds, and each client uses a few of them.

/** Gives what `make` returns, made once. When it throws, the next call tries again. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
