// Watches over nodes. One whose Lease is not renewed is Unknown and tainted until it is; Pods leave a tainted node when their
// tolerations run out; Pods of a Node that was deleted are removed, because nobody is left to stop them. A real cluster does this
// itself: there, this controller stays off. What replaces a Pod is the business of whoever made it.
import type { V1PodSpec } from '@kubernetes/client-node';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import type { Taint } from '../machinery/node-fit.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { LEASES, NODES, PODS } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { evictionTime, GRACE_MS, taintsFor } from './judge.ts';
import type { Readiness, TimedTaint } from './judge.ts';

interface Node extends ApiObject {
  readonly spec?: { readonly taints?: readonly TimedTaint[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Lease extends ApiObject {
  readonly spec?: { readonly renewTime?: string };
}

interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
}

interface Sign {
  readonly renewTime: string;
  /** On the monotonic clock. */
  readonly seenAt: number;
}

const LEASE_NAMESPACE = 'kube-node-lease';
/** What the agent says about its node, and nobody can confirm any more. */
const AGENT_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function addNodeLifecycleController(manager: Manager): void {
  manager.add(new NodeLifecycleController(manager).loop);
}

class NodeLifecycleController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #nodes: CacheView<Node>;
  readonly #leases: CacheView<Lease>;
  readonly #pods: CacheView<Pod>;
  readonly #events: EventRecorder;
  /** Node → its last sign of life. */
  readonly #signs = new Map<string, Sign>();
  /** Node → taint → since when it has been known here, on the monotonic clock. */
  readonly #tainted = new Map<string, ReadonlyMap<string, number>>();

  constructor(manager: Manager) {
    this.#manager = manager;
    const nodes = manager.informer<Node>(NODES);
    const leases = manager.informer<Lease>(LEASES, { selectors: { namespace: LEASE_NAMESPACE } });
    const pods = manager.informer<Pod>(PODS, {
      indexers: { boundTo: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]) },
    });
    this.#nodes = nodes.cache;
    this.#leases = leases.cache;
    this.#pods = pods.cache;
    this.#events = manager.recorder('windlass-node-lifecycle');
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'node-lifecycle',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [nodes, leases, pods],
      clock,
      metrics,
      logger,
      random,
    });
    nodes.onChange(({ object }) => this.loop.queue.add(object.metadata.name));
    leases.onChange(({ object }) => this.loop.queue.add(object.metadata.name));
    pods.onChange(({ type, object }) => {
      const { nodeName } = object.spec;
      if (type !== 'Deleted' && nodeName !== undefined) this.loop.queue.add(nodeName);
    });
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#nodes.get('', name);
    const pods = this.#pods.indexed('boundTo', name);
    if (node === undefined) {
      this.#signs.delete(name);
      this.#tainted.delete(name);
      if (pods.length > 0) await this.#removeOrphans(name, pods, signal);
      return DONE;
    }
    const silentFor = this.#silence(name);
    const said = node.status?.conditions?.find(({ type }) => type === 'Ready');
    // An agent that never said anything is one that has yet to come.
    const lost = silentFor >= GRACE_MS && said !== undefined;
    const readiness: Readiness = lost ? 'Unknown' : (said?.status ?? 'Unknown');
    if (lost && said.status !== 'Unknown') await this.#markUnknown(node, signal);
    const taints = await this.#taint(node, readiness, signal);
    const evictAfterMs = await this.#evict(name, taints, pods, signal);
    const delays = [lost ? undefined : GRACE_MS - silentFor, evictAfterMs].filter(
      (delay) => delay !== undefined,
    );
    return delays.length === 0
      ? DONE
      : { outcome: 'requeueAfter', delayMs: Math.max(1, Math.min(...delays)) };
  }

  /** Milliseconds since the Lease was last seen to change. */
  #silence(name: string): number {
    const now = this.#manager.clock.monotonic();
    const renewTime = this.#leases.get(LEASE_NAMESPACE, name)?.spec?.renewTime ?? '';
    const before = this.#signs.get(name);
    if (before?.renewTime === renewTime) return now - before.seenAt;
    this.#signs.set(name, { renewTime, seenAt: now });
    return 0;
  }

  async #markUnknown(node: Node, signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#manager;
    const { name, resourceVersion } = node.metadata;
    const before = node.status?.conditions ?? [];
    const unknown = AGENT_CONDITIONS.map((type) => ({
      ...before.find((condition) => condition.type === type),
      type,
      status: 'Unknown' as const,
      reason: 'NodeStatusUnknown',
      message: 'The agent stopped renewing its Lease.',
    }));
    const conditions = setConditions(before, unknown, timestamp(clock.now()));
    // On top of what was read: an agent that came back this moment has the last word.
    const patch = { metadata: { resourceVersion }, status: { conditions } };
    await client.patch(NODES, '', name, 'status', 'merge', patch, signal);
    logger.warn('Node does not answer', { node: name });
    this.#events.record(NODES, node, 'Normal', 'NodeNotReady', `Node ${name} does not answer`);
  }

  /** @returns the taints that the node has now */
  async #taint(
    node: Node,
    readiness: Readiness,
    signal: AbortSignal,
  ): Promise<readonly TimedTaint[]> {
    const { client, clock } = this.#manager;
    const before = node.spec?.taints ?? [];
    // A node that nobody has said anything about takes no Pods anyway: not ready, but not lost either.
    const isNew = node.status?.conditions?.every(({ type }) => type !== 'Ready') ?? true;
    const taints = isNew ? before : taintsFor(before, readiness, timestamp(clock.now()));
    if (JSON.stringify(taints) === JSON.stringify(before)) return taints;
    const { name } = node.metadata;
    // A status that was just written has moved the revision on: read again rather than conflict with ourselves.
    const fresh = await client.get<Node>(NODES, '', name, signal);
    if (JSON.stringify(fresh.spec?.taints ?? []) !== JSON.stringify(before)) return before;
    const { resourceVersion } = fresh.metadata;
    const patch = { metadata: { resourceVersion }, spec: { taints } };
    await client.patch(NODES, '', name, '', 'merge', patch, signal);
    if (readiness === 'True') {
      this.#manager.logger.info('Node answers again', { node: name });
      this.#events.record(NODES, node, 'Normal', 'NodeReady', `Node ${name} answers again`);
    }
    return taints;
  }

  /** Deletes Pods whose time on the tainted node is over. @returns in how many milliseconds the next one's is */
  async #evict(
    node: string,
    taints: readonly TimedTaint[],
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const now = this.#manager.clock.monotonic();
    const before = this.#tainted.get(node);
    const since = new Map(
      taints.map((taint) => [textOf(taint), before?.get(textOf(taint)) ?? now] as const),
    );
    this.#tainted.set(node, since);
    const seenAt = (taint: Taint): number => since.get(textOf(taint)) ?? now;
    let next: number | undefined;
    for (const pod of pods) {
      if (pod.metadata.deletionTimestamp !== undefined) continue;
      const at = evictionTime(pod.spec.tolerations ?? [], taints, seenAt);
      if (at === undefined) continue;
      if (at > now) {
        next = Math.min(next ?? Number.POSITIVE_INFINITY, at - now);
        continue;
      }
      const message = `Deleting it: node ${node} has a NoExecute taint that it does not tolerate any longer`;
      this.#events.record(PODS, pod, 'Normal', 'TaintManagerEviction', message);
      await this.#delete(pod, {}, signal);
    }
    return next;
  }

  async #removeOrphans(name: string, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#manager;
    try {
      // Asked of the server itself: the cache of Nodes may be behind the cache of Pods.
      await client.get(NODES, '', name, signal);
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    for (const pod of pods) {
      logger.info('Removing a Pod of a node that is gone', { node: name, pod: pod.metadata.name });
      await this.#delete(pod, { gracePeriodSeconds: 0 }, signal);
    }
  }

  async #delete(
    { metadata: { namespace = '', name, uid } }: Pod,
    options: { readonly gracePeriodSeconds?: number },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#manager.client.delete(PODS, namespace, name, { uid, ...options }, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function textOf({ key, value = '', effect }: Taint): string {
  return `${key}=${value}:${effect}`;
}
