// `windlass restart SERVICE`: a rollout of the same template, as `kubectl rollout restart` does it.
import { systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { serviceOptions } from '../service-options.ts';
import { patchSpec, readService, restartedTemplate } from '../services.ts';
import { CommandError } from '../usage-error.ts';

export const restart = defineCommand({
  help: helpOf.restart,
  options: { ...serviceOptions, ...clientOptions },
  words: ['SERVICE'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    await withClient(values, 'restart', async (client) => {
      const service = await readService(client, values.namespace, name, signal);
      if (service.spec.paused === true)
        throw new CommandError(
          `service ${name} is paused: nothing of it is replaced`,
          `windlass resume ${name} first.`,
        );
      const template = restartedTemplate(systemClock.now());
      await patchSpec(client, service, { template }, signal);
    });
    io.out(`service.windlass.dev/${name} restarts\n`);
    return 0;
  },
});
