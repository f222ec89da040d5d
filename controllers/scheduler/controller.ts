// Binds Pods that nobody has bound yet to nodes. Small on purpose: it exists so that Pods run where no Kubernetes scheduler is. On a
// real cluster it stays off. One Pod at a time, and what it just bound counts at once, so that it cannot overfill a node.
import type { V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { nodeFacts } from '../machinery/node-fit.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { NODES, PODS } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { schedule } from './schedule.ts';
import type { SchedulableNode } from '../machinery/node-fit.ts';
import type { Candidate } from './schedule.ts';

interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
  readonly status?: V1PodStatus;
}
type Node = ApiObject & SchedulableNode;

const SCHEDULER_NAME = 'default-scheduler';
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
  readonly #events: EventRecorder;
  /** uid → node and spec of Pods that were bound, until the cache shows it. */
  readonly #assumed = new Map<string, { readonly node: string; readonly spec: V1PodSpec }>();
  /** Keys of Pods that found no node. */
  readonly #unplaced = new Set<string>();

  constructor(manager: Manager) {
    this.#manager = manager;
    const pods = manager.informer<Pod>(PODS, { indexers: { node: boundTo } });
    const nodes = manager.informer<Node>(NODES);
    this.#pods = pods.cache;
    this.#nodes = nodes.cache;
    this.#events = manager.recorder('windlass-scheduler');
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'scheduler',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [pods, nodes],
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
    nodes.onChange((change) => {
      if (
        change.type === 'Updated' &&
        placementText(change.previous) === placementText(change.object)
      )
        return;
      this.#retryUnplaced();
    });
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
    const decision = schedule(pod.spec, this.#candidates());
    if (decision.node === undefined) {
      this.#unplaced.add(key);
      await this.#reportUnplaced(pod, decision.message, signal);
      return { outcome: 'requeueAfter', delayMs: RETRY_MS };
    }
    this.#unplaced.delete(key);
    await this.#bind(pod, decision.node, signal);
    return DONE;
  }

  #candidates(): readonly Candidate[] {
    const assumed = [...this.#assumed.values()];
    return this.#nodes.list().map((node) => {
      const { name } = node.metadata;
      const bound = this.#pods.indexed('node', name).filter((pod) => !isFinished(pod));
      const pending = assumed.filter((pod) => pod.node === name);
      return { node, pods: [...bound, ...pending].map(({ spec }) => spec) };
    });
  }

  async #bind(pod: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    this.#assumed.set(uid, { node, spec: pod.spec });
    try {
      await this.#manager.client.connect(PODS, namespace, name, 'binding', binding, signal);
    } catch (error) {
      this.#assumed.delete(uid);
      // Deleted, or bound by somebody else: the cache will say so.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
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
