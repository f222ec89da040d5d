// `windlass persistence resync INSTANCE`: fills a replica anew from the primary, and waits until it has everything.
import { PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { createBar } from '../persistence/bar.ts';
import { servedInstance } from '../persistence/log-source.ts';
import { jsonOption } from '../persistence/places.ts';
import { CommandError } from '../usage-error.ts';

const LOOK_MS = 250;

export const persistenceResync = defineCommand({
  help: helpOf.persistenceResync,
  options: {
    timeout: {
      type: 'integer',
      placeholder: 'SECONDS',
      minimum: 1,
      maximum: 604_800,
      default: 3_600,
      help: 'How long to wait until it has everything; the server goes on all the same',
    },
    ...jsonOption,
    ...clientOptions,
  },
  words: ['INSTANCE'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    return withClient(values, 'persistence resync', async (client) => {
      await servedInstance(client, name, signal);
      await client.connect(PERSISTENCE_INSTANCES, '', name, 'resync', {}, signal);
      const bar = createBar(io, `filling ${name}`, values.json);
      const end = systemClock.monotonic() + values.timeout * 1000;
      for (;;) {
        const { status } = await servedInstance(client, name, signal);
        const { revision, lagRevisions, state } = status;
        bar.update(revision, revision + lagRevisions, state);
        if (state === 'Up' && lagRevisions === 0) {
          bar.end();
          io.out(
            values.json
              ? `${JSON.stringify({ name, revision })}\n`
              : `${name} has everything, up to revision ${revision}\n`,
          );
          return 0;
        }
        if (systemClock.monotonic() > end)
          throw new CommandError(
            `${name} is still ${state} after ${values.timeout} s: ${status.lastError?.message ?? `${lagRevisions} changes are missing`}`,
            'The server goes on; windlass persistence status says how far it is.',
          );
        await sleep(systemClock, LOOK_MS, signal);
      }
    });
  },
});
