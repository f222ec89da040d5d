// `windlass secrets rotate`: a new key, and everything sealed anew with it by the running server, which goes on serving. Only
// watched from here: the server goes on when this ends, and a rotation that was cut short is finished by the next one.
import { ConnectionError, RequestError } from '#controllers/machinery/request-error.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { createProgress } from '../progress.ts';
import { jsonOption } from '../json-option.ts';
import { beginRotation, readSecretsStatus, rotationText } from '../secrets/secrets-calls.ts';
import type { RotationAnswer } from '../secrets/secrets-calls.ts';
import { CommandError } from '../usage-error.ts';

const POLL_MS = 200;
const BUSY_EXIT_CODE = 3;
const AGAIN = 'Run windlass secrets rotate again: it goes on where it stopped, with the same key.';

export const secretsRotate = defineCommand({
  help: helpOf.secretsRotate,
  options: { ...jsonOption, ...clientOptions },
  async run(values, _words, io) {
    const signal = io.stopSignal();
    const progress = createProgress(values.json ? () => undefined : io.out, io.columns);
    const rotation = await withClient(values, 'secrets rotate', async (client) => {
      let now: RotationAnswer | undefined = await beginRotation(client, signal).catch(refused);
      if (!now.isNewKey) progress.say(`finishing with key ${now.keyId}, without a new one`);
      try {
        while (now?.state === 'Running') {
          progress.update('rotation', rotationText(now));
          await sleep(systemClock, POLL_MS, signal);
          now = (await readSecretsStatus(client, signal)).rotation;
        }
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        throw new CommandError(error.message, AGAIN, { cause: error });
      }
      return now;
    });
    if (rotation === undefined)
      throw new CommandError('the server was restarted in the middle', AGAIN);
    if (values.json) io.out(`${JSON.stringify(rotation)}\n`);
    else if (rotation.state === 'Done') progress.update('rotation', rotationText(rotation));
    if (rotation.state === 'Done') return 0;
    throw new CommandError(rotationText(rotation), AGAIN);
  },
});

function refused(error: unknown): never {
  if (error instanceof RequestError && error.code === 409)
    throw new CommandError(error.message, 'windlass secrets status shows how far it is.', {
      cause: error,
      exitCode: BUSY_EXIT_CODE,
    });
  throw error;
}
