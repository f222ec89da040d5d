// Informers of the kinds that quotas are about, as long as one is: a server without quotas watches nothing for them. Of most kinds
// only names are kept.
import { countsContent, quotaKindOf } from '#platform/quota/usage.ts';
import type { ApiObject, ApiResource } from '../machinery/client-types.ts';
import { Deadline } from '../machinery/deadline.ts';
import { discover } from '../machinery/discovery.ts';
import { Informer } from '../machinery/informer.ts';
import type { Manager } from '../machinery/manager.ts';

interface Counted {
  readonly informer: Informer<ApiObject>;
  readonly stop: AbortController;
}

const PATIENCE_MS = 20_000;

export class CountedKinds {
  readonly #manager: Manager;
  readonly #changed: (kind: string, namespace: string) => void;
  readonly #kinds = new Map<string, Counted>();

  /** @param changed an object of the kind came, went or is another */
  constructor(manager: Manager, changed: (kind: string, namespace: string) => void) {
    this.#manager = manager;
    this.#changed = changed;
  }

  /** Ends what nobody asks for any more. */
  keepOnly(kinds: ReadonlySet<string>): void {
    for (const [kind, { stop }] of this.#kinds) {
      if (kinds.has(kind)) continue;
      stop.abort();
      this.#kinds.delete(kind);
    }
  }

  /**
   * Watches kinds that are not watched yet.
   *
   * @param lifetime of the watches
   * @returns kinds that nobody serves
   * @throws when one cannot be listed within a while
   */
  async need(kinds: ReadonlySet<string>, lifetime: AbortSignal): Promise<ReadonlySet<string>> {
    const unknown = await this.#start(kinds, lifetime);
    const { clock } = this.#manager;
    const patience = new Deadline(clock, PATIENCE_MS, 'a counted kind cannot be listed');
    try {
      const signal = AbortSignal.any([lifetime, patience.signal]);
      for (const kind of kinds) await this.#kinds.get(kind)?.informer.synced(signal);
    } finally {
      patience.end();
    }
    return unknown;
  }

  /** Undefined for a kind that is not watched. */
  list(kind: string, namespace: string): readonly ApiObject[] | undefined {
    return this.#kinds.get(kind)?.informer.cache.list(namespace);
  }

  async #start(kinds: ReadonlySet<string>, lifetime: AbortSignal): Promise<ReadonlySet<string>> {
    const missing = new Set([...kinds].filter((kind) => !this.#kinds.has(kind)));
    if (missing.size === 0) return missing;
    const { resources } = await discover(this.#manager.client, lifetime);
    for (const resource of resources) {
      const kind = quotaKindOf(resource.group, resource.resource);
      const isCountable =
        resource.namespaced && ['list', 'watch'].every((verb) => resource.verbs.includes(verb));
      if (!missing.has(kind) || !isCountable) continue;
      missing.delete(kind);
      // Somebody may have been faster.
      if (!this.#kinds.has(kind)) this.#watch(kind, resource, lifetime);
    }
    return missing;
  }

  #watch(kind: string, resource: ApiResource, lifetime: AbortSignal): void {
    const { client, clock, logger, random } = this.#manager;
    const stop = new AbortController();
    const whole = countsContent(kind);
    const informer = new Informer<ApiObject>({
      client,
      clock,
      logger,
      random,
      resource,
      ...(whole ? {} : { selectors: { metadataOnly: true }, transform: named }),
    });
    informer.onChange(({ object }) => this.#changed(kind, object.metadata.namespace ?? ''));
    // run() resolves when its signal aborts and never rejects.
    void informer.run(AbortSignal.any([lifetime, stop.signal]));
    this.#kinds.set(kind, { informer, stop });
  }
}

/** Whoever is only counted needs no more. */
function named({ metadata }: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace === undefined ? {} : { namespace }),
    },
  };
}
