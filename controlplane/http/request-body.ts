// Reads a request's body into one buffer, up to the limit of upstream.
import type { IncomingMessage } from 'node:http';

import { ApiError, requestEntityTooLarge } from '../api/errors.ts';

export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

/** @throws ApiError RequestEntityTooLarge; a client that goes away rejects with its socket's error */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  // Where no body was announced none is read, and no event says so (optimizeEmptyRequests of the server).
  if (request.readableEnded) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) {
      reject(requestEntityTooLarge(BODY_LIMIT_BYTES));
      return;
    }
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > BODY_LIMIT_BYTES) {
        request.pause();
        request.removeAllListeners('data');
        reject(requestEntityTooLarge(BODY_LIMIT_BYTES));
      } else if (first === undefined) first = chunk;
      else if (rest === undefined) rest = [first, chunk];
      else rest.push(chunk);
    });
    // Most bodies come in one piece and are used as they are.
    request.on('end', () => {
      resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest, length));
    });
    request.on('error', (error) => {
      reject(new ApiError(400, 'BadRequest', 'the request body ended early', { cause: error }));
    });
  });
}
