// `windlass backup create`: the whole state at one revision, from a running server or from an instance that nobody serves, into
// a file or an empty instance.
import { randomBytes } from 'node:crypto';
import { LiveObjects } from '#persistence/backup/summary.ts';
import type { Summary } from '#persistence/backup/summary.ts';
import { OfflineInstance } from '#persistence/backup/offline-instance.ts';
import { refuseEmpty } from '#persistence/backup/refuse-empty.ts';
import { copyLog } from '#persistence/backup/restore-log.ts';
import { removePartials } from '#persistence/backup/remove-partials.ts';
import { writeBackup } from '#persistence/backup/write-backup.ts';
import type { LogDump } from '#persistence/provider.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { sizeText } from '../image/size-text.ts';
import { createBar } from '../persistence/bar.ts';
import type { Bar } from '../persistence/bar.ts';
import { placeSource, servedInstance, serverSource } from '../persistence/log-source.ts';
import type { LogSource } from '../persistence/log-source.ts';
import { isServed, jsonOption, placeOf, urlOf, urlsOf } from '../persistence/places.ts';
import type { Place } from '../persistence/places.ts';
import { ownerOf, writerMark } from '../persistence/writer-mark.ts';
import { toldStorage } from '../persistence/told-storage.ts';
import { UsageError } from '../usage-error.ts';

export const backupCreate = defineCommand({
  help: helpOf.backupCreate,
  options: {
    to: {
      type: 'string',
      placeholder: 'PATH|URL',
      help: 'A new file (compressed when it ends in .zst), or an empty instance: nfs:PATH, s3://BUCKET/PREFIX, sqlite:PATH',
    },
    from: {
      type: 'string',
      placeholder: 'URL',
      help: 'Read an instance that no server uses (default: the server, or state.db of a stopped one)',
    },
    instance: {
      type: 'string',
      placeholder: 'NAME',
      help: 'Which instance of the server to read (default: the primary)',
    },
    ...jsonOption,
    ...clientOptions,
  },
  async run(values, _words, io) {
    if (values.to === undefined) throw new UsageError('--to PATH or --to URL is missing');
    if (values.from !== undefined && values.instance !== undefined)
      throw new UsageError('--instance is of a server, and --from names what no server uses');
    const to = placeOf(values.to, '--to');
    const signal = io.stopSignal();
    const backUp = (source: LogSource): Promise<number> =>
      create(source, to, { io, isJSON: values.json }, signal);
    return toldStorage(async () => {
      if (values.from === undefined && isServed(values))
        return withClient(values, 'backup create', async (client) => {
          const instance = await servedInstance(client, values.instance, signal);
          return backUp(serverSource(client, instance));
        });
      const [stopped = ''] = urlsOf([], values['data-dir']);
      const url = values.from === undefined ? stopped : urlOf(values.from, '--from');
      await using source = await placeSource({ type: 'url', url });
      return await backUp(source);
    });
  },
});

interface Output {
  readonly io: CommandIO;
  readonly isJSON: boolean;
}

interface Made extends Summary {
  readonly to: string;
  readonly from: string;
  readonly revision: number;
  readonly size?: number;
  readonly sha256?: string;
}

async function create(
  source: LogSource,
  to: Place,
  { io, isJSON }: Output,
  signal: AbortSignal,
): Promise<number> {
  const bar = createBar(io, 'backing up', isJSON);
  const dump = await source.dump({}, signal);
  refuseEmpty(source.location, dump);
  const made =
    to.type === 'file'
      ? await intoFile(source, dump, to.path, bar, signal)
      : await intoInstance(source, dump, to.url, bar);
  bar.update(1, 1);
  bar.end();
  if (isJSON) io.out(`${JSON.stringify(made)}\n`);
  else {
    const size = made.size === undefined ? '' : `, ${sizeText(made.size)}`;
    io.out(`${made.to}: ${made.objects} objects at revision ${made.revision}${size}\n`);
  }
  return 0;
}

async function intoFile(
  source: LogSource,
  dump: LogDump,
  path: string,
  bar: Bar,
  signal: AbortSignal,
): Promise<Made> {
  await removePartials(path, ownerOf, systemClock.now());
  const { head, end, size } = await writeBackup({
    path,
    dump,
    source: source.location,
    now: systemClock.now(),
    unique: writerMark(randomBytes(4).toString('hex')),
    signal,
    onProgress: (revision) => bar.update(revision, dump.revision),
  });
  const { end: _end, ...counts } = end;
  return { to: path, from: source.location, revision: head.revision, size, ...counts };
}

async function intoInstance(
  source: LogSource,
  dump: LogDump,
  url: string,
  bar: Bar,
): Promise<Made> {
  await using target = await OfflineInstance.open(url, systemClock);
  const live = new LiveObjects();
  const counted = async function* (): LogDump['records'] {
    for await (const records of dump.records) {
      live.add(records);
      bar.update(records.at(-1)?.revision ?? 0, dump.revision);
      yield records;
    }
  };
  const { revision } = await copyLog(target.instance, { ...dump, records: counted() });
  return { to: target.location, from: source.location, revision, ...live.summary() };
}
