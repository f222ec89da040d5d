// Answers where there is no ServerResponse: refused upgrades, and requests that are no HTTP.
import { getBuiltinModule } from 'node:process';
import type { Duplex } from 'node:stream';

import type { Clock } from '#platform/clock.ts';

import { ApiError } from '../api/errors.ts';

import { encodeStatus } from './respond.ts';

// An import would read all its exports, among them WebSocket, which loads a whole HTTP client: 30 ms and 12 MB.
const { STATUS_CODES } = getBuiltinModule('node:http');

/** So much is read and thrown away after the answer: closing with bytes unread resets the connection and loses it. */
const DISCARD_LIMIT_BYTES = 1024 * 1024;
const DISCARD_MS = 2000;

/** Writes the error as a complete answer and closes the connection once the client has had it. */
export function answerRaw(socket: Duplex, error: ApiError, clock: Clock): void {
  if (socket.writableEnded) return; // the parser complains of each further piece
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = encodeStatus(error.toStatus());
  const head =
    `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? 'Error'}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]));
  let discarded = 0;
  const cancel = clock.schedule(DISCARD_MS, () => socket.destroy());
  socket.once('end', () => socket.destroy());
  socket.once('close', cancel);
  socket.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > DISCARD_LIMIT_BYTES) socket.destroy();
  });
}

/** What the parser of node:http says of a request, as an answer. */
export function malformedRequest({ code }: NodeJS.ErrnoException): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError(431, 'BadRequest', 'the headers of the request are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError(408, 'Timeout', 'the request did not arrive in time');
    default:
      return new ApiError(400, 'BadRequest', 'the request is not HTTP/1.1');
  }
}
