// `windlass machine plan -f FILE`: what applying machines would do, and why. The server judges, and nothing is stored.
import type { Machine } from '#controllers/machine/types.ts';
import { applyManifest } from '../apply/apply.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { told } from '../file-options.ts';
import { isMachine, machineFileOptions, manifestsOf } from '../machine/machine-calls.ts';
import { planOf } from '../machine/machine-plan.ts';

export const machinePlan = defineCommand({
  help: helpOf.machinePlan,
  options: { ...machineFileOptions, ...clientOptions },
  async run(values, _words, io) {
    const manifests = await told(async () => manifestsOf(values.file, 'plan'));
    const signal = io.stopSignal();
    const { namespace } = values;
    await withClient(
      values,
      'machine plan',
      async (client) => {
        for (const manifest of manifests.filter((each) => isMachine(each))) {
          const { object, before } = await told(() =>
            applyManifest(client, manifest, signal, { namespace }),
          );
          const { lines } = planOf(before as Machine | undefined, object as Machine);
          io.out(`${lines.join('\n')}\n`);
        }
      },
      { dryRun: true },
    );
    return 0;
  },
});
