// `windlass machine apply -f FILE`: applies machines and shows their steps until something has come of them.
import { systemClock } from '#platform/clock.ts';
import { applyManifest } from '../apply/apply.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { told } from '../file-options.ts';
import {
  followMachine,
  isMachine,
  machineFileOptions,
  manifestsOf,
} from '../machine/machine-calls.ts';
import { createProgress } from '../progress.ts';

export const machineApply = defineCommand({
  help: helpOf.machineApply,
  options: {
    ...machineFileOptions,
    'no-wait': { type: 'boolean', help: 'Apply, and leave at once' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const manifests = await told(async () => manifestsOf(values.file, 'apply'));
    const signal = io.stopSignal();
    return withClient(values, 'machine apply', async (client) => {
      const { namespace } = values;
      const machines: { readonly namespace: string; readonly name: string }[] = [];
      for (const manifest of manifests) {
        const applied = await told(() => applyManifest(client, manifest, signal, { namespace }));
        io.out(`${applied.name} ${applied.outcome}\n`);
        const { name, namespace: own = namespace } = applied.object.metadata;
        if (isMachine(manifest)) machines.push({ namespace: own, name });
      }
      if (values['no-wait']) return 0;
      const progress = createProgress(io.out, io.columns);
      const ends = await Promise.all(
        machines.map(async (machine) => ({
          ...machine,
          ...(await followMachine(client, machine, progress, systemClock, signal)),
        })),
      );
      progress.freeze();
      for (const end of ends) if (end.end === 'bad') io.err(`machine ${end.name}: ${end.why}\n`);
      return ends.some(({ end }) => end === 'bad') ? 1 : 0;
    });
  },
});
