// The same work on many hosts, within limits: as one ends the next begins, so that a slow host holds up nobody else.
import { Slots } from './slots.ts';

export interface HostLimits {
  /** Hosts that are worked on at the same time; 0: all. */
  readonly operations: number;
  /** Of those, hosts that something is sent to; 0: as many as `operations`. */
  readonly uploads?: number;
}

export interface EachOptions<T> {
  readonly signal: AbortSignal;
  readonly limits: HostLimits;
  /** Whether the work on a host sends something large; those wait for a slot of both limits. */
  readonly isUpload?: (item: T) => boolean;
  /** What happens after the first error: `stop` begins nothing more, `continue` goes on with the other hosts. */
  readonly onError: 'stop' | 'continue';
}

export type HostOutcome<T, R> =
  | { readonly item: T; readonly state: 'done'; readonly result: R }
  | { readonly item: T; readonly state: 'failed'; readonly error: Error }
  /** Never begun: an earlier one failed, or the signal aborted. */
  | { readonly item: T; readonly state: 'skipped' };

/**
 * Works on every host once, at most.
 *
 * @returns an outcome per host, in the order of `items`, after all that was begun has ended
 * @throws the signal's reason, when it aborted and all that was begun has ended
 */
export async function eachHost<T, R>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<R>,
  { signal, limits, isUpload = () => false, onError }: EachOptions<T>,
): Promise<readonly HostOutcome<T, R>[]> {
  const operations = new Slots(limits.operations);
  const uploads = new Slots(limits.uploads ?? limits.operations);
  let isStopped = false;
  const one = async (item: T): Promise<HostOutcome<T, R>> => {
    if (isStopped || signal.aborted) return { item, state: 'skipped' };
    try {
      return { item, state: 'done', result: await work(item, signal) };
    } catch (error) {
      if (onError === 'stop') isStopped = true;
      return {
        item,
        state: 'failed',
        error: error instanceof Error ? error : new Error(String(error)),
      };
    }
  };
  const never = new AbortController().signal;
  const limited = (item: T): Promise<HostOutcome<T, R>> => {
    const operate = (): Promise<HostOutcome<T, R>> => operations.run(never, () => one(item));
    // First the scarcer slot: who waits for it must not hold one of the others.
    return isUpload(item) ? uploads.run(never, operate) : operate();
  };
  const outcomes = await Promise.all(items.map(limited));
  signal.throwIfAborted();
  return outcomes;
}

/** The results, or the first error in the order of the hosts. @throws Error */
export function resultsOf<T, R>(outcomes: readonly HostOutcome<T, R>[]): readonly R[] {
  for (const outcome of outcomes) if (outcome.state === 'failed') throw outcome.error;
  return outcomes.flatMap((outcome) => (outcome.state === 'done' ? [outcome.result] : []));
}
