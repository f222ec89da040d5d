// The server's side of node tunnels: agents dial out and keep one WebSocket open; for each session the server asks over
// it and the agent dials back one more. Machines behind NAT need no open port, and who may ask is decided before we ask.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocket, WebSocketServer } from 'ws';

import { ApiError, serviceUnavailable } from '../api/errors.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';

import type { ImageSessionRequest } from './image-session.ts';
import { TunnelSession } from './tunnel-session.ts';
import type { UsageSessionRequest } from './usage/node-usage.ts';

const SUBPROTOCOL = 'tunnel.windlass.dev.v1';
const PING_INTERVAL_MS = 20_000;
const DIAL_TIMEOUT_MS = 10_000;
const MESSAGE_LIMIT_BYTES = 1024 * 1024;

/** More sessions at once would be a mistake of some program, and cost the node a process each. */
const MAXIMUM_SESSIONS = 512;

/** What a session carries. */
export interface SessionRequest {
  readonly stream: 'log' | 'exec' | 'attach' | 'portforward';
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** '' for portforward. */
  readonly container: string;
  readonly options: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly node: string;
  readonly resolve: (session: TunnelSession) => void;
  readonly reject: (error: Error) => void;
}

export class NodeTunnels {
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #logger: Logger;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_LIMIT_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #tunnels = new Map<string, WebSocket>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #sessions = new Map<TunnelSession, string>();

  constructor(options: { readonly clock: Clock; readonly ids: IdSource; readonly logger: Logger }) {
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#logger = options.logger;
  }

  /** True while the node's agent is connected. */
  isConnected(node: string): boolean {
    return this.#tunnels.has(node);
  }

  /** Takes a node's tunnel; one that is already open is replaced (the agent has come back before we noticed its loss). */
  acceptTunnel(node: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (tunnel) => {
      this.#tunnels.get(node)?.terminate();
      this.#tunnels.set(node, tunnel);
      this.#logger.info('Node tunnel opened', { node });
      this.#keepAlive(tunnel);
      tunnel.on('error', (error) => this.#logger.debug('Node tunnel failed', { node, error }));
      tunnel.on('close', () => {
        if (this.#tunnels.get(node) !== tunnel) return;
        this.#tunnels.delete(node);
        this.#logger.info('Node tunnel closed', { node });
      });
    });
  }

  /** Whether this session was asked of this node and waits to be dialled. */
  isExpected(node: string, session: string): boolean {
    return this.#waiting.get(session)?.node === node;
  }

  acceptSession(id: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) {
        webSocket.close(1008, 'the session is no longer wanted');
        return;
      }
      this.#waiting.delete(id);
      const session = new TunnelSession(webSocket, socket);
      this.#sessions.set(session, waiting.node);
      webSocket.on('close', () => this.#sessions.delete(session));
      waiting.resolve(session);
    });
  }

  /**
   * Asks the node for a session and waits until the agent has dialled it.
   *
   * @throws ApiError ServiceUnavailable when the node has no tunnel, TooManyRequests when it has too many sessions, Timeout when it
   *   does not dial within ten seconds; the signal's reason when it aborts
   */
  open(
    node: string,
    request: SessionRequest | ImageSessionRequest | UsageSessionRequest,
    signal: AbortSignal,
  ): Promise<TunnelSession> {
    const tunnel = this.#tunnels.get(node);
    if (tunnel === undefined || tunnel.readyState !== WebSocket.OPEN) {
      throw serviceUnavailable(
        `node "${node}" is not connected: its agent has no tunnel to this server`,
      );
    }
    this.#checkBound(node);
    const id = this.#ids.hex(32);
    return new Promise<TunnelSession>((resolve, reject) => {
      const settle = (): void => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(id);
      };
      const fail = (error: Error): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => fail(signal.reason as Error);
      const cancel = this.#clock.schedule(DIAL_TIMEOUT_MS, () =>
        fail(
          new ApiError(
            504,
            'Timeout',
            `Timeout: node "${node}" did not open the ${request.stream} session within ${DIAL_TIMEOUT_MS / 1000}s`,
          ),
        ),
      );
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(id, {
        node,
        resolve: (session) => {
          settle();
          resolve(session);
        },
        reject: fail,
      });
      if (signal.aborted) onAbort();
      else tunnel.send(JSON.stringify({ type: 'open', session: id, ...request }));
    });
  }

  /** Ends all sessions and tunnels. */
  close(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(serviceUnavailable('the server is shutting down'));
    }
    for (const session of this.#sessions.keys()) session.close();
    for (const tunnel of this.#tunnels.values()) tunnel.close(1001, 'the server is shutting down');
    this.#tunnels.clear();
  }

  #checkBound(node: string): void {
    const open = [...this.#sessions.values()].filter((of) => of === node).length;
    const asked = [...this.#waiting.values()].filter((waiting) => waiting.node === node).length;
    if (open + asked < MAXIMUM_SESSIONS) return;
    throw new ApiError(
      429,
      'TooManyRequests',
      `node "${node}" has ${MAXIMUM_SESSIONS} open sessions (logs, exec, attach, port-forward); end some of them`,
      { details: { retryAfterSeconds: 10 } },
    );
  }

  /** Pings; a tunnel that has not answered by the next ping is dead (a cable pulled, a machine asleep). */
  #keepAlive(tunnel: WebSocket): void {
    let isAlive = true;
    tunnel.on('pong', () => {
      isAlive = true;
    });
    const beat = (): void => {
      if (!isAlive) {
        tunnel.terminate();
        return;
      }
      isAlive = false;
      tunnel.ping();
      cancel = this.#clock.schedule(PING_INTERVAL_MS, beat);
    };
    let cancel = this.#clock.schedule(PING_INTERVAL_MS, beat);
    tunnel.on('close', () => cancel());
  }
}
