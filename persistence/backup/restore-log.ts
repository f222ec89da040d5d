// Puts a state into an empty instance as the start of a new life: at an epoch and a revision far above all that was ever handed
// out, so that no resourceVersion goes back or is given twice, clients list again, and a replica of the old life is told apart.
import type { Cursor, LogDump, LogPersistenceProvider, LogRecord } from '../provider.ts';
import { clusterOf } from './cluster-of.ts';
import { refuseFilled } from './not-empty-error.ts';
import { CLAIM_KIND, claimRecord } from './restore-claim.ts';
import { markUnfinished } from '../unfinished.ts';
import type { LiveObjects } from './summary.ts';

/** What was acknowledged after the backup got revisions and epochs below these steps. */
const REVISION_STEP = 2 ** 32;
const EPOCH_STEP = 2 ** 20;

export interface RestoreSource {
  readonly cursor: Cursor;
  /** Each object to restore, as LiveObjects has been told of in a first pass. */
  readonly live: LiveObjects;
  /** The records once more. */
  readonly records: AsyncIterable<readonly LogRecord[]>;
}

/** An empty instance. */
export interface RestoreTarget {
  readonly provider: LogPersistenceProvider;
  readonly name: string;
  /** Without secrets. */
  readonly location: string;
}

export interface RestoreOptions {
  readonly target: RestoreTarget;
  readonly source: RestoreSource;
  /** Of the machine that restores, for people. */
  readonly host: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (objects: number) => void;
}

/**
 * @returns where the restored log stands
 * @throws NotEmptyError, what the records throw, what the target's verbs throw, the signal's reason
 */
export async function restoreLog(options: RestoreOptions): Promise<Cursor> {
  const { target, source } = options;
  const { provider, name } = target;
  const found = await refuseFilled(target);
  const wanted = nextStep(Math.max(source.cursor.epoch, found.epoch), EPOCH_STEP);
  const { epoch } = await provider.claimEpoch(name, wanted);
  await markUnfinished(target, epoch, 'windlass restore');
  const revision = nextStep(source.cursor.revision, REVISION_STEP);
  await provider.restore(name, {
    epoch,
    revision,
    compacted: revision,
    records: restored(options, epoch, revision),
  });
  return provider.cursor(name);
}

/**
 * A copy of a log as it is, its history included, in an empty instance.
 *
 * @returns where the copy stands
 * @throws NotEmptyError, what the records throw, what the target's verbs throw
 */
export async function copyLog(target: RestoreTarget, dump: LogDump): Promise<Cursor> {
  const { provider, name } = target;
  await refuseFilled(target);
  const { epoch } = await provider.claimEpoch(name, dump.epoch);
  await markUnfinished(target, epoch, 'windlass backup create');
  await provider.restore(name, { ...dump, epoch });
  return provider.cursor(name);
}

function nextStep(value: number, step: number): number {
  return (Math.floor(value / step) + 1) * step;
}

/** The live objects, and a claim that says that this log goes on from there alone. */
async function* restored(
  { source, target, host, now, signal, onProgress }: RestoreOptions,
  epoch: number,
  revision: number,
): AsyncGenerator<readonly LogRecord[]> {
  const claims: LogRecord[] = [];
  let count = 0;
  for await (const records of source.records) {
    signal.throwIfAborted();
    const live = records.filter((record) => source.live.has(record));
    claims.push(...live.filter(({ kind }) => kind === CLAIM_KIND));
    if (live.length > 0) yield live;
    count += live.length;
    onProgress?.(count);
  }
  yield [
    claimRecord({
      cluster: clusterOf(claims.at(-1)?.value),
      epoch,
      revision,
      previous: source.cursor.revision,
      host,
      at: now,
      instance: target.name,
    }),
  ];
}
