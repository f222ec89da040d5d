// Which of the controllers a server needs from us. Windlass' own server comes without any; a Kubernetes cluster has controllers of its
// own for everything but our kinds, and two of one sort would undo each other's work.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import { isWindlassVersion } from '#platform/kubernetes-version.ts';
import type { Logger } from '#platform/logging.ts';
import type { Client } from './machinery/client-types.ts';
import { groupVersionPath } from './machinery/resource-path.ts';
import { isNotFound } from './machinery/request-error.ts';
import { SERVICES } from './machinery/resources.ts';

export interface ServerKindOptions {
  readonly client: Pick<Client, 'getPath'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

const BACKOFF = { initialMs: 200, maximumMs: 15_000, jitter: 0.5 };

/** Waits for the server to say what it is. @throws only the signal's reason */
export async function isOwnServer(
  options: ServerKindOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { client, clock, logger, random } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { gitVersion } = (await client.getPath('/version', signal)) as {
        readonly gitVersion?: unknown;
      };
      if (typeof gitVersion === 'string') return isWindlassVersion(gitVersion);
      throw new Error('/version names no gitVersion');
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = backoffMs(attempt, BACKOFF, random());
      const log = attempt === 5 ? 'warn' : 'debug';
      logger[log]('Cannot find out what the server is, trying again', { delayMs, error });
      await sleep(clock, delayMs, signal);
    }
  }
}

/** Says so when our kinds are not installed there: the controllers would wait in silence. */
export async function warnWithoutKinds(
  { client, logger }: ServerKindOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.getPath(groupVersionPath(SERVICES), signal);
  } catch (error) {
    if (!isNotFound(error)) return;
    logger.warn(
      'The server does not know the kinds of windlass.dev: kubectl apply --server-side -f deploy/crds; waiting for them',
    );
  }
}
