// Moves a log, history and revisions and all, from one instance that nobody serves to an empty one. The last record is a claim that
// counts the new instance alone, so that a start from it misses nobody, and the old one is a replica of it that is one claim behind.
import { StorageFailedError } from '../errors.ts';
import type { Cursor, LogDump, LogRecord } from '../provider.ts';
import { markUnfinished } from '../unfinished.ts';
import { clusterOf } from './cluster-of.ts';
import type { OfflineInstance } from './offline-instance.ts';
import { refuseEmpty } from './refuse-empty.ts';
import { CLAIM_KIND, claimRecord } from './restore-claim.ts';

export interface Migration {
  readonly source: OfflineInstance;
  readonly target: OfflineInstance;
  /** Of the machine that does it, for people. */
  readonly host: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (revision: number, of: number) => void;
}

/**
 * @returns where the new log stands
 * @throws NotEmptyError, StorageFailedError when somebody wrote to the source meanwhile, what verbs of both throw
 */
export async function migrateLog(migration: Migration): Promise<Cursor> {
  const { source, target, signal } = migration;
  await target.refuseFilled();
  const dump = await source.dump(signal);
  refuseEmpty(source.location, dump);
  const { provider, name } = target.instance;
  const { epoch } = await provider.claimEpoch(name, dump.epoch + 1);
  await markUnfinished(target.instance, epoch, `windlass migrate from ${source.location}`);
  const revision = dump.revision + 1;
  const { compacted } = dump;
  const records = withClaim(migration, dump, epoch);
  await provider.restore(name, { epoch, revision, compacted, records });
  await provider.verify(name, signal);
  return provider.cursor(name);
}

async function* withClaim(
  { source, target, host, now, signal, onProgress }: Migration,
  dump: LogDump,
  epoch: number,
): AsyncGenerator<readonly LogRecord[]> {
  let cluster: string | undefined;
  for await (const records of dump.records) {
    signal.throwIfAborted();
    for (const { kind, value } of records) {
      if (kind === CLAIM_KIND) cluster = clusterOf(value) ?? cluster;
    }
    yield records;
    onProgress?.(records.at(-1)?.revision ?? 0, dump.revision);
  }
  // Before the target counts: until restore() is told the end, it is as empty as before.
  const after = await source.instance.provider.cursor(source.instance.name);
  if (after.revision !== dump.revision || after.epoch !== dump.epoch)
    throw new StorageFailedError(
      `Cannot migrate ${source.location}: somebody writes to it; stop the server that does`,
    );
  yield [
    claimRecord({
      cluster,
      epoch,
      revision: dump.revision + 1,
      previous: dump.revision,
      host,
      at: now,
      instance: target.instance.name,
    }),
  ];
}
