// The log that `persistence cat`, `log` and `diff` read: an instance of the running server by name, or any place.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { withClient } from '../connect.ts';
import type { ClientValues } from '../connect.ts';
import { placeSource, servedInstance, serverSource } from './log-source.ts';
import type { LogSource } from './log-source.ts';
import { isServed, placeOf, urlsOf } from './places.ts';
import { toldStorage } from './told-storage.ts';

export const fromOption = {
  from: {
    type: 'string',
    placeholder: 'INSTANCE|URL|PATH',
    help: 'An instance of the server by name, one that no server uses by URL, or a backup file (default: the primary)',
  },
} as const;

/** Names of instances look like this; anything else is a place. */
const INSTANCE_NAME = /^[a-z0-9]+-[0-9a-f]{6,64}$/;

/** Opens one source for each of `names` and closes them after `work`. */
export function withSources<T>(
  values: ClientValues,
  command: string,
  names: readonly (string | undefined)[],
  signal: AbortSignal,
  work: (sources: readonly LogSource[]) => Promise<T>,
): Promise<T> {
  const isOfServer = (name: string | undefined): boolean =>
    isServed(values) && (name === undefined || INSTANCE_NAME.test(name));
  const run = async (client: HttpClient | undefined): Promise<T> => {
    await using opened = new AsyncDisposableStack();
    const sources: LogSource[] = [];
    for (const name of names) {
      const source =
        client !== undefined && isOfServer(name)
          ? serverSource(client, await servedInstance(client, name, signal))
          : await placeSource(
              name === undefined
                ? { type: 'url', url: urlsOf([], values['data-dir'])[0] ?? '' }
                : placeOf(name, command),
            );
      sources.push(opened.use(source));
    }
    return await work(sources);
  };
  return toldStorage(() =>
    names.some(isOfServer) ? withClient(values, command, run) : run(undefined),
  );
}
