// `windlass persistence promote INSTANCE`: asks the server to make a replica the primary, and waits until it is.
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { createBar } from '../persistence/bar.ts';
import { promoted, promotedLines } from '../persistence/promote.ts';
import { servedInstance } from '../persistence/log-source.ts';
import { isServed, jsonOption } from '../persistence/places.ts';
import { CommandError } from '../usage-error.ts';

export const persistencePromote = defineCommand({
  help: helpOf.persistencePromote,
  options: {
    timeout: {
      type: 'integer',
      placeholder: 'SECONDS',
      minimum: 1,
      maximum: 86_400,
      default: 30,
      help: 'How long it may take to catch up first, while writes go on',
    },
    ...jsonOption,
    ...clientOptions,
  },
  words: ['INSTANCE'],
  async run(values, [name = ''], io) {
    const signal = io.stopSignal();
    if (!isServed(values))
      throw new CommandError(
        `no server runs on ${values['data-dir']}`,
        'Without one, start it with the URL of that instance as the first --persistence.',
      );
    const requestTimeoutMs = (values.timeout + GRACE_SECONDS) * 1_000;
    return withClient(
      values,
      'persistence promote',
      async (client) => {
        const bar = createBar(io, `promoting ${name}`, values.json);
        const outcome = await promoted(client, { name, seconds: values.timeout, bar, signal });
        const { spec } = await servedInstance(client, name, signal);
        io.out(
          values.json
            ? `${JSON.stringify({ name, ...outcome })}\n`
            : promotedLines(name, spec.location, outcome),
        );
        return 0;
      },
      { requestTimeoutMs },
    );
  },
});

/** What the switch itself may take when an instance does not answer. */
const GRACE_SECONDS = 90;
