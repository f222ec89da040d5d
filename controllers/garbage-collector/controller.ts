// Deletes what nobody owns any more, in the background, in the foreground or not at all, as owners and finalizers ask. Caches only
// give the hint: before anything is deleted, the server itself is asked about the object and its owners.
import type { ApiObject } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import type { OwnerReference } from '../machinery/owner-references.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from '../machinery/resources.ts';
import { decide } from './decide.ts';
import type { OwnerState } from './decide.ts';
import { graphNode, ORPHAN_FINALIZER, OwnerGraph } from './graph.ts';
import type { GraphNode } from './graph.ts';
import { Monitors } from './monitors.ts';

/** Kinds can also come from elsewhere than CustomResourceDefinitions. */
const REFRESH_MS = 60_000;
const REFRESH_KEY = 'refresh';
/** Owners known to be gone, so that a thousand dependents cost one question. */
const MAXIMUM_ABSENT = 1_000;

export function addGarbageCollector(manager: Manager): void {
  const collector = new GarbageCollector(manager);
  manager.add(collector.loop);
  manager.add(collector.discovery);
}

class GarbageCollector {
  readonly loop: Controller;
  readonly discovery: Controller;
  readonly #manager: Manager;
  readonly #graph = new OwnerGraph();
  readonly #monitors: Monitors;
  readonly #events: EventRecorder;
  readonly #absent = new Set<string>();
  readonly #ready = Promise.withResolvers<void>();

  constructor(manager: Manager) {
    this.#manager = manager;
    this.#events = manager.recorder('windlass-garbage-collector');
    this.#monitors = new Monitors(manager, (resource, { type, object }) => {
      const { uid } = object.metadata;
      // Told by its watch, it is gone for good: its dependents need not ask, nor can they once its kind is gone too.
      if (type === 'Deleted' && this.#graph.dependentsOf(uid).length > 0) this.#rememberAbsent(uid);
      const affected =
        type === 'Deleted' || type === 'Unwatched'
          ? this.#graph.forget(uid)
          : this.#graph.observe(graphNode(resource, object));
      for (const key of affected) this.loop.queue.add(key);
    });
    const { clock, metrics, logger, random } = manager;
    const shared = { clock, metrics, logger, random };
    const definitions = manager.informer(CUSTOM_RESOURCE_DEFINITIONS);
    this.discovery = new Controller({
      ...shared,
      name: 'garbage-collector-discovery',
      waitFor: [definitions],
      reconcile: async (_, signal) => {
        await this.#monitors.refresh(signal);
        this.#ready.resolve();
        return { outcome: 'requeueAfter', delayMs: REFRESH_MS };
      },
    });
    this.discovery.queue.add(REFRESH_KEY);
    definitions.onChange((change) => {
      // A status that says "established" makes the kind appear; heartbeats of other fields do no harm.
      if (change.type === 'Added') this.discovery.queue.addAfter(REFRESH_KEY, 200);
      else this.discovery.queue.add(REFRESH_KEY);
    });
    this.loop = new Controller({
      ...shared,
      name: 'garbage-collector',
      concurrency: 4,
      waitFor: [
        {
          synced: async (signal) => {
            await raceAbort(this.#ready.promise, signal);
            await this.#monitors.synced(signal);
          },
        },
      ],
      reconcile: (uid, signal) => this.#reconcile(uid, signal),
    });
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#graph.get(uid);
    if (node === undefined) return DONE;
    const object = await this.#read(node, signal);
    if (object === undefined) {
      for (const key of this.#graph.forget(uid)) this.loop.queue.add(key);
      return DONE;
    }
    const states = new Map<string, OwnerState>();
    if (object.metadata.deletionTimestamp === undefined) {
      for (const owner of object.metadata.ownerReferences ?? []) {
        states.set(owner.uid, await this.#ownerState(node, object, owner, signal));
      }
    }
    await this.#act(node, object, states, signal);
    return DONE;
  }

  async #act(
    node: GraphNode,
    object: ApiObject,
    states: ReadonlyMap<string, OwnerState>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, logger } = this.#manager;
    const { resource, namespace, name, uid } = node;
    const decision = decide(object, states, this.#graph.dependentsOf(uid));
    switch (decision.action) {
      case 'keep':
        return;
      case 'delete': {
        logger.debug('Deleting what lost its owners', {
          resource: resource.resource,
          namespace,
          name,
        });
        const { resourceVersion } = object.metadata;
        const request = { uid, resourceVersion, propagationPolicy: decision.policy };
        await ignoreNotFound(client.delete(resource, namespace, name, request, signal));
        return;
      }
      case 'dropOwners':
        await this.#patch(node, object, { ownerReferences: decision.remaining }, signal);
        return;
      case 'orphanDependents':
        for (const dependent of this.#graph.dependentsOf(uid)) {
          await this.#orphan(dependent, uid, signal);
        }
        await this.#dropFinalizer(node, object, ORPHAN_FINALIZER, signal);
        return;
      case 'deleteDependents':
        for (const dependent of decision.uids) this.loop.queue.add(dependent);
        return;
      case 'dropFinalizer':
        await this.#dropFinalizer(node, object, decision.finalizer, signal);
    }
  }

  async #orphan(dependent: GraphNode, owner: string, signal: AbortSignal): Promise<void> {
    const object = await this.#read(dependent, signal);
    const references = object?.metadata.ownerReferences ?? [];
    if (object === undefined || !references.some(({ uid }) => uid === owner)) return;
    const ownerReferences = references.filter(({ uid }) => uid !== owner);
    await this.#patch(dependent, object, { ownerReferences }, signal);
  }

  async #dropFinalizer(
    node: GraphNode,
    object: ApiObject,
    finalizer: string,
    signal: AbortSignal,
  ): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    await this.#patch(node, object, { finalizers }, signal);
  }

  /** Changes metadata of exactly the object that was looked at: with another revision it is a conflict, and looked at again. */
  async #patch(
    { resource, namespace, name }: GraphNode,
    { metadata: { uid, resourceVersion } }: ApiObject,
    change: object,
    signal: AbortSignal,
  ): Promise<void> {
    const patch = { metadata: { uid, resourceVersion, ...change } };
    await ignoreNotFound(
      this.#manager.client.patch(resource, namespace, name, '', 'merge', patch, signal),
    );
  }

  async #ownerState(
    node: GraphNode,
    object: ApiObject,
    owner: OwnerReference,
    signal: AbortSignal,
  ): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid);
    if (known !== undefined && (known.namespace === '' || known.namespace === node.namespace)) {
      return known.waiting ? 'waiting' : 'present';
    }
    if (known !== undefined) {
      const message = `ownerRef to ${owner.kind} ${owner.name} names an object in namespace ${known.namespace}: owners must be in the same namespace or in none`;
      this.#events.record(node.resource, object, 'Warning', 'OwnerRefInvalidNamespace', message);
      return 'absent';
    }
    if (this.#absent.has(owner.uid)) return 'absent';
    const resource = this.#monitors.resourceOf(owner.apiVersion, owner.kind);
    if (resource === undefined) {
      throw new Error(
        `Cannot judge the owner ${owner.kind} ${owner.name}: this server has no kind ${owner.kind} in ${owner.apiVersion}`,
      );
    }
    const namespace = resource.namespaced ? node.namespace : '';
    const found = await this.#read(
      { resource, namespace, name: owner.name, uid: owner.uid },
      signal,
    );
    if (found === undefined) {
      this.#rememberAbsent(owner.uid);
      return 'absent';
    }
    return graphNode(resource, found).waiting ? 'waiting' : 'present';
  }

  #rememberAbsent(uid: string): void {
    if (this.#absent.size >= MAXIMUM_ABSENT) this.#absent.clear();
    this.#absent.add(uid);
  }

  /** The object as the server has it now; `undefined` when it is gone or another one has its name. */
  async #read(
    { resource, namespace, name, uid }: Pick<GraphNode, 'resource' | 'namespace' | 'name' | 'uid'>,
    signal: AbortSignal,
  ): Promise<ApiObject | undefined> {
    try {
      const object = await this.#manager.client.get<ApiObject>(resource, namespace, name, signal);
      return object.metadata.uid === uid ? object : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function raceAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
