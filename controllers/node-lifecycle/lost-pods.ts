// The Pods of a node that is tainted or away: nobody takes them for ready any more, they leave when their tolerations run out, and
// those that must not leave stay and say why.
import type { V1PodSpec } from '@kubernetes/client-node';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import type { Taint } from '#platform/pod-placement.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { PODS } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { evictionTime, isOwn } from './judge.ts';
import type { TimedTaint } from './judge.ts';
import { keepingClaim } from './kept-pods.ts';
import type { LifecycleMetrics } from './metrics.ts';

export interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface LostPodsOptions {
  readonly manager: Manager;
  readonly podsOn: (node: string) => readonly Pod[];
  readonly claims: CacheView<ApiObject>;
  readonly events: EventRecorder;
  readonly metrics: LifecycleMetrics;
}

export class LostPods {
  readonly #options: LostPodsOptions;
  /** Node → taint → since when it has been known here, on the monotonic clock. */
  readonly #tainted = new Map<string, ReadonlyMap<string, number>>();
  /** Node → uids of Pods that stay and have said so. */
  readonly #kept = new Map<string, ReadonlySet<string>>();

  constructor(options: LostPodsOptions) {
    this.#options = options;
  }

  /** The node is gone. */
  forget(node: string): void {
    this.#tainted.delete(node);
    this.#kept.delete(node);
    this.#options.metrics.kept(node, 0);
  }

  /**
   * What its agent last said of a Pod is no news: nobody can confirm it. Once for each time that a node is lost: an agent that is back
   * says it again, and must not be contradicted until its Node is ready too.
   *
   * @throws RequestError Conflict when a Pod changed meanwhile: look again
   */
  async markNotReady(node: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options.manager;
    for (const { metadata, status } of this.#options.podsOn(node)) {
      if (!status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
        continue;
      const { namespace = '', name, resourceVersion } = metadata;
      const condition = {
        type: 'Ready',
        status: 'False',
        reason: 'NodeNotReady',
        message: `its node ${node} does not answer`,
        lastTransitionTime: timestamp(clock.now()),
      };
      const patch = { metadata: { resourceVersion }, status: { conditions: [condition] } };
      try {
        await client.patch(PODS, namespace, name, 'status', 'strategic', patch, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** Deletes Pods whose time on the tainted node is over. @returns in how many milliseconds the next one's is */
  async evict(
    node: string,
    taints: readonly TimedTaint[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { manager, podsOn, metrics } = this.#options;
    const now = manager.clock.monotonic();
    const before = this.#tainted.get(node);
    const since = new Map(
      taints.map((taint) => [textOf(taint), before?.get(textOf(taint)) ?? now] as const),
    );
    this.#tainted.set(node, since);
    const seenAt = (taint: Taint): number => since.get(textOf(taint)) ?? now;
    const foreign = taints.filter((taint) => !isOwn(taint));
    const kept = new Set<string>();
    let next: number | undefined;
    // Without a taint that ends Pods, all stay: of the many nodes that are well, nobody's Pods are looked through.
    const pods = taints.some(({ effect }) => effect === 'NoExecute') ? podsOn(node) : [];
    for (const pod of pods) {
      if (pod.metadata.deletionTimestamp !== undefined) continue;
      const tolerations = pod.spec.tolerations ?? [];
      const claim = this.#keepingClaim(pod, node);
      const due = evictionTime(tolerations, taints, seenAt);
      // Where an agent answers it ends the Pod before another one starts: only our own taints speak of one that may not.
      const leaves = claim === undefined ? due : evictionTime(tolerations, foreign, seenAt);
      if (leaves !== undefined && leaves <= now) {
        await this.#evict(pod, node, signal);
        continue;
      }
      if (claim !== undefined && due !== undefined && due <= now) {
        kept.add(pod.metadata.uid);
        this.#sayKept(pod, node, claim);
      }
      for (const at of [due, leaves])
        if (at !== undefined && at > now) next = Math.min(next ?? at - now, at - now);
    }
    this.#kept.set(node, kept);
    metrics.kept(node, kept.size);
    return next;
  }

  /** @param gracePeriodSeconds 0 when nobody is left to stop it */
  async delete(
    pod: Pod,
    gracePeriodSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    try {
      await this.#options.manager.client.delete(PODS, namespace, name, { uid, ...grace }, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #keepingClaim(pod: Pod, node: string): string | undefined {
    const { namespace = '' } = pod.metadata;
    return keepingClaim(pod, node, (name) => this.#options.claims.get(namespace, name));
  }

  #sayKept(pod: Pod, node: string, claim: string): void {
    if (this.#kept.get(node)?.has(pod.metadata.uid) === true) return;
    this.#options.events.record(
      PODS,
      pod,
      'Warning',
      'KeptForVolume',
      `Node ${node} does not answer, and this Pod stays there: the data of its volume ${claim} is on that node, and a second writer must not start elsewhere. Bring the node back, or give it and its volumes up with: windlass node remove ${node} --force`,
    );
  }

  async #evict(pod: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { events, metrics } = this.#options;
    const message = `Deleting it: node ${node} has a NoExecute taint that it does not tolerate any longer`;
    events.record(PODS, pod, 'Normal', 'TaintManagerEviction', message);
    await this.delete(pod, undefined, signal);
    metrics.podDeletions.inc();
  }
}

function textOf({ key, value = '', effect }: Taint): string {
  return `${key}=${value}:${effect}`;
}
