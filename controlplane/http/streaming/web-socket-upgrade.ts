// The upgrade of a connection to a WebSocket: what is wrong with the request is said as a Status, before the library would refuse it in
// words of its own.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

import { badRequest } from '../../api/errors.ts';

/** @throws ApiError BadRequest */
export function checkWebSocket({ method, headers }: IncomingMessage): void {
  if (method !== 'GET') throw badRequest('a WebSocket is asked for with GET');
  if (headers['sec-websocket-version'] !== '13') {
    throw badRequest('Sec-WebSocket-Version: only 13 is supported');
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    throw badRequest('Sec-WebSocket-Key: must be 16 bytes in base64');
  }
}

export interface UpgradedRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * @param options `protocol`: the one to answer with, '' for none; `maxPayload`: of one message of the client, in bytes
 * @throws Error when the client has left
 */
export function upgradeWebSocket(
  { request, socket, head }: UpgradedRequest,
  { protocol, maxPayload }: { readonly protocol: string; readonly maxPayload: number },
): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: () => (protocol === '' ? false : protocol),
  });
  return new Promise((resolve, reject) => {
    // It answers by itself what it finds wrong in the headers.
    const fail = (): void => reject(new Error('the client left before the upgrade'));
    socket.once('close', fail);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('close', fail);
      resolve(webSocket);
    });
  });
}
