// Opens a connection to another node's agent, and makes sure that it is that node which answers.
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Clock } from '#platform/clock.ts';
import { jsonFields } from '#platform/json-fields.ts';
import { readLine } from './lines.ts';
import { ACCEPTED, encode } from './messages.ts';
import type { Opening } from './messages.ts';
import { nodeOf, PEER_PROTOCOL } from './peer-identity.ts';
import type { PeerCredentials } from './peer-identity.ts';

/** Where the agent of a node listens for others. */
export interface PeerAddress {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  readonly credentials: PeerCredentials;
  readonly clock: Clock;
}

/** A dead machine is noticed on connections that are idle, too. */
const KEEP_ALIVE_MS = 5_000;

/** The connection with the opening sent. @throws Error when it is not that node, or takes longer than `timeoutMs` */
export async function openPeer(
  { node, host, port }: PeerAddress,
  opening: Opening,
  { credentials }: DialOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  // The types lack allowHalfOpen, which tls.connect hands on to the socket.
  const settings: ConnectionOptions & { readonly allowHalfOpen: true } = {
    ...credentials,
    host,
    port,
    allowHalfOpen: true,
    checkServerIdentity: (_host, certificate) => {
      const found = nodeOf(certificate);
      return found === node
        ? undefined
        : new Error(
            `${host}:${port} is ${found === undefined ? 'no node' : `node ${found}`}, not node ${node}`,
          );
    },
  };
  const socket = connect(settings);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  try {
    await secured(socket, signal);
    if (socket.alpnProtocol !== PEER_PROTOCOL)
      throw new Error(`${host}:${port} does not speak ${PEER_PROTOCOL}`);
    socket.write(encode(opening));
    return socket;
  } catch (error) {
    discard(socket);
    throw error;
  }
}

function secured(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', finish).off('close', onClose).off('secureConnect', onSecure);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onSecure = (): void => finish();
    const onAbort = (): void => finish(signal.reason as Error);
    const onClose = (): void => finish(new Error('it closed the connection'));
    socket.once('error', finish).once('close', onClose).once('secureConnect', onSecure);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** A connection to a port of one of its ready instances. @throws Error when there is none to be had; nothing has been sent then */
export async function connectThrough(
  address: PeerAddress,
  podUID: string,
  port: number | string,
  timeoutMs: number,
  options: DialOptions,
): Promise<TLSSocket> {
  const limit = new AbortController();
  const cancel = options.clock.schedule(timeoutMs, () =>
    limit.abort(new Error(`no answer of node ${address.node} within ${timeoutMs} ms`)),
  );
  let socket: TLSSocket | undefined;
  try {
    socket = await openPeer(address, { open: 'connect', podUID, port }, options, limit.signal);
    const answer = jsonFields(await readLine(socket, limit.signal));
    if (answer?.['status'] === ACCEPTED.status) return socket;
    throw new Error(`node ${address.node} refused: ${String(answer?.['message'])}`);
  } catch (error) {
    if (socket !== undefined) discard(socket);
    throw error;
  } finally {
    cancel();
  }
}

/** What else it says before it is closed is nobody's business. */
export function discard(socket: TLSSocket): void {
  socket.on('error', () => undefined);
  socket.destroy();
}
