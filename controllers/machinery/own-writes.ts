// What this process wrote a moment ago, for whoever reads a cache that has not seen it yet: what is decided on top of the state before
// would be refused as a conflict, and decided again.
import type { ApiObject } from './client-types.ts';

interface Write<T> {
  /** Revisions that were written over, one after the other, since the cache was last seen to be up to date. */
  readonly over: Set<string>;
  answer: T;
}

export class OwnWrites<T extends ApiObject> {
  /** By uid. */
  readonly #writes = new Map<string, Write<T>>();

  /** @param before what was written over. @param answer what the server made of it */
  remember({ metadata: { uid, resourceVersion } }: ApiObject, answer: T): void {
    const known = this.#writes.get(uid);
    if (known?.answer.metadata.resourceVersion === resourceVersion) {
      known.over.add(resourceVersion);
      known.answer = answer;
    } else this.#writes.set(uid, { over: new Set([resourceVersion]), answer });
  }

  /** The object as it is known here: what the cache has, unless that is what was written over. */
  newest(cached: T): T {
    const { uid, resourceVersion } = cached.metadata;
    const write = this.#writes.get(uid);
    if (write === undefined) return cached;
    if (write.over.has(resourceVersion)) return write.answer;
    this.#writes.delete(uid);
    return cached;
  }

  /** The object is gone. */
  forget({ metadata }: ApiObject): void {
    this.#writes.delete(metadata.uid);
  }
}
