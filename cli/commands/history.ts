// `windlass history SERVICE`: the revisions of a service, oldest first, and which one it runs.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { formatAge, formatTable } from '../output.ts';
import { changedParts, isCurrent, readHistory } from '../revisions.ts';
import { serviceOptions } from '../service-options.ts';

export const history = defineCommand({
  help: helpOf.history,
  options: { ...serviceOptions, ...clientOptions },
  words: ['SERVICE'],
  async run(values, [name = ''], io) {
    const { service, revisions } = await withClient(values, 'history', (client) =>
      readHistory(client, values.namespace, name, io.stopSignal()),
    );
    const now = systemClock.now();
    const rows = revisions.map((revision, index) => [
      String(revision.revision),
      revision.metadata.name,
      formatAge(now - Date.parse(revision.metadata.creationTimestamp)),
      changedParts(revision, revisions[index - 1]).join(', '),
      isCurrent(service, revision) ? 'current' : '',
    ]);
    io.out(formatTable(['REVISION', 'NAME', 'AGE', 'CHANGED', ''], rows));
    return 0;
  },
});
