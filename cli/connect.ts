// The client of commands that talk to a running server.
import { existsSync } from 'node:fs';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { ConnectionError, RequestError } from '#controllers/machinery/request-error.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { dataDirectoryAt } from './data-directory.ts';
import type { OptionTable } from './options.ts';
import { CommandError } from './usage-error.ts';
import { userAgent } from './versions.ts';

/** Flags of every command that talks to a server. */
export const clientOptions = {
  kubeconfig: {
    type: 'string',
    placeholder: 'FILE',
    help: 'Which server, as whom (default: admin.kubeconfig in the data directory)',
  },
  'data-dir': {
    type: 'string',
    placeholder: 'DIR',
    default: '.windlass',
    help: 'Data directory of the server on this machine',
  },
} as const satisfies OptionTable;

export interface ClientValues {
  readonly kubeconfig: string | undefined;
  readonly 'data-dir': string;
}

/** @throws CommandError when there is no such file */
export function kubeconfigOf(values: ClientValues): string {
  const path = values.kubeconfig ?? dataDirectoryAt(values['data-dir']).adminKubeconfig;
  if (!existsSync(path))
    throw new CommandError(
      `there is no kubeconfig at ${path}`,
      values.kubeconfig === undefined
        ? 'Start the server with npm start, or name one with --kubeconfig or --data-dir.'
        : 'Name one that exists with --kubeconfig.',
    );
  return path;
}

/** Runs `work` with a client and closes that; answers of the server become CommandErrors. */
export async function withClient<T>(
  values: ClientValues,
  command: string,
  work: (client: HttpClient) => Promise<T>,
  {
    dryRun = false,
    requestTimeoutMs,
  }: { readonly dryRun?: boolean; readonly requestTimeoutMs?: number } = {},
): Promise<T> {
  const path = kubeconfigOf(values);
  const connection = await loadConnection(path).catch((error: unknown) => {
    throw new CommandError((error as Error).message, undefined, { cause: error });
  });
  await using client = new HttpClient({
    connection,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: userAgent(command),
    random: Math.random,
    fieldValidation: 'Strict',
    dryRun,
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  try {
    return await work(client);
  } catch (error) {
    if (error instanceof ConnectionError)
      throw new CommandError(error.message, 'Is the server running? npm start starts it.', {
        cause: error,
      });
    if (error instanceof RequestError)
      throw new CommandError(error.message, undefined, { cause: error });
    throw error;
  }
}
