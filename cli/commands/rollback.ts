// `windlass rollback SERVICE`: writes an earlier revision's template back into the service; the service controller rolls it out.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { readHistory, rollbackPatch, rollbackTarget } from '../revisions.ts';
import { serviceOptions } from '../service-options.ts';
import { patchSpec } from '../services.ts';

export const rollback = defineCommand({
  help: helpOf.rollback,
  options: {
    'to-revision': {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      help: 'Revision to go back to (default: the one before)',
    },
    ...serviceOptions,
    ...clientOptions,
  },
  words: ['SERVICE'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    const target = await withClient(values, 'rollback', async (client) => {
      const history = await readHistory(client, values.namespace, name, signal);
      const found = rollbackTarget(history, values['to-revision']);
      const { spec } = rollbackPatch(history, found);
      await patchSpec(client, history.service, spec, signal);
      return found;
    });
    io.out(
      `service.windlass.dev/${name} goes back to revision ${target.revision} (${target.metadata.name})\n`,
    );
    return 0;
  },
});
