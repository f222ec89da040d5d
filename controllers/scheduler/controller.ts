// Binds Pods that nobody has bound yet to nodes. Small on purpose: it exists so that Pods run where no Kubernetes scheduler is. On a
// real cluster it stays off. One Pod at a time, and what it just bound counts at once, so that it cannot overfill a node. The node of
// its first Pod becomes the node of a claim, which is written down before the Pod is bound.
import type { V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { requiredNode } from '#platform/pod-placement.ts';
import { placeOf, selectNode, tellBound } from '../machinery/claim-place.ts';
import type { Claim } from '../machinery/claim-place.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { nodeFacts } from '../machinery/node-fit.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { NODES, PERSISTENT_VOLUME_CLAIMS, PODS } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { claimNames, claimProblem, keptClaims } from './pod-claims.ts';
import { schedule, unavailable } from './schedule.ts';
import type { SchedulableNode } from '../machinery/node-fit.ts';
import type { Candidate, Decision } from './schedule.ts';

interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
  readonly status?: V1PodStatus;
}
type Node = ApiObject & SchedulableNode;

const SCHEDULER_NAME = 'default-scheduler';
const PARALLEL_BINDINGS = 64;
/** Anything that could make room adds the Pod again; this is for what nobody told us. */
const RETRY_MS = 60_000;

export function addScheduler(manager: Manager): void {
  manager.add(new Scheduler(manager).loop);
}

class Scheduler {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #pods: CacheView<Pod>;
  readonly #nodes: CacheView<Node>;
  readonly #claims: CacheView<Claim>;
  readonly #events: EventRecorder;
  /** uid → node and spec of Pods that were bound, until the cache shows it. */
  readonly #assumed = new Map<string, { readonly node: string; readonly spec: V1PodSpec }>();
  /** Keys of Pods that found no node. */
  readonly #unplaced = new Set<string>();

  constructor(manager: Manager) {
    this.#manager = manager;
    const pods = manager.informer<Pod>(PODS, { indexers: { node: boundTo, claim: claimsInUse } });
    const nodes = manager.informer<Node>(NODES);
    this.#pods = pods.cache;
    this.#nodes = nodes.cache;
    const claims = manager.informer<Claim>(PERSISTENT_VOLUME_CLAIMS);
    this.#claims = claims.cache;
    this.#events = manager.recorder('windlass-scheduler');
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'scheduler',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [pods, nodes, claims],
      // What one of them decides, the next one knows at once (#assumed): only the writing overlaps.
      concurrency: PARALLEL_BINDINGS,
      clock,
      metrics,
      logger,
      random,
    });
    pods.onChange(({ type, object }) => {
      const gone = type === 'Deleted' || isFinished(object);
      if (gone || object.spec.nodeName !== undefined) this.#assumed.delete(object.metadata.uid);
      if (gone) this.#retryUnplaced();
      else if (waitsForNode(object)) this.loop.queue.add(keyOf(object));
    });
    claims.onChange(() => this.#retryUnplaced());
    nodes.onChange((change) => {
      if (
        change.type === 'Updated' &&
        placementText(change.previous) === placementText(change.object)
      )
        return;
      this.#retryUnplaced();
    });
  }

  /** The claims of the Pod, or why it cannot have them. */
  async #claimsOf(pod: Pod, signal: AbortSignal): Promise<readonly Claim[] | string> {
    const { namespace = '' } = pod.metadata;
    const claims: Claim[] = [];
    for (const name of claimNames(pod.spec)) {
      // Made together with the Pod, it may not have come here yet.
      const claim =
        this.#claims.get(namespace, name) ?? (await this.#fetch(namespace, name, signal));
      const problem = claimProblem(name, claim);
      if (claim === undefined || problem !== undefined) return problem ?? name;
      claims.push(claim);
    }
    return claims;
  }

  async #fetch(namespace: string, name: string, signal: AbortSignal): Promise<Claim | undefined> {
    try {
      const { client } = this.#manager;
      return await client.get<Claim>(PERSISTENT_VOLUME_CLAIMS, namespace, name, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #decide(pod: Pod, claims: readonly Claim[] | string): Decision {
    if (typeof claims === 'string') return unavailable(this.#nodes.size, claims);
    const userNode = (claim: string): string | undefined =>
      this.#pods
        .indexed('claim', `${pod.metadata.namespace}/${claim}`)
        .map(({ spec }) => spec.nodeName ?? '')
        .toSorted()[0];
    const kept = keptClaims(claims, userNode);
    // A Pod that is pinned to a node asks nothing of the others, unless it is to be said why none takes it.
    const only = this.#nodes.get('', requiredNode(pod.spec) ?? '');
    const decision = only && schedule(pod.spec, this.#candidates([only]), kept);
    if (decision?.node !== undefined) return decision;
    return schedule(pod.spec, this.#candidates(this.#nodes.list()), kept);
  }

  #retryUnplaced(): void {
    for (const key of this.#unplaced) this.loop.queue.add(key);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const pod = this.#pods.get(namespace, name);
    if (pod === undefined || !waitsForNode(pod) || this.#assumed.has(pod.metadata.uid)) {
      this.#unplaced.delete(key);
      return DONE;
    }
    const claims = await this.#claimsOf(pod, signal);
    // From here to #assumed nothing waits, whatever else is under way.
    const decision = this.#decide(pod, claims);
    if (decision.node === undefined || typeof claims === 'string') {
      this.#unplaced.add(key);
      const message = 'message' in decision ? decision.message : '';
      await this.#reportUnplaced(pod, message, signal);
      return { outcome: 'requeueAfter', delayMs: RETRY_MS };
    }
    this.#unplaced.delete(key);
    const { uid } = pod.metadata;
    // At once, so that whoever is decided meanwhile knows.
    this.#assumed.set(uid, { node: decision.node, spec: pod.spec });
    try {
      for (const claim of claims) await this.#keep(claim, decision.node, signal);
      await this.#bind(pod, decision.node, signal);
    } catch (error) {
      this.#assumed.delete(uid);
      throw error;
    }
    return DONE;
  }

  #candidates(nodes: readonly Node[]): readonly Candidate[] {
    const assumed = [...this.#assumed.values()];
    return nodes.map((node) => {
      const { name } = node.metadata;
      return {
        node,
        // Asked of the nodes that come into question only.
        pods: () => {
          const bound = this.#pods.indexed('node', name).filter((pod) => !isFinished(pod));
          const pending = assumed.filter((pod) => pod.node === name);
          return [...bound, ...pending].map(({ spec }) => spec);
        },
      };
    });
  }

  /** Before the Pod is bound: from here on, whoever else wants the claim comes to the same node. */
  async #keep(claim: Claim, node: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#manager;
    const place = placeOf(claim);
    if (place === 'anywhere') return;
    const kept = place === 'nowhere' ? await selectNode(client, claim, node, signal) : claim;
    await tellBound(client, kept, signal);
  }

  async #bind(pod: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    try {
      await this.#manager.client.connect(PODS, namespace, name, 'binding', binding, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      // Deleted, or bound by somebody else: the cache will say so.
      this.#assumed.delete(uid);
      return;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    this.#events.record(PODS, pod, 'Normal', 'Scheduled', message);
  }

  async #reportUnplaced(pod: Pod, message: string, signal: AbortSignal): Promise<void> {
    const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (before?.status === 'False' && before.message === message) return;
    this.#events.record(PODS, pod, 'Warning', 'FailedScheduling', message);
    const now = timestamp(this.#manager.clock.now());
    const since = before?.status === 'False' ? before.lastTransitionTime : now;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: since,
    };
    const { namespace = '', name } = pod.metadata;
    const patch = { status: { conditions: [condition] } };
    await this.#manager.client.patch(PODS, namespace, name, 'status', 'strategic', patch, signal);
  }
}

function boundTo({ spec }: Pod): readonly string[] {
  return spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName];
}

/** `namespace/name` of the claims that are on the node that it is bound to. */
function claimsInUse(pod: Pod): readonly string[] {
  if (boundTo(pod).length === 0 || isFinished(pod)) return [];
  return claimNames(pod.spec).map((name) => `${pod.metadata.namespace}/${name}`);
}

function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function waitsForNode(pod: Pod): boolean {
  const { nodeName = '', schedulerName = SCHEDULER_NAME, schedulingGates = [] } = pod.spec;
  return (
    nodeName === '' &&
    schedulerName === SCHEDULER_NAME &&
    schedulingGates.length === 0 &&
    pod.metadata.deletionTimestamp === undefined &&
    !isFinished(pod)
  );
}

function placementText(node: Node): string {
  return JSON.stringify([nodeFacts(node), node.status?.allocatable]);
}
