// `windlass node cordon NAME` and `windlass node uncordon NAME`: no new instances on a node, and yes again.
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { readNode, setUnschedulable } from '../node/node-object.ts';

export const nodeCordon = cordoning('nodeCordon', true);
export const nodeUncordon = cordoning('nodeUncordon', false);

function cordoning(command: 'nodeCordon' | 'nodeUncordon', unschedulable: boolean): Command {
  const word = unschedulable ? 'cordoned' : 'uncordoned';
  return defineCommand({
    help: helpOf[command],
    options: clientOptions,
    words: ['NODE'],
    async run(values, [name = ''], io) {
      const signal = io.stopSignal();
      const isNew = await withClient(values, word, async (client) =>
        setUnschedulable(client, await readNode(client, name, signal), unschedulable, signal),
      );
      io.out(`node/${name} ${isNew ? word : `already ${word}`}\n`);
      return 0;
    },
  });
}
