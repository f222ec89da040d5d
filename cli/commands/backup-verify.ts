// `windlass backup verify BACKUP`: reads all of a backup and checks it.
import { BackupFile } from '#persistence/backup/read-backup.ts';
import { refuseEmpty } from '#persistence/backup/refuse-empty.ts';
import type { Summary } from '#persistence/backup/summary.ts';
import { verifyPlace } from '#persistence/backup/verify-place.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { formatTable } from '../output.ts';
import { createBar } from '../persistence/bar.ts';
import type { Bar } from '../persistence/bar.ts';
import { jsonOption, placeOf } from '../persistence/places.ts';
import { toldStorage } from '../persistence/told-storage.ts';

interface Verified extends Summary {
  readonly backup: string;
  readonly revision: number;
  readonly createdAt?: string;
  readonly source?: string;
}

export const backupVerify = defineCommand({
  help: helpOf.backupVerify,
  options: jsonOption,
  words: ['BACKUP'],
  async run(values, [backup = ''], io) {
    const place = placeOf(backup, 'BACKUP');
    const signal = io.stopSignal();
    const bar = createBar(io, 'verifying', values.json);
    const verified = await toldStorage(() =>
      place.type === 'file'
        ? verifyFile(place.path, bar, signal)
        : verifyUrl(place.url, bar, signal),
    );
    bar.update(1, 1);
    bar.end();
    if (values.json) io.out(`${JSON.stringify(verified)}\n`);
    else {
      io.out(`${backup}: whole, ${verified.objects} objects at revision ${verified.revision}\n`);
      const rows = Object.entries(verified.kinds).map(([kind, count]) => [kind, String(count)]);
      if (rows.length > 0) io.out(`\n${formatTable(['KIND', 'OBJECTS'], rows)}`);
    }
    return 0;
  },
});

async function verifyFile(path: string, bar: Bar, signal: AbortSignal): Promise<Verified> {
  const { head, live } = await new BackupFile(path).verify(signal, {
    onProgress: (revision, { revision: last }) => bar.update(revision, last),
  });
  const { revision, createdAt, source } = head;
  return { backup: path, revision, createdAt, source, ...live.summary() };
}

async function verifyUrl(url: string, bar: Bar, signal: AbortSignal): Promise<Verified> {
  const { location, cursor, summary } = await verifyPlace(
    url,
    systemClock,
    signal,
    (revision, last) => bar.update(revision, last),
  );
  refuseEmpty(location, cursor);
  return { backup: location, revision: cursor.revision, ...summary };
}
