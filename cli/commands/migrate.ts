// `windlass migrate --from URL --to URL`: the state from one instance into another, as it is; of a running server while it serves.
import { hostname } from 'node:os';
import { migrateLog } from '#persistence/backup/migrate-log.ts';
import { OfflineInstance } from '#persistence/backup/offline-instance.ts';
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { dataDirectoryAt, servingPid } from '../data-directory.ts';
import { createBar } from '../persistence/bar.ts';
import { jsonOption, urlOf } from '../persistence/places.ts';
import { migrateServed } from '../persistence/migrate-served.ts';
import { toldStorage } from '../persistence/told-storage.ts';
import { UsageError } from '../usage-error.ts';

export const migrate = defineCommand({
  help: helpOf.migrate,
  options: {
    from: { type: 'string', placeholder: 'URL', help: 'The instance that has the state' },
    to: { type: 'string', placeholder: 'URL', help: 'An empty instance' },
    'data-dir': {
      type: 'string',
      placeholder: 'DIR',
      default: '.windlass',
      help: 'Data directory of the server on this machine, running or stopped',
    },
    ...jsonOption,
  },
  async run(values, _words, io) {
    if (values.from === undefined) throw new UsageError('--from URL is missing');
    if (values.to === undefined) throw new UsageError('--to URL is missing');
    const from = urlOf(values.from, '--from');
    const to = urlOf(values.to, '--to');
    const pid = servingPid(dataDirectoryAt(values['data-dir']));
    const signal = io.stopSignal();
    if (pid !== undefined)
      return toldStorage(() =>
        migrateServed({ from, to, dataDir: values['data-dir'], isJSON: values.json }, io, signal),
      );
    const bar = createBar(io, 'migrating', values.json);
    return toldStorage(async () => {
      await using target = await OfflineInstance.open(to, systemClock);
      await target.refuseFilled();
      await using source = await OfflineInstance.openExisting(from, systemClock);
      const stands = await migrateLog({
        source,
        target,
        host: hostname(),
        now: systemClock.now(),
        signal,
        onProgress: (revision, of) => bar.update(revision, of),
      });
      bar.end();
      const { revision, epoch } = stands;
      const result = { from: source.location, to: target.location, revision, epoch };
      if (values.json) io.out(`${JSON.stringify(result)}\n`);
      else
        io.out(
          [
            `${target.location}: everything up to revision ${revision}, verified`,
            `start from it with windlass up --persistence ${values.to}`,
            `${source.location} is left as it is: do not start from it again`,
            '',
          ].join('\n'),
        );
      return 0;
    });
  },
});
