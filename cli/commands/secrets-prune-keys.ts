// `windlass secrets prune-keys`: takes the keys that nothing stored needs any more out of the key file.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { jsonOption } from '../json-option.ts';
import { pruneKeys } from '../secrets/secrets-calls.ts';

const STILL_NEEDED_EXIT_CODE = 3;

export const secretsPruneKeys = defineCommand({
  help: helpOf.secretsPruneKeys,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const { removed, kept } = await withClient(values, 'secrets prune-keys', (client) =>
      pruneKeys(client, signal),
    );
    if (values.json) io.out(`${JSON.stringify({ removed, kept })}\n`);
    else {
      for (const id of removed) io.out(`removed ${id}; backups made before now may need it\n`);
      for (const { id, reason } of kept) io.out(`kept ${id}: ${reason}\n`);
      if (removed.length + kept.length === 0) io.out('there is only the key that seals\n');
    }
    return kept.length === 0 ? 0 : STILL_NEEDED_EXIT_CODE;
  },
});
