// Upgrade requests (WebSocket and SPDY). Node tunnels and their sessions, and streams of Pods are upgraded; everything else is
// answered with a Status and closed. Authenticated, authorized and counted like any other request.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import {
  ApiError,
  badRequest,
  internalError,
  methodNotAllowed,
  unknownPath,
} from '../api/errors.ts';
import { checkPathSegment } from '../api/names.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import { nodeNameOf } from '../identity/node-authorizer.ts';
import type { UserInfo } from '../api/user.ts';

import { admitConnect, streamOptions } from './admit-connect.ts';
import type { Audit } from './audit/auditor.ts';
import { attributesOf } from './filters.ts';
import type { MeasuredRequest } from './metrics.ts';
import { identify } from './identify.ts';
import { permit } from './permit.ts';
import { answerRaw } from './raw-answer.ts';
import { parseRequestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import type { Services } from './services.ts';
import { isInScope } from './scope.ts';
import { isStream, serveStream } from './streaming/stream-upgrade.ts';
import { serveWatchUpgrade } from './watch-upgrade.ts';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const KEEP_ALIVE_MS = 30_000;

export function upgradeListener(services: Services, authenticator: Authenticator): UpgradeListener {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    // A client whose machine is gone says nothing any more.
    (socket as TLSSocket).setKeepAlive(true, KEEP_ALIVE_MS);
    void upgrade(services, authenticator, { request, socket, head }).catch((error: unknown) => {
      refuse(services, socket, error);
    });
  };
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Absent when nobody wants it written down. */
  readonly audit?: Audit | undefined;
}

async function upgrade(
  services: Services,
  authenticator: Authenticator,
  { request, socket, head }: Upgrade,
): Promise<void> {
  const info = parseInfo(request);
  let actor: UserInfo | undefined;
  const user = await identify(services, authenticator, request, (found) => {
    actor = found;
  });
  const auditId = services.ids.uuid();
  const audit = services.auditor?.begin({ auditId, request, info, user, actor });
  try {
    await upgradePermitted(services, info, user, { request, socket, head, audit });
  } catch (error) {
    if (error instanceof ApiError) audit?.failed(error.toStatus());
    audit?.responseComplete(error instanceof ApiError ? error.code : 500);
    throw error;
  }
}

async function upgradePermitted(
  services: Services,
  info: RequestInfo,
  user: UserInfo,
  { request, socket, head, audit }: Upgrade,
): Promise<void> {
  permit(services, attributesOf({ info, user }), audit);
  if (info.isResourceRequest) {
    await upgradeResource(services, info, user, { request, socket, head, audit });
    return;
  }

  const [root, version, collection, name = '', tail, ...more] = info.path.split('/').slice(1);
  if (root !== 'windlass' || version !== 'v1' || more.length > 0) throw unknownPath();
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
  audit?.responseStarted(101);
}

async function upgradeResource(
  services: Services,
  info: RequestInfo,
  user: UserInfo,
  { request, socket, head, audit }: Upgrade,
): Promise<void> {
  const isWatch = info.verb === 'watch' && info.subresource === '';
  if (!isStream(info) && !isWatch) throw badRequest('this resource cannot be upgraded');
  const definition = services.scheme.byResource(info.group, info.version, info.resource);
  if (definition === undefined) throw unknownPath();
  for (const value of [info.namespace, info.name]) {
    const wrong = checkPathSegment(value);
    if (wrong !== undefined || (value === '' && !isWatch)) {
      throw badRequest(`invalid resource name ${JSON.stringify(value)}: [${wrong ?? 'is empty'}]`);
    }
  }
  if (isWatch) checkWatched(info, definition, request);
  // A WebSocket comes as GET. To run a command is no reading: upstream asks for create too since 1.35.
  if (info.verb === 'get') {
    permit(services, { ...attributesOf({ info, user }), verb: 'create' }, audit);
  }

  const { metrics, clock } = services;
  const response = { headersSent: true, statusCode: 101 };
  const measured: MeasuredRequest & { isLongRunning: boolean } = {
    info,
    definition,
    request,
    response,
    isLongRunning: false,
    isDryRun: false,
    responseBytes: 0,
  };
  const startedAt = clock.monotonic();
  metrics.started(measured);
  try {
    if (!isWatch) await admitConnect(services, info, definition, user, audit, streamOptions(info));
    const onUpgrade = (): void => {
      measured.isLongRunning = true;
      metrics.longRunningStarted(measured);
      audit?.responseStarted(101);
    };
    const input = { info, definition, request, socket, head };
    await (isWatch
      ? serveWatchUpgrade(services, { ...input, measured }, onUpgrade)
      : serveStream(services, input, onUpgrade));
    audit?.responseComplete(101);
  } catch (error) {
    response.statusCode = error instanceof ApiError ? error.code : 500;
    if (!measured.isLongRunning) throw error;
    audit?.responseComplete(101);
    services.logger.debug('A stream ended early', { error });
    socket.destroy();
  } finally {
    metrics.finished(measured, clock.monotonic() - startedAt);
  }
}

/** What the router checks of requests that stay with HTTP. */
function checkWatched(
  info: RequestInfo,
  definition: ResourceDefinition,
  { headers }: IncomingMessage,
): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    throw badRequest(`cannot upgrade to ${JSON.stringify(headers.upgrade)}: only websocket`);
  }
  if (!isInScope(info, definition)) throw unknownPath();
  if (!definition.verbs.includes('watch')) throw methodNotAllowed(definition);
}

function parseInfo(request: IncomingMessage): RequestInfo {
  try {
    return parseRequestInfo(request.method ?? 'GET', request.url ?? '/');
  } catch (error) {
    throw badRequest('the path is not valid percent-encoding', error);
  }
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
