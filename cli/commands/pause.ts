// `windlass pause SERVICE` and `windlass resume SERVICE`: hold the updates of a service, and let them go on.
import { defineCommand } from '../command.ts';
import type { Command } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { serviceOptions } from '../service-options.ts';
import { patchSpec, readService } from '../services.ts';

export const pause = pausing('pause', true, {
  done: 'is paused: what runs is kept, nothing is updated',
  already: 'is paused already',
});

export const resume = pausing('resume', false, {
  done: 'goes on with its updates',
  already: 'is not paused',
});

function pausing(
  command: 'pause' | 'resume',
  paused: boolean,
  words: { readonly done: string; readonly already: string },
): Command {
  return defineCommand({
    help: helpOf[command],
    options: { ...serviceOptions, ...clientOptions },
    words: ['SERVICE'],
    async run(values, [name = ''], io) {
      const signal = io.stopSignal();
      const isNew = await withClient(values, command, async (client) => {
        const service = await readService(client, values.namespace, name, signal);
        if ((service.spec.paused ?? false) === paused) return false;
        await patchSpec(client, service, { paused }, signal);
        return true;
      });
      io.out(`service.windlass.dev/${name} ${isNew ? words.done : words.already}\n`);
      return 0;
    },
  });
}
