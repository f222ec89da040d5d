// Where a command reads a log from: an instance of a running server, an instance that nobody serves, a backup file.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { HttpClient } from '#controllers/machinery/client.ts';
import { PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { decodeDump } from '#persistence/backup/dump-frames.ts';
import { OfflineInstance } from '#persistence/backup/offline-instance.ts';
import { BackupFile } from '#persistence/backup/read-backup.ts';
import type { LogDump } from '#persistence/provider.ts';
import { systemClock } from '#platform/clock.ts';
import { CommandError } from '../usage-error.ts';
import type { Place } from './places.ts';

/** Only what is wanted of a log; everything when absent. */
export interface DumpFilter {
  readonly after?: number;
  readonly kind?: string;
  readonly key?: string;
}

export interface LogSource extends AsyncDisposable {
  /** Without secrets. */
  readonly location: string;
  /** From the start, each time. */
  dump(filter: DumpFilter, signal: AbortSignal): Promise<LogDump>;
}

export type InstanceObject = ApiObject & {
  readonly spec: {
    readonly provider: string;
    readonly location: string;
    readonly role: 'Primary' | 'Replica';
    readonly synchronous: boolean;
  };
  readonly status: {
    readonly exists: boolean;
    readonly status: boolean;
    readonly state: string;
    readonly insteadOf?: string;
    readonly meanPersistLatency: number;
    readonly epoch: number;
    readonly revision: number;
    readonly lagRevisions: number;
    readonly lagSeconds: number;
    readonly pendingBytes: number;
    readonly lastError?: { readonly message: string; readonly time: string };
  };
};

/** The instances of a server, the primary first. */
export async function servedInstances(
  client: HttpClient,
  signal: AbortSignal,
): Promise<readonly InstanceObject[]> {
  const { items } = await client.list<InstanceObject>(PERSISTENCE_INSTANCES, {}, signal);
  const rank = ({ spec }: InstanceObject): number => (spec.role === 'Primary' ? 0 : 1);
  return items.toSorted((a, b) => rank(a) - rank(b));
}

/** @param name undefined: the primary. @throws CommandError that names those there are */
export async function servedInstance(
  client: HttpClient,
  name: string | undefined,
  signal: AbortSignal,
): Promise<InstanceObject> {
  const all = await servedInstances(client, signal);
  const found = name === undefined ? all[0] : all.find(({ metadata }) => metadata.name === name);
  if (found !== undefined) return found;
  const names = all.map(({ metadata }) => metadata.name).join(', ');
  throw new CommandError(`there is no persistence instance ${name ?? ''}`, `There are: ${names}`);
}

export const instancePath = (name: string, subresource: string): string =>
  `/apis/windlass.dev/v1alpha1/persistenceinstances/${encodeURIComponent(name)}/${subresource}`;

export function serverSource(client: HttpClient, { metadata, spec }: InstanceObject): LogSource {
  return {
    location: spec.location,
    dump({ after, kind, key }, signal) {
      const query = new URLSearchParams({
        ...(after === undefined ? {} : { after: String(after) }),
        ...(kind === undefined ? {} : { kind }),
        ...(key === undefined ? {} : { key }),
      }).toString();
      const path = instancePath(metadata.name, 'dump');
      return decodeDump(client.streamBytes(query === '' ? path : `${path}?${query}`, signal));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** @throws what keeps the place from being read */
export async function placeSource(place: Place): Promise<LogSource> {
  if (place.type === 'file') return fileSource(place.path);
  const opened = await OfflineInstance.openExisting(place.url, systemClock);
  return {
    location: opened.location,
    dump: async (filter, signal) => filtered(await opened.dump(signal), filter),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function fileSource(path: string): LogSource {
  const file = new BackupFile(path);
  return {
    location: path,
    async dump(filter, signal) {
      // Nothing of it is believed before its end has been seen.
      const { head } = await file.verify(signal);
      return filtered({ ...head, records: file.records(signal) }, filter);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function filtered(dump: LogDump, { after = 0, kind, key }: DumpFilter): LogDump {
  return { ...dump, records: matching(dump.records, after, kind, key) };
}

async function* matching(
  pages: LogDump['records'],
  after: number,
  kind: string | undefined,
  key: string | undefined,
): LogDump['records'] {
  for await (const records of pages) {
    const wanted = records.filter(
      (record) =>
        record.revision > after &&
        (kind === undefined || record.kind === kind) &&
        (key === undefined || record.key === key),
    );
    if (wanted.length > 0) yield wanted;
  }
}
