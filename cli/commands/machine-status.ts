// `windlass machine status NAME`: its steps as a tree; --watch shows them as they go.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { followMachine, machineOptions, readMachine } from '../machine/machine-calls.ts';
import { endOf, machineTree } from '../machine/machine-tree.ts';
import { createProgress } from '../progress.ts';

export const machineStatus = defineCommand({
  help: helpOf.machineStatus,
  options: {
    ...machineOptions,
    watch: { type: 'boolean', short: 'w', help: 'Until something has come of its spec' },
    ...clientOptions,
  },
  words: ['NAME'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    const { namespace } = values;
    return withClient(values, 'machine status', async (client) => {
      if (values.watch) {
        const progress = createProgress(io.out, io.columns);
        const end = await followMachine(client, { namespace, name }, progress, systemClock, signal);
        return end.end === 'bad' ? 1 : 0;
      }
      const machine = await readMachine(client, namespace, name, signal);
      io.out(`${machineTree(machine).join('\n')}\n`);
      const end = endOf(machine);
      if (end.end === 'bad') io.out(`\n${end.why}\n`);
      for (const { type, status, reason, message } of machine.status?.conditions ?? [])
        if (type === 'Drifted' && status === 'True') io.out(`\n${reason}: ${message}\n`);
      return end.end === 'bad' ? 1 : 0;
    });
  },
});
