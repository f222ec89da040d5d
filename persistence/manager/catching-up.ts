// A replica reads from the primary what memory no longer holds. Writers use the same instance, so while there are any the pages keep to a
// small share of its time, for as long as a burst of writes lasts; for a replica that somebody waits for they do not.
import { revisionsOf } from '../encoding.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { changesFrom, SourceFailedError } from './copying.ts';
import type { Copying } from './copying.ts';
import type { Tail } from './tail.ts';

/** The first pause after a page, in turns of what it took to read it: 2.4 % of the primary's time. */
const PAUSE = 40;
/** Below it there is none. */
const LEAST_PAUSE = 0.5;
/** How long writers may be faster before the pauses are halved, and halved again. */
const PATIENCE_MS = 10_000;

/** What a replica follows. */
interface FollowedLog {
  /** The primary's newest durable revision. */
  readonly head: { readonly revision: number };
  readonly tail: Tail;
  /** Whether somebody waits for this replica. */
  isAwaited(): boolean;
}

export interface CatchingUp extends Copying {
  readonly log: FollowedLog;
  readonly clock: Clock;
  readonly onProgress: (revision: number) => void;
}

/**
 * Appends to the target what the source has after `from`, until memory holds the rest. Pauses get shorter while writers stay faster: a
 * replica that never arrives is none.
 *
 * @throws as copyChanges(), and SourceFailedError when there is nothing
 */
export async function catchUp(options: CatchingUp, from: number): Promise<void> {
  const { source, target, token, signal, log, clock, onProgress } = options;
  let reached = from;
  let newest = log.head.revision;
  let behind = newest - from;
  let pause = PAUSE;
  let asked = clock.monotonic();
  let looked = asked;
  for await (const batch of changesFrom({ source, token }, from)) {
    signal.throwIfAborted();
    const tookMs = clock.monotonic() - asked;
    const { last } = revisionsOf(batch);
    await target.provider.append(target.name, batch);
    reached = last;
    onProgress(reached);
    if (log.tail.follows(reached)) return;
    const { revision } = log.head;
    if (clock.monotonic() - looked >= PATIENCE_MS) {
      if (revision - reached >= behind) pause /= 2;
      behind = revision - reached;
      looked = clock.monotonic();
    }
    const isInTheWay = revision > newest && tookMs > 0 && !log.isAwaited();
    if (isInTheWay && pause >= LEAST_PAUSE) await sleep(clock, tookMs * pause, signal);
    newest = revision;
    asked = clock.monotonic();
  }
  if (reached > from) return;
  throw new SourceFailedError(`the primary has nothing after revision ${from}, though it should`);
}
