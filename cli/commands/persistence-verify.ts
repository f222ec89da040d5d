// `windlass persistence verify [INSTANCE…]`: the server reads and checks all that its instances hold, while it serves.
import { PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { terminalText } from '#platform/terminal-text.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { formatTable } from '../output.ts';
import { checkPlaces } from '../persistence/check-places.ts';
import { servedInstance, servedInstances } from '../persistence/log-source.ts';
import { isServed, jsonOption, persistenceOption, urlsOf } from '../persistence/places.ts';
import { UsageError } from '../usage-error.ts';

interface Counted {
  readonly records: number;
  readonly bytes: number;
  readonly revision: number;
}

interface Verified extends Partial<Counted> {
  readonly name: string;
  readonly isWhole: boolean;
  readonly error?: string;
}

/** Reading everything takes as long as it takes. */
const PATIENCE_MS = 24 * 3_600_000;

export const persistenceVerify = defineCommand({
  help: helpOf.persistenceVerify,
  options: { ...jsonOption, ...persistenceOption, ...clientOptions },
  moreWords: true,
  async run(values, names, io) {
    const signal = io.stopSignal();
    if (!isServed(values)) {
      if (names.length > 0)
        throw new UsageError('no server runs here: name instances with --persistence URL');
      return checkPlaces(urlsOf(values.persistence, values['data-dir']), io, values.json, signal);
    }
    const options = { requestTimeoutMs: PATIENCE_MS };
    return withClient(
      values,
      'persistence verify',
      async (client) => {
        const instances =
          names.length === 0
            ? await servedInstances(client, signal)
            : await Promise.all(names.map((name) => servedInstance(client, name, signal)));
        const found: Verified[] = [];
        for (const { metadata } of instances) {
          const { name } = metadata;
          if (io.columns !== undefined && !values.json) io.err(`verifying ${name} …\n`);
          try {
            const counted = await client.connect(
              PERSISTENCE_INSTANCES,
              '',
              name,
              'verify',
              {},
              signal,
            );
            found.push({ name, isWhole: true, ...(counted as Counted) });
          } catch (error) {
            if (!(error instanceof RequestError)) throw error;
            found.push({ name, isWhole: false, error: error.message });
          }
        }
        const isWhole = found.every((one) => one.isWhole);
        if (values.json) io.out(`${JSON.stringify({ isWhole, instances: found })}\n`);
        else {
          const rows = found.map((one) => [
            one.name,
            one.isWhole ? 'whole' : 'DAMAGED',
            String(one.revision ?? '-'),
            String(one.records ?? '-'),
          ]);
          io.out(formatTable(['INSTANCE', 'STATE', 'REVISION', 'RECORDS'], rows));
          for (const { name, error } of found)
            if (error !== undefined) io.err(`${terminalText(`${name}: ${error}`)}\n`);
        }
        return isWhole ? 0 : 1;
      },
      options,
    );
  },
});
