// Tells systemd that the server is ready, where it runs as a unit of Type=notify (deploy/systemd). Node has no datagram sockets of this
// machine, so systemd's own little program does it; its message is taken because the unit says NotifyAccess=all.
import { spawn } from 'node:child_process';
import type { Logger } from '#platform/logging.ts';
import type { Environment } from './options.ts';

/** Resolves when it was said, or could not be: then systemd ends the unit in time, and the log says why. At once outside of a unit. */
export async function notifyReady(
  environment: Environment,
  url: string,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const socket = environment['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return;
  const failure = await new Promise<string | undefined>((done) => {
    const args = ['--ready', `--status=Serves at ${url}`];
    const { PATH } = environment;
    const child = spawn('systemd-notify', args, {
      env: { NOTIFY_SOCKET: socket, ...(PATH === undefined ? {} : { PATH }) },
      stdio: 'ignore',
    });
    child.on('error', (error) => done(error.message));
    child.on('close', (code) =>
      done(code === 0 ? undefined : `it ended with ${code ?? 'a signal'}`),
    );
  });
  if (failure !== undefined)
    logger.warn('Cannot tell systemd that the server is ready', { error: failure });
}
