// `windlass restore --from BACKUP --to URL`: a state from a backup into an empty instance, for a server to start from.
import { hostname } from 'node:os';
import { OfflineInstance } from '#persistence/backup/offline-instance.ts';
import { BackupFile } from '#persistence/backup/read-backup.ts';
import { refuseEmpty } from '#persistence/backup/refuse-empty.ts';
import { restoreLog } from '#persistence/backup/restore-log.ts';
import type { RestoreSource } from '#persistence/backup/restore-log.ts';
import { LiveObjects } from '#persistence/backup/summary.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { createBar } from '../persistence/bar.ts';
import type { Bar } from '../persistence/bar.ts';
import { placeSource } from '../persistence/log-source.ts';
import { jsonOption, placeOf, urlOf } from '../persistence/places.ts';
import type { Place } from '../persistence/places.ts';
import { toldStorage } from '../persistence/told-storage.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const restore = defineCommand({
  help: helpOf.restore,
  options: {
    from: {
      type: 'string',
      placeholder: 'PATH|URL',
      help: 'The backup: a file, or an instance that no server uses',
    },
    to: {
      type: 'string',
      placeholder: 'URL',
      help: 'An empty instance: sqlite:PATH, nfs:PATH, s3://BUCKET/PREFIX',
    },
    revision: {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      help: 'The state at this resourceVersion, as far as the history in the backup reaches back (default: the newest)',
    },
    ...jsonOption,
  },
  async run(values, _words, io) {
    if (values.from === undefined) throw new UsageError('--from PATH or --from URL is missing');
    if (values.to === undefined) throw new UsageError('--to URL is missing');
    const from = placeOf(values.from, '--from');
    const to = urlOf(values.to, '--to');
    const signal = io.stopSignal();
    const { json, revision } = values;
    const reading = createBar(io, 'verifying', json);
    const writing = createBar(io, 'restoring', json);
    return toldStorage(async () => {
      // Open first: a target that is in use or not empty is told before a long backup is read.
      await using target = await OfflineInstance.open(to, systemClock);
      await target.refuseFilled();
      await using read = await sourceOf(from, revision, reading, signal);
      reading.end();
      const { source } = read;
      const stands = await restoreLog({
        target: target.instance,
        source,
        host: hostname(),
        now: systemClock.now(),
        signal,
        onProgress: (objects) => writing.update(objects, source.live.count),
      });
      writing.end();
      const { objects } = source.live.summary();
      const result = {
        from: values.from,
        to: target.location,
        objects,
        restored: revision ?? source.cursor.revision,
        revision: stands.revision,
        epoch: stands.epoch,
      };
      if (json) io.out(`${JSON.stringify(result)}\n`);
      else
        io.out(
          [
            `${result.to}: ${objects} objects as they were at revision ${result.restored}`,
            `new resourceVersions begin after ${result.revision}; clients list again by themselves`,
            `start from it with windlass up --persistence ${values.to}, and the key that its Secrets were sealed with`,
            '',
          ].join('\n'),
        );
      return 0;
    });
  },
});

interface Read extends AsyncDisposable {
  readonly source: RestoreSource;
}

/** Reads all of it once: nothing is restored of what is damaged. */
async function sourceOf(
  from: Place,
  upTo: number | undefined,
  bar: Bar,
  signal: AbortSignal,
): Promise<Read> {
  if (from.type === 'file') {
    const file = new BackupFile(from.path);
    const { head, live } = await file.verify(signal, {
      upTo,
      onProgress: (revision, { revision: last }) => bar.update(revision, last),
    });
    checkRevision(upTo, head);
    return {
      source: { cursor: head, live, records: file.records(signal) },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const source = await placeSource(from);
  try {
    const first = await source.dump({}, signal);
    refuseEmpty(source.location, first);
    checkRevision(upTo, first);
    const live = new LiveObjects();
    for await (const records of first.records) {
      live.add(records.filter(({ revision }) => revision <= (upTo ?? Infinity)));
      bar.update(records.at(-1)?.revision ?? 0, first.revision);
    }
    const { records } = await source.dump({}, signal);
    return {
      source: { cursor: first, live, records },
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

function checkRevision(
  wanted: number | undefined,
  { revision, compacted }: { readonly revision: number; readonly compacted: number },
): void {
  if (wanted === undefined || (wanted >= compacted && wanted <= revision)) return;
  throw new CommandError(
    `--revision ${wanted} is not in the backup, whose history reaches from ${compacted} to ${revision}`,
  );
}
