// `windlass node cordon NAME` and `windlass node uncordon NAME`: no new instances on a node, and yes again.
import { cordonNode, uncordonNode } from '#controllers/machinery/cordon.ts';
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { readNode } from '../node/node-object.ts';

export const nodeCordon = cordoning('nodeCordon', cordonNode, 'cordoned');
export const nodeUncordon = cordoning('nodeUncordon', uncordonNode, 'uncordoned');

function cordoning(
  command: 'nodeCordon' | 'nodeUncordon',
  change: typeof cordonNode,
  word: string,
): Command {
  return defineCommand({
    help: helpOf[command],
    options: clientOptions,
    words: ['NODE'],
    async run(values, [name = ''], io) {
      const signal = io.stopSignal();
      const isNew = await withClient(values, word, async (client) => {
        await readNode(client, name, signal);
        return change(client, name, undefined, signal);
      });
      io.out(`node/${name} ${isNew ? word : `already ${word}`}\n`);
      return 0;
    },
  });
}
