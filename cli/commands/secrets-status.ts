// `windlass secrets status`: which keys the server has, and how many objects each one seals.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { jsonOption } from '../json-option.ts';
import { formatTable } from '../output.ts';
import { readSecretsStatus, rotationText } from '../secrets/secrets-calls.ts';

export const secretsStatus = defineCommand({
  help: helpOf.secretsStatus,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const status = await withClient(values, 'secrets status', (client) =>
      readSecretsStatus(client, signal),
    );
    if (values.json) {
      io.out(`${JSON.stringify(status)}\n`);
      return 0;
    }
    const rows = status.keys.map(({ id, isSealing, objects, source }) => [
      id,
      isSealing ? 'seals' : 'opens',
      String(objects),
      source,
    ]);
    io.out(formatTable(['KEY', 'USE', 'OBJECTS', 'SOURCE'], rows));
    if (status.unsealedObjects > 0)
      io.out(`\n${status.unsealedObjects} objects of kinds to be sealed lie in the clear still\n`);
    if (status.rotation !== undefined) io.out(`\n${rotationText(status.rotation)}\n`);
    else if (
      status.unsealedObjects > 0 ||
      status.keys.some((key) => !key.isSealing && key.objects > 0)
    )
      io.out('\nwindlass secrets rotate seals all with the first key\n');
    return 0;
  },
});
