// Watches over nodes. One whose Lease is not renewed is Unknown and tainted until it is; Pods leave a tainted node when their
// tolerations run out (lost-pods.ts), unless so many nodes are silent that the fault is more likely in between (zones.ts); Pods of a
// Node that was deleted are removed, because nobody is left to stop them. A real cluster does this itself: there, this controller
// stays off. What replaces a Pod is the business of whoever made it.
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { LEASES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { GRACE_MS, isGivenUp, STARTUP_GRACE_MS, taintsFor } from './judge.ts';
import type { NoExecute, Readiness, TimedTaint } from './judge.ts';
import { LostPods } from './lost-pods.ts';
import type { Pod } from './lost-pods.ts';
import { LifecycleMetrics } from './metrics.ts';
import { isBlackout, Pace, paceMs, zoneOf, zonesOf } from './zones.ts';
import type { Zone } from './zones.ts';

interface Node extends ApiObject {
  readonly spec?: { readonly taints?: readonly TimedTaint[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Lease extends ApiObject {
  readonly spec?: { readonly renewTime?: string };
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
  readonly #podsOn: (node: string) => readonly Pod[];
  readonly #events: EventRecorder;
  readonly #metrics: LifecycleMetrics;
  readonly #lostPods: LostPods;
  readonly #pace: Pace = new Pace();
  /** Node → its last sign of life. */
  readonly #signs = new Map<string, Sign>();
  /** Node → what was last made of it; a node that has not come up yet is missing. */
  readonly #judged = new Map<string, Readiness>();
  /** Nodes that are lost, and whose Pods have been marked for it. */
  readonly #marked = new Set<string>();
  #zones: ReadonlyMap<string, Zone> | undefined;
  #blackout = false;

  constructor(manager: Manager) {
    this.#manager = manager;
    const { clock, metrics, logger, random } = manager;
    const nodes = manager.informer<Node>(NODES);
    const leases = manager.informer<Lease>(LEASES);
    const claims = manager.informer<ApiObject>(PERSISTENT_VOLUME_CLAIMS);
    const pods = manager.informer<Pod>(PODS, {
      indexers: { boundTo: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]) },
    });
    this.#nodes = nodes.cache;
    this.#leases = leases.cache;
    this.#podsOn = (node) => pods.cache.indexed('boundTo', node);
    this.#events = manager.recorder('windlass-node-lifecycle');
    this.#metrics = new LifecycleMetrics(metrics);
    this.#lostPods = new LostPods({
      manager,
      podsOn: this.#podsOn,
      claims: claims.cache,
      events: this.#events,
      metrics: this.#metrics,
    });
    this.loop = new Controller({
      name: 'node-lifecycle',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [nodes, leases, pods, claims],
      clock,
      metrics,
      logger,
      random,
    });
    nodes.onChange((change) => {
      const { object } = change;
      const before = change.type === 'Updated' ? change.previous : undefined;
      if (before === undefined || zoneText(before) !== zoneText(object)) this.#zones = undefined;
      this.loop.queue.add(object.metadata.name);
    });
    leases.onChange(({ object: { metadata } }) => {
      if (metadata.namespace === LEASE_NAMESPACE) this.#hear(metadata.name);
    });
    pods.onChange(({ type, object }) => {
      const { nodeName } = object.spec;
      if (type === 'Deleted' || nodeName === undefined || this.#isWell(nodeName)) return;
      this.loop.queue.add(nodeName);
    });
    // A claim that is given up lets go of the Pods that it kept.
    claims.onChange(({ type }) => {
      if (type !== 'Deleted') return;
      for (const [name, readiness] of this.#judged)
        if (readiness !== 'True') this.loop.queue.add(name);
    });
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const node = this.#nodes.get('', name);
    if (node === undefined) {
      this.#signs.delete(name);
      this.#judged.delete(name);
      this.#marked.delete(name);
      this.#lostPods.forget(name);
      this.#look();
      await this.#removeOrphans(name, signal);
      return DONE;
    }
    const silentFor = this.#silence(name);
    const said = readyOf(node);
    // An agent that never said anything is one that has yet to come, and has longer.
    const graceMs = said === undefined ? STARTUP_GRACE_MS : GRACE_MS;
    const lost = silentFor >= graceMs;
    const readiness: Readiness = lost ? 'Unknown' : (said?.status ?? 'Unknown');
    if (said !== undefined && this.#judged.get(name) !== readiness) {
      this.#judged.set(name, readiness);
      this.#zones = undefined;
    }
    this.#look();
    if (lost && said?.status !== 'Unknown') await this.#markUnknown(node, signal);
    const { taints, waitMs } = await this.#taint(node, readiness, signal);
    if (readiness === 'True') this.#marked.delete(name);
    else if (said !== undefined && !this.#marked.has(name)) {
      await this.#lostPods.markNotReady(name, signal);
      this.#marked.add(name);
    }
    const evictAfterMs = await this.#lostPods.evict(name, taints, signal);
    const leftMs = lost ? undefined : graceMs - silentFor;
    const delays = [leftMs, waitMs, evictAfterMs].filter((delay) => delay !== undefined);
    return delays.length === 0
      ? DONE
      : { outcome: 'requeueAfter', delayMs: Math.max(1, Math.min(...delays)) };
  }

  /** Takes stock of the zones when something about them changed, and judges anew what depends on that. */
  #look(): ReadonlyMap<string, Zone> {
    if (this.#zones !== undefined) return this.#zones;
    const known = this.#nodes.list().flatMap((node) => {
      // Until it has been judged, what is written down about it counts.
      const readiness = this.#judged.get(node.metadata.name) ?? readyOf(node)?.status;
      const zone = zoneOf(node.metadata.labels);
      return readiness === undefined ? [] : [{ zone, ready: readiness === 'True' }];
    });
    this.#zones = zonesOf(known);
    this.#metrics.zones(this.#zones);
    const isDark = isBlackout(this.#zones);
    if (isDark !== this.#blackout) this.#turn(isDark);
    for (const [name, readiness] of this.#judged)
      if (readiness !== 'True') this.loop.queue.add(name);
    return this.#zones;
  }

  /** When no node answers, it is us who are cut off: nobody is given up. Afterwards each of them has its full time again. */
  #turn(isDark: boolean): void {
    const { clock, logger } = this.#manager;
    this.#blackout = isDark;
    if (isDark) {
      logger.warn('No node answers: Pods stay where they are until one does');
      return;
    }
    logger.info('Nodes answer again');
    const seenAt = clock.monotonic();
    for (const [name, sign] of this.#signs) this.#signs.set(name, { ...sign, seenAt });
    for (const node of this.#nodes.list()) this.loop.queue.add(node.metadata.name);
  }

  /** Nothing has to be done about its Pods, whatever they are: when that ends, the Node changes or its time runs out. */
  #isWell(name: string): boolean {
    const node = this.#nodes.get('', name);
    return (
      node !== undefined &&
      this.#judged.get(name) === 'True' &&
      !node.spec?.taints?.some(({ effect }) => effect === 'NoExecute')
    );
  }

  /** A Lease changed. In time, that changes nothing but when its node is judged next, and whoever waits for that sees it then. */
  #hear(name: string): void {
    const before = this.#signs.get(name);
    const now = this.#manager.clock.monotonic();
    if (before !== undefined && now - before.seenAt < GRACE_MS) this.#silence(name);
    else this.loop.queue.add(name);
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
    const unknown = AGENT_CONDITIONS.map((type) =>
      unknownCondition(
        type,
        before.find((condition) => condition.type === type),
      ),
    );
    const conditions = setConditions(before, unknown, timestamp(clock.now()));
    // On top of what was read: an agent that came back this moment has the last word.
    const patch = { metadata: { resourceVersion }, status: { conditions } };
    await client.patch(NODES, '', name, 'status', 'merge', patch, signal);
    if (readyOf(node) === undefined) {
      logger.warn('Node has never reported', { node: name });
      return;
    }
    logger.warn('Node does not answer', { node: name });
    this.#events.record(NODES, node, 'Normal', 'NodeNotReady', `Node ${name} does not answer`);
  }

  /** @returns the taints that the node has now, and how long it must wait to be given up */
  async #taint(
    node: Node,
    readiness: Readiness,
    signal: AbortSignal,
  ): Promise<{ readonly taints: readonly TimedTaint[]; readonly waitMs?: number }> {
    const { client, clock } = this.#manager;
    const { name } = node.metadata;
    const before = node.spec?.taints ?? [];
    // A node that nobody has said anything about takes no Pods anyway: not ready, but not lost either.
    if (readyOf(node) === undefined) return { taints: before };
    const { noExecute, waitMs } = this.#mayGiveUp(node, readiness);
    const taints = taintsFor(before, readiness, noExecute, timestamp(clock.now()));
    const wait = waitMs === undefined ? {} : { waitMs };
    if (JSON.stringify(taints) === JSON.stringify(before)) return { taints, ...wait };
    // A status that was just written has moved the revision on: read again rather than conflict with ourselves.
    const fresh = await client.get<Node>(NODES, '', name, signal);
    if (JSON.stringify(fresh.spec?.taints ?? []) !== JSON.stringify(before))
      return { taints: before, ...wait };
    const { resourceVersion } = fresh.metadata;
    const patch = { metadata: { resourceVersion }, spec: { taints } };
    await client.patch(NODES, '', name, '', 'merge', patch, signal);
    if (isGivenUp(taints) && !isGivenUp(before))
      this.#metrics.givenUp(zoneOf(node.metadata.labels));
    if (readiness === 'True') {
      this.#manager.logger.info('Node answers again', { node: name });
      this.#events.record(NODES, node, 'Normal', 'NodeReady', `Node ${name} answers again`);
    }
    return { taints, ...wait };
  }

  /** One node after the other, and fewer the more are silent. */
  #mayGiveUp(
    node: Node,
    readiness: Readiness,
  ): { readonly noExecute: NoExecute; readonly waitMs?: number } {
    if (readiness === 'True') return { noExecute: 'remove' };
    if (this.#blackout) return { noExecute: 'remove' };
    // It was given up before, whichever way it is away now.
    if (isGivenUp(node.spec?.taints ?? [])) return { noExecute: 'keep' };
    const name = zoneOf(node.metadata.labels);
    const zone = this.#look().get(name);
    const interval = zone === undefined ? 0 : paceMs(zone);
    const waitMs = this.#pace.take(name, interval, this.#manager.clock.monotonic());
    if (waitMs === 0) return { noExecute: 'add' };
    return Number.isFinite(waitMs) ? { noExecute: 'keep', waitMs } : { noExecute: 'keep' };
  }

  async #removeOrphans(name: string, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#manager;
    const pods = this.#podsOn(name);
    if (pods.length === 0) return;
    try {
      // Asked of the server itself: the cache of Nodes may be behind the cache of Pods.
      await client.get(NODES, '', name, signal);
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    for (const pod of pods) {
      logger.info('Removing a Pod of a node that is gone', { node: name, pod: pod.metadata.name });
      await this.#lostPods.delete(pod, 0, signal);
    }
  }
}

type UnstampedCondition = Omit<Condition, 'lastTransitionTime'>;

/** What is said of a node in the place of an agent that is silent. */
function unknownCondition(type: string, before: Condition | undefined): UnstampedCondition {
  if (before?.status === 'Unknown') return before;
  const [reason, message] =
    before === undefined
      ? ['NodeStatusNeverUpdated', 'The agent never posted its status.']
      : ['NodeStatusUnknown', 'The agent stopped renewing its Lease.'];
  return { ...before, type, status: 'Unknown', reason, message };
}

function readyOf({ status }: Node): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** What of a node decides about its zone. */
function zoneText(node: Node): string {
  return `${zoneOf(node.metadata.labels)} ${readyOf(node)?.status ?? ''}`;
}
