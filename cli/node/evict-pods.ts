// Evicts the Pods that a drain's plan names and shows each on its way, until they are gone or will not go.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { emptyNode, EvictionMemory } from '#controllers/machinery/empty-node.ts';
import type { Clock } from '#platform/clock.ts';
import type { Progress } from '../progress.ts';
import { nameOf } from './node-content.ts';

export interface EvictPodsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly node: string;
  /** Seconds; undefined: what the Pod asks for. */
  readonly gracePeriodSeconds: number | undefined;
  /** Deletes without asking budgets. */
  readonly disableEviction: boolean;
  /** Infinity: as long as it takes. */
  readonly timeoutMs: number;
}

export interface Failure {
  readonly pod: ApiObject;
  readonly problem: string;
}

/**
 * Resolves when all are gone, when what is left will not go, or when the time is up. When the signal aborts, what is left is a failure
 * too.
 *
 * @param pods to evict, or to wait for where they are stopping already
 */
export async function evictPods(
  pods: readonly ApiObject[],
  options: EvictPodsOptions,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const { client, clock, node, progress, gracePeriodSeconds, disableEviction, timeoutMs } = options;
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  const words = new Map(pods.map((pod) => [pod, '']));
  const say = (pod: ApiObject, text: string): void => {
    if (words.get(pod) === text) return;
    words.set(pod, text);
    progress.update(nameOf(pod), `  ${nameOf(pod)}  ${text}`);
  };
  const failures = (): readonly Failure[] =>
    [...words].flatMap(([pod, problem]) => (problem === GONE ? [] : [{ pod, problem }]));
  try {
    await emptyNode(
      {
        client,
        clock,
        node,
        by: disableEviction ? 'deletion' : 'eviction',
        gracePeriodSeconds,
        // Another one of the same name is none of the plan's.
        mustGo: ({ metadata }) => uids.has(metadata.uid),
        memory: new EvictionMemory(),
      },
      {
        timeoutMs,
        stopsAtRefusals: true,
        tell(left) {
          const whyOf = new Map(left.map(({ pod, why }) => [pod.metadata.uid, why]));
          for (const pod of pods) say(pod, whyOf.get(pod.metadata.uid) ?? GONE);
        },
      },
      signal,
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return failures();
}

const GONE = 'is gone';
