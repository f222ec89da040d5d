// One informer per kind that can be deleted, following CustomResourceDefinitions as they come and go, all feeding one graph. A kind that
// other controllers watch is not watched a second time; of the others, metadata is enough.
import type { CacheChange } from '../machinery/cache.ts';
import type { ApiObject, ApiResource } from '../machinery/client-types.ts';
import { Deadline } from '../machinery/deadline.ts';
import { discover } from '../machinery/discovery.ts';
import type { DiscoveredResource } from '../machinery/discovery.ts';
import { Informer } from '../machinery/informer.ts';
import type { Manager } from '../machinery/manager.ts';

/** `Unwatched`: its kind is not served any more, which does not mean that it is gone. */
export type GraphChange =
  CacheChange<ApiObject> | { readonly type: 'Unwatched'; readonly object: ApiObject };

type Listener = (resource: ApiResource, change: GraphChange) => void;

interface Monitor {
  readonly resource: DiscoveredResource;
  readonly informer: Informer<ApiObject>;
  readonly stop: AbortController;
}

/** Events own nothing, are owned by nothing and come in thousands. */
const IGNORED = new Set(['/events', 'events.k8s.io/events']);

const PATIENCE_MS = 30_000;

export class Monitors {
  readonly #manager: Manager;
  readonly #listener: Listener;
  readonly #monitors = new Map<string, Monitor>();

  constructor(manager: Manager, listener: Listener) {
    this.#manager = manager;
    this.#listener = listener;
  }

  /** The kind that an owner reference means, at whatever version it is watched. */
  resourceOf(apiVersion: string, kind: string): ApiResource | undefined {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    for (const { resource } of this.#monitors.values()) {
      if (resource.group === group && resource.kind === kind) return resource;
    }
    return undefined;
  }

  /** Starts informers for new kinds and ends those of kinds that are gone. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { resources, failures } = await discover(this.#manager.client, signal);
    const wanted = new Map<string, DiscoveredResource>();
    for (const resource of resources) {
      const key = `${resource.group}/${resource.resource}`;
      const usable = ['delete', 'list', 'watch'].every((verb) => resource.verbs.includes(verb));
      if (usable && !IGNORED.has(key)) wanted.set(key, resource);
    }
    for (const [key, resource] of wanted) {
      const existing = this.#monitors.get(key);
      if (existing?.resource.version === resource.version) continue;
      existing?.stop.abort();
      this.#start(key, resource, signal);
    }
    // A group that does not answer for a moment has not gone away.
    for (const [key, monitor] of failures.length > 0 ? [] : this.#monitors) {
      if (wanted.has(key)) continue;
      monitor.stop.abort();
      this.#monitors.delete(key);
      for (const object of monitor.informer.cache.list()) {
        this.#listener(monitor.resource, { type: 'Unwatched', object });
      }
    }
  }

  /**
   * Waits until all informers know their objects, or half a minute: a kind that came and went meanwhile, or that cannot be listed,
   * must not hold up all others.
   */
  async synced(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#manager;
    const patience = new Deadline(clock, PATIENCE_MS, 'some kinds cannot be listed');
    const lifetime = AbortSignal.any([signal, patience.signal]);
    try {
      await Promise.all(
        [...this.#monitors.values()].map(({ informer, stop }) =>
          informer.synced(AbortSignal.any([lifetime, stop.signal])).catch((error: unknown) => {
            if (!stop.signal.aborted) throw error;
          }),
        ),
      );
    } catch (error) {
      signal.throwIfAborted();
      logger.warn('Collecting garbage without knowing all kinds', { error });
    } finally {
      patience.end();
    }
  }

  #start(key: string, resource: DiscoveredResource, signal: AbortSignal): void {
    const stop = new AbortController();
    const shared = this.#manager.existingInformer(resource);
    const informer = shared ?? this.#ownInformer(resource);
    const unsubscribe = informer.onChange((change) => this.#listener(resource, change));
    stop.signal.addEventListener('abort', unsubscribe, { once: true });
    // run() resolves when its signal aborts and never rejects. What is shared is run by the manager.
    if (shared === undefined) void informer.run(AbortSignal.any([signal, stop.signal]));
    this.#monitors.set(key, { resource, informer, stop });
  }

  #ownInformer(resource: DiscoveredResource): Informer<ApiObject> {
    const { client, clock, logger, random } = this.#manager;
    return new Informer<ApiObject>({
      client,
      clock,
      logger,
      random,
      resource,
      selectors: { metadataOnly: true },
      transform: metadataOf,
    });
  }
}

/** Keeps nothing of an object but what the graph asks for. */
function metadataOf({ metadata }: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { deletionTimestamp, finalizers, ownerReferences } = metadata;
  return {
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace === undefined ? {} : { namespace }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
  };
}
