// Empties a node of the Pods that have to go: asks for each, again and again while its budget does not allow it, and looks until they
// are gone. It looks by listing, so that whoever starts anew goes on where the one before was.
import { backoffMs } from '#platform/backoff.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { DrainablePod } from '#platform/drain-verdict.ts';
import type { ApiObject, Client } from './client-types.ts';
import { evictPod } from './evict-pod.ts';
import type { EvictOptions } from './evict-pod.ts';
import { RequestError } from './request-error.ts';
import { PODS } from './resources.ts';

type EvictablePod = ApiObject & DrainablePod;

export interface EmptyNodeOptions extends EvictOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly node: string;
  /** Label selector of the Pods that it is about. */
  readonly podSelector?: string;
  /** Which of them have to go. */
  readonly mustGo: (pod: EvictablePod) => boolean;
  /** Keeps track of who was asked when. */
  readonly memory: EvictionMemory;
}

export interface LeftPod {
  readonly pod: EvictablePod;
  /** Why it is still there. */
  readonly why: string;
  /** The server will not do it, now or later. */
  readonly isRefused: boolean;
}

interface Asked {
  readonly attempts: number;
  /** Monotonic milliseconds. */
  readonly notBefore: number;
  readonly left: LeftPod;
}

/** Of the Pods that are held, by node and uid. Forgetting it costs a question that need not have been asked, no more. */
export class EvictionMemory {
  readonly #nodes = new Map<string, ReadonlyMap<string, Asked>>();

  of(node: string): ReadonlyMap<string, Asked> {
    return this.#nodes.get(node) ?? NOBODY;
  }

  /** Whoever is gone is forgotten with it. */
  set(node: string, asked: ReadonlyMap<string, Asked>): void {
    if (asked.size === 0) this.#nodes.delete(node);
    else this.#nodes.set(node, asked);
  }
}

const NOBODY: ReadonlyMap<string, Asked> = new Map();
/** A budget that is used up comes free when a replacement is ready: soon, or not for long. */
const RETRY = { initialMs: 1_000, maximumMs: 10_000 };
const LOOK_EVERY_MS = 500;

/** Looks once, and asks whom it is time to ask. Empty: nobody is left that has to go. */
export async function askToLeave(
  options: EmptyNodeOptions,
  signal: AbortSignal,
): Promise<readonly LeftPod[]> {
  const { client, node, podSelector, mustGo, memory } = options;
  const selectors = {
    fieldSelector: `spec.nodeName=${node}`,
    ...(podSelector === undefined ? {} : { labelSelector: podSelector }),
  };
  const { items } = await client.list<EvictablePod>(PODS, selectors, signal);
  const before = memory.of(node);
  const answers = await Promise.all(
    items.filter(mustGo).map((pod) => askOne(pod, before.get(pod.metadata.uid), options, signal)),
  );
  const held = answers.flatMap(({ asked }) => (asked === undefined ? [] : [asked]));
  memory.set(node, new Map(held.map((asked) => [asked.left.pod.metadata.uid, asked])));
  return answers.map(({ left }) => left);
}

async function askOne(
  pod: EvictablePod,
  before: Asked | undefined,
  options: EmptyNodeOptions,
  signal: AbortSignal,
): Promise<{ readonly left: LeftPod; readonly asked?: Asked }> {
  const { clock, by, gracePeriodSeconds } = options;
  const stopping = { left: { pod, why: 'is stopping', isRefused: false } };
  const { deletionTimestamp, deletionGracePeriodSeconds = Infinity } = pod.metadata;
  // Asking again would change nothing, unless it is to go faster.
  const isFaster =
    by === 'deletion' && (gracePeriodSeconds ?? Infinity) < deletionGracePeriodSeconds;
  if (deletionTimestamp !== undefined && !isFaster) return stopping;
  const now = clock.monotonic();
  if (before !== undefined && by === 'eviction' && now < before.notBefore)
    return { left: before.left, asked: before };
  const attempts = before?.attempts ?? 0;
  const later = (
    why: string,
    isRefused: boolean,
    atLeastMs: number,
  ): { left: LeftPod; asked: Asked } => {
    const left = { pod, why, isRefused };
    const waitMs = Math.max(atLeastMs, backoffMs(attempts, RETRY, 0));
    return { left, asked: { attempts: attempts + 1, notBefore: now + waitMs, left } };
  };
  try {
    const answer = await evictPod(pod, options, signal);
    return answer.outcome === 'held' ? later(answer.why, false, answer.retryAfterMs) : stopping;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RequestError)) throw error;
    return later(error.message, true, 0);
  }
}

export interface Patience {
  /** Infinity: as long as it takes. */
  readonly timeoutMs: number;
  /** Stops when only Pods are left that are refused for good. */
  readonly stopsAtRefusals: boolean;
  /** Told of what is left after each look. */
  readonly tell?: (left: readonly LeftPod[]) => void;
}

/** @returns who is left: nobody, or those that did not go within the time */
export async function emptyNode(
  options: EmptyNodeOptions,
  { timeoutMs, stopsAtRefusals, tell }: Patience,
  signal: AbortSignal,
): Promise<readonly LeftPod[]> {
  const { clock } = options;
  const end = clock.monotonic() + timeoutMs;
  for (;;) {
    const left = await askToLeave(options, signal);
    tell?.(left);
    if (left.length === 0) return left;
    if (stopsAtRefusals && left.every(({ isRefused }) => isRefused)) return left;
    const waitMs = Math.min(LOOK_EVERY_MS, end - clock.monotonic());
    if (waitMs <= 0) return left;
    await sleep(clock, waitMs, signal);
  }
}
