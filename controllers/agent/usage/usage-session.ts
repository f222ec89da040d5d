// One question of the server over the tunnel: what does this machine use? The answer is a status, then JSON.
import { WebSocket } from 'ws';
import { jsonFields } from '#platform/json-fields.ts';
import type { Logger } from '#platform/logging.ts';
import type { UsageMeter } from './usage-meter.ts';

const NORMAL_CLOSE = 1000;

/** @returns the session to dial; undefined: the server asks for something else */
export function parseUsageOpen(text: string): string | undefined {
  const { type, session, stream } = jsonFields(text) ?? {};
  if (type !== 'open' || stream !== 'usage' || typeof session !== 'string') return undefined;
  return /^[0-9a-f]{32}$/.test(session) ? session : undefined;
}

/** @param socket dialled for this session, not open yet */
export function serveUsage(
  socket: WebSocket,
  meter: Pick<UsageMeter, 'read'>,
  logger: Logger,
  signal: AbortSignal,
): void {
  socket.on('error', (error) => logger.debug('Session failed', { error }));
  socket.on('open', () => void answer(socket, meter, signal));
}

async function answer(
  socket: WebSocket,
  meter: Pick<UsageMeter, 'read'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const report = await meter.read(signal);
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send('{"status":"ok"}');
    socket.send(Buffer.from(JSON.stringify(report)), { binary: true });
  } catch (error) {
    if (socket.readyState !== WebSocket.OPEN) return;
    const { message } = error as Error;
    const status = { status: 'error', code: 500, reason: 'InternalError', message };
    socket.send(JSON.stringify(status));
  }
  socket.close(NORMAL_CLOSE);
}
