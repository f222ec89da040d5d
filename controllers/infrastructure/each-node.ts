// Does something for many nodes: several at a time, each with a deadline of its own, and a result for every one whatever happens to
// the others.
import type { Clock } from '#platform/clock.ts';
import { NodesFailed, NodeTimeout, SkipAction } from './errors.ts';
import type { NodeResult } from './provider.ts';

export interface NodeLimits {
  /** Nodes worked on at the same time, 1 or more. */
  readonly parallel: number;
  /** For each node, from when its own work begins. */
  readonly nodeTimeoutMs: number;
}

export const DEFAULT_LIMITS: NodeLimits = { parallel: 10, nodeTimeoutMs: 300_000 };

export interface EachNodeOptions {
  readonly limits: NodeLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of the results; `node` by default. */
  readonly kind?: NodeResult['kind'];
}

/**
 * Results in the order of `items`. An action that throws SkipAction is `skipped`, and the next begins at once.
 *
 * @param act gets a signal that aborts with the caller's and at the node's deadline; it is not waited for after that
 * @throws the signal's reason when that aborts, after what was under way has been told so
 */
export async function eachNode<T extends { readonly name: string }>(
  items: readonly T[],
  { limits, clock, signal, kind = 'node' }: EachNodeOptions,
  act: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<readonly NodeResult[]> {
  const results: NodeResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const index = next;
      next += 1;
      const item = items[index];
      if (item === undefined) return;
      results[index] = {
        kind,
        name: item.name,
        ...(await outcomeOf(item, act, limits, clock, signal)),
      };
    }
  };
  const workers = Math.max(1, Math.min(limits.parallel, items.length));
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

async function outcomeOf<T extends { readonly name: string }>(
  item: T,
  act: (item: T, signal: AbortSignal) => Promise<void>,
  { nodeTimeoutMs }: NodeLimits,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pick<NodeResult, 'outcome' | 'error'>> {
  const own = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    own.abort(reason);
    ended.reject(reason);
  };
  const cancel = clock.schedule(nodeTimeoutMs, () =>
    end(new NodeTimeout(item.name, nodeTimeoutMs)),
  );
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const acting = act(item, own.signal);
    // Whichever loses the race has nobody who listens.
    acting.catch(() => undefined);
    ended.promise.catch(() => undefined);
    await Promise.race([acting, ended.promise]);
    return { outcome: 'done' };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SkipAction) return { outcome: 'skipped' };
    return { outcome: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

/** @throws NodesFailed naming every one that failed, when one did */
export function throwFailures(during: string, results: readonly NodeResult[]): void {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return;
  const reasons = failed.map(
    ({ kind, name, error }) => `${kind} ${name}: ${error?.message ?? 'failed'}`,
  );
  throw new NodesFailed(
    `${during}: ${failed.length} of ${results.length} failed: ${reasons.join('; ')}`,
    failed.flatMap(({ error }) => (error === undefined ? [] : [error])),
  );
}

/** @throws what the first that failed did, as it is */
export function throwFirstFailure(results: readonly NodeResult[]): void {
  for (const { outcome, error, kind, name } of results)
    if (outcome === 'failed') throw error ?? new Error(`${kind} ${name} failed`);
}
