// A replica reads from the primary what memory no longer holds. Writers use the same instance, so while there are any the pages keep to a
// small share of its time; for a replica that somebody waits for they do not.
import { encodeBatch } from '../encoding.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { reading, SourceFailedError } from './copying.ts';
import type { Copying } from './copying.ts';
import type { Tail } from './tail.ts';

/** The first pause after a page, in turns of what it took to read it: 2.4 % of the primary's time. */
const PAUSE = 40;
/** Below it there is none. */
const LEAST_PAUSE = 0.5;

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
 * Appends to the target what the source has after `from`, until memory holds the rest. Pauses get shorter while writers are faster: a
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
  for await (const records of reading(source.provider.readFrom(source.name, from))) {
    signal.throwIfAborted();
    const tookMs = clock.monotonic() - asked;
    await target.provider.append(target.name, encodeBatch({ epoch: token, records }));
    reached = records.at(-1)?.revision ?? reached;
    onProgress(reached);
    if (log.tail.follows(reached)) return;
    const { revision } = log.head;
    if (revision - reached >= behind) pause /= 2;
    behind = revision - reached;
    const isInTheWay = revision > newest && tookMs > 0 && !log.isAwaited();
    if (isInTheWay && pause >= LEAST_PAUSE) await sleep(clock, tookMs * pause, signal);
    newest = revision;
    asked = clock.monotonic();
  }
  if (reached > from) return;
  throw new SourceFailedError(`the primary has nothing after revision ${from}, though it should`);
}
