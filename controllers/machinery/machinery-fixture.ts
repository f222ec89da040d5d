// A clock whose hands tests turn, and a client that plays back what a test wrote down.
import type { Clock } from '#platform/clock.ts';
import type {
  ApiObject,
  ApiResource,
  Client,
  ClientWatchEvent,
  ObjectList,
} from './client-types.ts';

export const THINGS: ApiResource = {
  group: 'test.dev',
  version: 'v1',
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
};

export function thing(
  name: string,
  resourceVersion: string,
  change: Partial<ApiObject['metadata']> = {},
): ApiObject {
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      resourceVersion,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...change,
    },
  };
}

export class FakeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#timers.length;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  /** Turns the hands and calls what is due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [due] = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.#now = due.at;
      this.#timers = this.#timers.filter((other) => other !== due);
      due.callback();
    }
    this.#now = end;
  }
}

export type ListStep = ObjectList<ApiObject> | Error;
export type WatchStep = readonly (ClientWatchEvent<ApiObject> | Error)[];

/** Answers lists and watches from scripts; a watch beyond its script waits until it is aborted. */
export class ScriptedClient implements Pick<Client, 'list' | 'watch'> {
  readonly asked: string[] = [];
  readonly #lists: ListStep[];
  readonly #watches: WatchStep[];

  constructor(lists: readonly ListStep[], watches: readonly WatchStep[]) {
    this.#lists = [...lists];
    this.#watches = [...watches];
  }

  list<T extends ApiObject>(): Promise<ObjectList<T>> {
    this.asked.push('list');
    const step = this.#lists.shift();
    if (step === undefined) return Promise.reject(new Error('no list left'));
    return step instanceof Error ? Promise.reject(step) : Promise.resolve(step as ObjectList<T>);
  }

  async *watch<T extends ApiObject>(
    _resource: ApiResource,
    _selectors: object,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<ClientWatchEvent<T>> {
    this.asked.push(`watch ${resourceVersion}`);
    const step = this.#watches.shift();
    if (step === undefined) {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      await promise;
      return;
    }
    for (const event of step) {
      if (event instanceof Error) throw event;
      yield event as ClientWatchEvent<T>;
    }
  }
}
