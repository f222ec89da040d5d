// A watch as a WebSocket: browsers and dashboards read it so. Each event is a text message; what the client says is not listened to.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { ResourceDefinition } from '../api/resource.ts';

import type { MeasuredRequest } from './metrics.ts';
import type { RequestInfo } from './request-info.ts';
import type { Services } from './services.ts';
import { checkWebSocket, upgradeWebSocket } from './streaming/web-socket-upgrade.ts';
import { offeredProtocols } from './web-socket-token.ts';
import { messageStream } from './watch-stream.ts';
import { prepareWatch } from './watch-subscription.ts';

/** A client has nothing to say; this is for pings. */
const MESSAGE_LIMIT_BYTES = 64 * 1024;

export interface WatchUpgrade {
  readonly info: RequestInfo;
  readonly definition: ResourceDefinition;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly measured: MeasuredRequest;
}

/**
 * Resolves when the watch is over.
 *
 * @param onUpgrade called when nothing can be refused any more
 * @throws ApiError what the client is to be told instead of the upgrade; only before `onUpgrade`
 */
export async function serveWatchUpgrade(
  services: Services,
  { info, definition, request, socket, head, measured }: WatchUpgrade,
  onUpgrade: () => void,
): Promise<void> {
  checkWebSocket(request);
  const begin = prepareWatch(services, { info, definition, accept: request.headers.accept });
  const [protocol = ''] = offeredProtocols(request.headers);
  onUpgrade();
  const webSocket = await upgradeWebSocket(
    { request, socket, head },
    { protocol, maxPayload: MESSAGE_LIMIT_BYTES },
  );
  webSocket.on('error', () => webSocket.terminate());
  const stop = begin(messageStream(webSocket, socket), measured);
  await new Promise<void>((resolve) => webSocket.once('close', () => resolve()));
  stop();
}
