// `windlass node run`: the node agent alone, with a kubeconfig whose certificate is that of the node.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import {
  agentOptions,
  agentSettings,
  joinedKubeconfig,
  runAgentCommand,
} from '../node/agent-options.ts';
import { UsageError } from '../usage-error.ts';

export const nodeRun = defineCommand({
  help: helpOf.nodeRun,
  options: {
    kubeconfig: {
      type: 'string',
      placeholder: 'FILE',
      help: 'Which server, as which node (default: what node join left in the data directory)',
    },
    ...agentOptions,
  },
  async run(values, _words, io) {
    const kubeconfig = values.kubeconfig ?? joinedKubeconfig(agentSettings(values));
    if (kubeconfig === undefined)
      throw new UsageError('--kubeconfig is missing: windlass node run');
    return runAgentCommand(values, io, kubeconfig, () => Promise.resolve());
  },
});
