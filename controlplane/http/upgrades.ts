// Upgrade requests (WebSocket). Only node tunnels and their sessions are upgraded; everything else is answered with a
// Status and closed. Authenticated and authorized like any other request.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { ApiError, badRequest, internalError, unknownPath } from '../api/errors.ts';
import type { Authenticator, PeerSocket } from '../identity/authenticate.ts';
import { forbiddenError } from '../identity/authorizer.ts';
import type { Attributes } from '../identity/authorizer.ts';
import { nodeNameOf } from '../identity/node-authorizer.ts';
import type { UserInfo } from '../api/user.ts';

import { answerRaw } from './raw-answer.ts';
import { parseRequestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { Services } from './services.ts';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function upgradeListener(services: Services, authenticator: Authenticator): UpgradeListener {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    try {
      upgrade(services, authenticator, request, socket, head);
    } catch (error) {
      refuse(services, socket, error);
    }
  };
}

function upgrade(
  services: Services,
  authenticator: Authenticator,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const info = parseInfo(request);
  const user = authenticator.authenticate(
    socket as unknown as PeerSocket,
    request.headers.authorization,
  );
  if (user instanceof ApiError) throw user;
  const attributes = attributesOf(info, user);
  const decision = services.authorizer.authorize(attributes);
  if (!decision.allowed) throw forbiddenError(attributes, decision.reason);

  const [root, version, collection, name = '', tail, ...more] = info.path.split('/').slice(1);
  if (root !== 'windlass' || version !== 'v1' || more.length > 0) {
    throw info.isResourceRequest
      ? badRequest('this resource cannot be upgraded to a WebSocket')
      : unknownPath();
  }
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw badRequest(
      `cannot upgrade to ${JSON.stringify(request.headers.upgrade)}: only websocket`,
    );
  }
  if (collection === 'nodes' && tail === 'tunnel') {
    services.tunnels.acceptTunnel(decodeURIComponent(name), request, socket, head);
  } else if (collection === 'sessions' && tail === undefined) {
    // Not even an administrator takes a session that a node was asked for.
    if (!services.tunnels.isExpected(nodeNameOf(user) ?? '', name)) throw unknownPath();
    services.tunnels.acceptSession(name, request, socket, head);
  } else throw unknownPath();
}

function parseInfo(request: IncomingMessage): RequestInfo {
  try {
    return parseRequestInfo(request.method ?? 'GET', request.url ?? '/');
  } catch (error) {
    throw badRequest('the path is not valid percent-encoding', error);
  }
}

function attributesOf(info: RequestInfo, user: UserInfo): Attributes {
  return { ...info, user, fieldSelector: info.query.get('fieldSelector') ?? '' };
}

function refuse(services: Services, socket: Duplex, thrown: unknown): void {
  if (!(thrown instanceof ApiError)) {
    services.logger.error('Upgrade failed unexpectedly', { error: thrown });
  }
  answerRaw(
    socket,
    thrown instanceof ApiError ? thrown : internalError('see the server log for the cause'),
    services.clock,
  );
}
