// `windlass node remove NODE`: for good. One that answers is drained first; what was on one that does not is freed to run elsewhere.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { drain, drainOptions, timeoutOf } from '../node/drain.ts';
import { readContent } from '../node/node-content.ts';
import { isReady, readNode } from '../node/node-object.ts';
import { agreeToLoss, freePods, removeNode } from '../node/remove-node.ts';

const {
  'ignore-global': _global,
  'ignore-volumes': _volumes,
  'pod-selector': _selector,
  force: _force,
  ...ofDrain
} = drainOptions;

export const nodeRemove = defineCommand({
  help: helpOf.nodeRemove,
  options: {
    force: {
      type: 'boolean',
      help: 'Give up the volumes on it, and Pods that nothing makes again',
    },
    ...ofDrain,
    ...clientOptions,
  },
  words: ['NODE'],
  async run(values, [name = ''], io) {
    timeoutOf({ ...values, ...WHOLE });
    const signal = io.stopSignal();
    return withClient(values, 'node remove', async (client) => {
      const node = await readNode(client, name, signal);
      const answers = isReady(node);
      const { claims } = await readContent(client, name, undefined, signal);
      agreeToLoss(node, claims, values.force);
      if (answers) await drain(client, node, { ...values, ...WHOLE }, io, signal);
      await removeNode(client, node, claims, signal);
      const freed = await freePods(client, name, signal);
      io.out(`node/${name} removed\n`);
      if (freed > 0)
        io.out(
          `${freed} ${freed === 1 ? 'Pod' : 'Pods'} of it freed: what made them makes new ones\n`,
        );
      if (answers)
        io.err(`Its agent still runs: stop it on that machine, or ${name} joins again, empty.\n`);
      return 0;
    });
  },
});

/** Nothing is left behind on what goes for good. */
const WHOLE = {
  'ignore-global': false,
  'ignore-volumes': false,
  'pod-selector': undefined,
  'dry-run': false,
} as const;
