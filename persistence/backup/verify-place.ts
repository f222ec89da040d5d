// Reads and checks all that an instance holds, with no server around it.
import type { Clock } from '#platform/clock.ts';
import type { Cursor } from '../provider.ts';
import { clusterOf } from './cluster-of.ts';
import { OfflineInstance } from './offline-instance.ts';
import { CLAIM_KIND } from './restore-claim.ts';
import { LiveObjects } from './summary.ts';
import type { Summary } from './summary.ts';

export interface VerifiedPlace {
  readonly location: string;
  readonly name: string;
  readonly provider: string;
  readonly cursor: Cursor;
  readonly summary: Summary;
  /** Who wrote last; absent where nobody has claimed it yet. */
  readonly cluster?: string;
}

/** @throws CorruptDataError naming the first damage, and what keeps the place from being read */
export async function verifyPlace(
  url: string,
  clock: Clock,
  signal: AbortSignal,
  onProgress: (revision: number, of: number) => void = () => undefined,
): Promise<VerifiedPlace> {
  await using opened = await OfflineInstance.openExisting(url, clock);
  const { provider, name, providerName } = opened.instance;
  // What cannot be seen in the records: pages, segments, indexes.
  await provider.verify(name, signal);
  const dump = await opened.dump(signal);
  const live = new LiveObjects();
  let cluster: string | undefined;
  for await (const records of dump.records) {
    live.add(records);
    for (const { kind, value } of records) {
      if (kind === CLAIM_KIND) cluster = clusterOf(value) ?? cluster;
    }
    onProgress(records.at(-1)?.revision ?? 0, dump.revision);
  }
  const { epoch, revision, compacted } = dump;
  return {
    location: opened.location,
    name,
    provider: providerName,
    cursor: { epoch, revision, compacted },
    summary: live.summary(),
    ...(cluster === undefined ? {} : { cluster }),
  };
}
