// `windlass node drain NODE`: says what cannot move, then empties the node, within what PodDisruptionBudgets allow.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { drain, drainOptions, timeoutOf } from '../node/drain.ts';
import { readNode } from '../node/node-object.ts';

export const nodeDrain = defineCommand({
  help: helpOf.nodeDrain,
  options: {
    ...drainOptions,
    'dry-run': { type: 'boolean', help: 'Only say what would become of each Pod' },
    ...clientOptions,
  },
  words: ['NODE'],
  async run(values, [name = ''], io) {
    timeoutOf(values);
    const signal = io.stopSignal();
    await withClient(values, 'node drain', async (client) =>
      drain(client, await readNode(client, name, signal), values, io, signal),
    );
    io.out(`node/${name} ${values['dry-run'] ? 'would be drained' : 'drained'}\n`);
    return 0;
  },
});
