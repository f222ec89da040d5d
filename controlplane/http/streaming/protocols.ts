// Which of the protocols that a client offers is spoken: remote commands and port forwarding over SPDY/3.1 or WebSocket
// (k8s.io/apimachinery remotecommand and portforward constants; k8s.io/streaming wsstream).
import type { IncomingMessage } from 'node:http';

import { ApiError, badRequest } from '../../api/errors.ts';

export type Transport = 'spdy' | 'websocket';

export interface Protocol {
  readonly transport: Transport;
  /** As negotiated; '' where a WebSocket client offers none. */
  readonly name: string;
}

export const TUNNELLED_SPDY = 'SPDY/3.1+portforward.k8s.io';

const COMMAND_SPDY = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];
const COMMAND_WEBSOCKET = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const FORWARD_SPDY = ['portforward.k8s.io'];
const FORWARD_WEBSOCKET = [
  TUNNELLED_SPDY,
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const SPDY_HEADER = 'x-stream-protocol-version';

/** @throws ApiError BadRequest for another upgrade, Forbidden (as upstream) when no protocol is common */
export function negotiateProtocol(
  headers: IncomingMessage['headers'],
  stream: 'exec' | 'attach' | 'portforward',
): Protocol {
  const isForward = stream === 'portforward';
  switch (headers.upgrade?.toLowerCase()) {
    case 'spdy/3.1': {
      // Node joins repeated headers with commas.
      const offered = list(headers[SPDY_HEADER]);
      // The first clients named none, and speak the first protocol.
      if (offered.length === 0) {
        return { transport: 'spdy', name: isForward ? 'portforward.k8s.io' : 'channel.k8s.io' };
      }
      return { transport: 'spdy', name: choose(offered, isForward ? FORWARD_SPDY : COMMAND_SPDY) };
    }
    case 'websocket': {
      const offered = list(headers['sec-websocket-protocol']);
      if (offered.length === 0) return { transport: 'websocket', name: '' };
      const accepted = isForward ? FORWARD_WEBSOCKET : COMMAND_WEBSOCKET;
      return { transport: 'websocket', name: choose(offered, accepted) };
    }
    default:
      throw badRequest(
        `cannot upgrade to ${JSON.stringify(headers.upgrade ?? '')}: only SPDY/3.1 and websocket`,
      );
  }
}

/** The first of the client's that is known: it names them in the order of its preference. */
function choose(offered: readonly string[], accepted: readonly string[]): string {
  const found = offered.find((name) => accepted.includes(name));
  if (found !== undefined) return found;
  throw new ApiError(
    403,
    'Forbidden',
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${accepted.join(' ')}]`,
  );
}

function list(header: string | string[] | undefined): readonly string[] {
  return [header ?? []]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
