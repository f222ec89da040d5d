// Tells systemd that the server is ready, and from then on that it still turns, where it runs as a unit of Type=notify (deploy/systemd).
// Node has no datagram sockets of this machine, so systemd's own little program does it; its messages are taken because the unit says
// NotifyAccess=all.
import { spawn } from 'node:child_process';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Environment } from './options.ts';

/** Resolves when it was said, or could not be: then systemd ends the unit in time, and the log says why. At once outside of a unit. */
export async function notifyReady(
  environment: Environment,
  url: string,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const error = await say(environment, ['--ready', `--status=Serves at ${url}`]);
  if (error !== undefined) logger.warn('Cannot tell systemd that the server is ready', { error });
}

/**
 * Says three times in each `WatchdogSec=` of the unit that this thread, which serves, gets its turn; once it does not, systemd starts the
 * unit again. Does nothing where nobody waits for that. It ends with the process.
 */
export function feedWatchdog(
  environment: Environment,
  clock: Pick<Clock, 'schedule'>,
  logger: Pick<Logger, 'warn'>,
): void {
  const { NOTIFY_SOCKET = '', WATCHDOG_USEC = '' } = environment;
  if (NOTIFY_SOCKET === '' || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return;
  const everyMs = Number(WATCHDOG_USEC) / 1_000 / 3;
  let hasWarned = false;
  const feed = async (): Promise<void> => {
    const error = await say(environment, ['WATCHDOG=1']);
    // Once: it will be the same the next time, and systemd has its own word to say.
    if (error !== undefined && !hasWarned)
      logger.warn('Cannot tell systemd that the server goes on', { error });
    hasWarned ||= error !== undefined;
    clock.schedule(everyMs, () => void feed());
  };
  void feed();
}

/** @returns why it could not be said; at once undefined outside of a unit */
function say(environment: Environment, args: readonly string[]): Promise<string | undefined> {
  const { PATH, NOTIFY_SOCKET: socket = '' } = environment;
  if (socket === '') return Promise.resolve(undefined);
  return new Promise((done) => {
    const child = spawn('systemd-notify', args, {
      env: { NOTIFY_SOCKET: socket, ...(PATH === undefined ? {} : { PATH }) },
      stdio: 'ignore',
    });
    child.on('error', (error) => done(error.message));
    child.on('close', (code) =>
      done(code === 0 ? undefined : `it ended with ${code ?? 'a signal'}`),
    );
  });
}
