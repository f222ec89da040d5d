// Keeps history short, in memory and on disk: every minute it forgets what is older than the age that a restart should still be able
// to resume watches from, or more than a start should have to read.
import type { Clock } from '#platform/clock.ts';
import type { Revision } from './types.ts';

const INTERVAL_MS = 60_000;
/** Changes kept at most, however young. */
const MAXIMUM_CHANGES = 200_000;

export interface CompactionOptions {
  readonly clock: Clock;
  /** History younger than this stays, in milliseconds. */
  readonly keepMs: number;
  revision(): Revision;
  compact(through: Revision): Promise<void>;
  /** Forgets history in memory that is too old at `now`. */
  trim(now: number): void;
}

/** Starts compacting; the returned function stops it. */
export function startCompaction(options: CompactionOptions): () => void {
  const { clock } = options;
  /** Where the store stood at each of the last rounds, oldest first. */
  const marks: { readonly at: number; readonly revision: Revision }[] = [];
  let done: Revision = 0;
  let cancel = (): void => undefined;
  let isStopped = false;

  const round = async (): Promise<void> => {
    const now = clock.now();
    options.trim(now);
    marks.push({ at: now, revision: options.revision() });
    const old = marks.filter(({ at }) => now - at >= options.keepMs).at(-1);
    if (old !== undefined) marks.splice(0, marks.indexOf(old));
    const through = Math.max(old?.revision ?? 0, options.revision() - MAXIMUM_CHANGES);
    if (through > done) {
      // Failing to forget harms nobody today; the next round tries again, and the instance says itself that it is down.
      await options.compact(through).then(
        () => (done = through),
        () => undefined,
      );
    }
  };
  const schedule = (): void => {
    if (isStopped) return;
    cancel = clock.schedule(INTERVAL_MS, () => void round().then(schedule));
  };
  schedule();
  return () => {
    isStopped = true;
    cancel();
  };
}
