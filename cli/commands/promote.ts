// `windlass promote SERVICE`: lets a rollout that waits go on. `windlass abort SERVICE`: gives a rollout up. Both are a word to the service
// controller, left on the service, that names the revision it is about: said too late, it means nothing.
import { SERVICES } from '#controllers/machinery/resources.ts';
import type { Service } from '#controllers/service/types.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { abortNote, promotionNote } from '../rollout-notes.ts';
import type { RolloutNote } from '../rollout-notes.ts';
import { serviceOptions } from '../service-options.ts';
import type { ClientValues } from '../connect.ts';
import type { CommandIO } from '../command.ts';
import { readService } from '../services.ts';

export const promote = defineCommand({
  help: helpOf.promote,
  options: {
    full: { type: 'boolean', help: 'Go through all steps that are left, not only the next one' },
    ...serviceOptions,
    ...clientOptions,
  },
  words: ['SERVICE'],
  async run(values, [name = ''], io) {
    const note = await leave(values, 'promote', name, io, (service) =>
      promotionNote(service, values.full),
    );
    io.out(`service.windlass.dev/${name} ${note.done}\n`);
    return 0;
  },
});

export const abort = defineCommand({
  help: helpOf.abort,
  options: { ...serviceOptions, ...clientOptions },
  words: ['SERVICE'],
  async run(values, [name = ''], io) {
    const note = await leave(values, 'abort', name, io, abortNote);
    io.out(`service.windlass.dev/${name} ${note.done}\n`);
    return 0;
  },
});

async function leave(
  values: ClientValues & { readonly namespace: string },
  command: string,
  name: string,
  io: CommandIO,
  decide: (service: Service) => RolloutNote,
): Promise<RolloutNote> {
  const signal = io.stopSignal();
  return withClient(values, command, async (client) => {
    const { namespace } = values;
    const note = decide(await readService(client, namespace, name, signal));
    const patch = { metadata: { annotations: note.annotations } };
    await client.patch(SERVICES, namespace, name, '', 'merge', patch, signal);
    return note;
  });
}
