// One call about pushed images over the tunnel: the server sends the body in pieces and a text that ends it; back goes a status, then
// the answer as JSON.
import { WebSocket } from 'ws';
import type { Logger } from '#platform/logging.ts';
import { jsonFields } from '#platform/json-fields.ts';
import { parseImageCall } from './image-call.ts';
import type { ImageCall } from './image-call.ts';
import { ImageError } from './image-error.ts';

export interface ImageService {
  /** @returns what goes back as JSON. @throws ImageError */
  call(call: ImageCall, body: Buffer, signal: AbortSignal): Promise<object>;
}

export interface ImageOpen {
  readonly session: string;
  readonly operation: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const BODY_LIMIT_BYTES = 4 << 20;
const NORMAL_CLOSE = 1000;

/** undefined: the server asks for another kind of session. */
export function parseImageOpen(text: string): ImageOpen | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const { type, session, stream, operation, options } = fields;
  if (type !== 'open' || stream !== 'images') return undefined;
  if (typeof session !== 'string' || !/^[0-9a-f]{32}$/.test(session)) return undefined;
  if (typeof operation !== 'string' || typeof options !== 'object' || options === null)
    return undefined;
  return { session, operation, options: { ...options } };
}

/** @param socket dialled for this session, not open yet */
export function serveImages(
  socket: WebSocket,
  { operation, options }: ImageOpen,
  service: ImageService,
  logger: Logger,
  signal: AbortSignal,
): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  const session = new AbortController();
  const ended = AbortSignal.any([signal, session.signal]);
  const answer = async (): Promise<void> => {
    try {
      const body = Buffer.concat(parts.splice(0));
      const call = parseImageCall(operation, options, body);
      if (call === undefined)
        throw new ImageError(
          400,
          'BadRequest',
          `${JSON.stringify(operation)} is no call about images that this agent knows`,
        );
      const result = await service.call(call, body, ended);
      socket.send('{"status":"ok"}');
      socket.send(Buffer.from(JSON.stringify(result)), { binary: true });
    } catch (error) {
      if (ended.aborted || socket.readyState !== WebSocket.OPEN) return;
      socket.send(JSON.stringify({ status: 'error', ...refusalOf(error) }));
    }
    socket.close(NORMAL_CLOSE);
  };
  socket.on('error', (error) => logger.debug('Session failed', { error }));
  socket.on('close', () => session.abort(new Error('session closed')));
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) void answer();
    else if ((bytes += data.length) > BODY_LIMIT_BYTES) socket.close(1009);
    else parts.push(data);
  });
}

function refusalOf(error: unknown): object {
  const { code, reason, message } =
    error instanceof ImageError
      ? error
      : new ImageError(500, 'InternalError', (error as Error).message);
  return { code, reason, message };
}
