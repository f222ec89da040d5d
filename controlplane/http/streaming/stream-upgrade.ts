// Upgrade requests to pods/exec, attach and portforward. What can be refused is refused with a Status before the upgrade: an unknown
// Pod or container, a protocol that is not ours, a node that is not there or says no. Only then the connection changes its protocol.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { createWebSocketStream } from 'ws';

import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';

import { methodNotAllowed } from '../../api/errors.ts';
import type { ResourceDefinition } from '../../api/resource.ts';

import { hasNode, podTarget } from '../pod-target.ts';
import type { RequestInfo } from '../request-info.ts';
import type { Services } from '../services.ts';
import { commandOptions, forwardedPorts } from './command-options.ts';
import type { CommandOptions } from './command-options.ts';
import { endWhenIdle } from './idle.ts';
import { negotiateProtocol, TUNNELLED_SPDY } from './protocols.ts';
import type { Protocol } from './protocols.ts';
import { runRemoteCommand } from './remote-command.ts';
import { acceptSpdyCommand } from './spdy-command.ts';
import { serveSpdyPortForward } from './spdy-port-forward.ts';
import { checkWebSocket, upgradeWebSocket } from './web-socket-upgrade.ts';
import { acceptWebSocketCommand } from './websocket-command.ts';
import { serveWebSocketPortForward } from './websocket-port-forward.ts';

/** As upstream: a client may send this much in one message. */
const MESSAGE_LIMIT_BYTES = 32 * 1024 * 1024;
const STREAMS = ['exec', 'attach', 'portforward'] as const;
type Stream = (typeof STREAMS)[number];

export interface UpgradeInput {
  readonly info: RequestInfo;
  readonly definition: ResourceDefinition;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Whether this subresource of a Pod is a stream at all. */
export function isStream({ group, resource, subresource }: RequestInfo): boolean {
  return group === '' && resource === 'pods' && STREAMS.some((name) => name === subresource);
}

/**
 * Resolves when the stream is over.
 *
 * @param onUpgrade called when nothing can be refused any more
 * @throws ApiError what the client is to be told instead of the upgrade; only before `onUpgrade`
 */
export async function serveStream(
  services: Services,
  input: UpgradeInput,
  onUpgrade: () => void,
): Promise<void> {
  const { info, definition, request, socket } = input;
  const stream = info.subresource as Stream;
  if (request.method !== 'GET' && request.method !== 'POST') throw methodNotAllowed(definition);
  const isForward = stream === 'portforward';
  const asked = isForward ? undefined : (info.query.get('container') ?? '');
  const target = podTarget(services, definition, info, asked);
  const options = isForward ? undefined : commandOptions(info.query, stream);
  const protocol = negotiateProtocol(request.headers, stream);
  const ports = isForward && needsPorts(protocol) ? forwardedPorts(info.query) : [];
  const { node, namespace, pod, uid, container } = hasNode(target);
  if (protocol.transport === 'websocket') checkWebSocket(request);

  const left = new AbortController();
  const leave = (): void => left.abort(new Error('the client closed the connection'));
  socket.once('close', leave);
  const session = await services.tunnels.open(
    node,
    { stream, namespace, pod, uid, container, options: { ...options } },
    left.signal,
  );
  try {
    await session.accepted();
    socket.off('close', leave);
    if (left.signal.aborted) return;
    onUpgrade();
    const multiplexer = session.multiplex();
    const stopIdle = endWhenIdle(multiplexer, services.clock);
    try {
      if (options === undefined) await forward(services, input, protocol, ports, multiplexer);
      else await command(services, input, protocol, options, multiplexer);
    } finally {
      stopIdle();
    }
  } finally {
    session.close();
  }
}

async function command(
  { clock }: Services,
  { request, socket, head }: UpgradeInput,
  protocol: Protocol,
  options: CommandOptions,
  node: Multiplexer,
): Promise<void> {
  if (protocol.transport === 'websocket') {
    const webSocket = await upgradeWebSocket(
      { request, socket, head },
      { protocol: protocol.name, maxPayload: MESSAGE_LIMIT_BYTES },
    );
    const client = acceptWebSocketCommand(webSocket, protocol.name, options, clock);
    await runRemoteCommand(client, node, options, clock);
    return;
  }
  switchToSpdy(socket, protocol.name);
  const accepted = acceptSpdyCommand({ socket, head, protocol: protocol.name, options, clock });
  await runRemoteCommand(await accepted, node, options, clock);
}

async function forward(
  { clock }: Services,
  { request, socket, head }: UpgradeInput,
  protocol: Protocol,
  ports: readonly number[],
  node: Multiplexer,
): Promise<void> {
  if (protocol.transport === 'spdy') {
    switchToSpdy(socket, protocol.name);
    await serveSpdyPortForward(socket, head, node, clock);
    return;
  }
  const webSocket = await upgradeWebSocket(
    { request, socket, head },
    { protocol: protocol.name, maxPayload: MESSAGE_LIMIT_BYTES },
  );
  if (needsPorts(protocol)) {
    await serveWebSocketPortForward(webSocket, protocol.name, ports, node, clock);
    return;
  }
  const tunnelled = createWebSocketStream(webSocket);
  tunnelled.on('error', () => webSocket.terminate());
  await serveSpdyPortForward(tunnelled, Buffer.alloc(0), node, clock);
}

/** Without SPDY inside, the ports are in the query. */
function needsPorts({ transport, name }: Protocol): boolean {
  return transport === 'websocket' && name !== TUNNELLED_SPDY;
}

function switchToSpdy(socket: Duplex, protocol: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
}
