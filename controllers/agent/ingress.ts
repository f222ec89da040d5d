// One TCP forwarder per ingress entry of the Services with instances here: 127.0.0.1:<port> → a ready instance, round robin, the next
// one when it does not answer. An instance on its way out gets no new connections. Those it has may finish: idle ones are closed
// cleanly, and an HTTP/1.1 response that passes meanwhile gets `Connection: close`, so that a client which keeps its
// connection busy moves on by itself instead of meeting a dead socket.
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Endpoint } from '../runtimes/runtime.ts';
import { IngressConnection } from './ingress-connection.ts';

export interface IngressTarget {
  readonly podUID: string;
  readonly endpoint: Endpoint;
}

export interface ForwarderOptions {
  readonly port: number;
  readonly clock: Clock;
  /** Ready instances, asked for each new connection. */
  readonly targets: () => readonly IngressTarget[];
}

const CONNECT_TIMEOUT_MS = 2_000;

export class IngressForwarder {
  readonly #options: ForwarderOptions;
  readonly #connections = new Set<IngressConnection>();
  readonly #server: Server;
  #next = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    // Half-open: a client that has sent all may still wait for the answer.
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true },
      (client) => void this.#accept(client),
    );
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES) when the port cannot be had. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port: this.#options.port, host: '127.0.0.1' }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Resolves when the Pod has no connections left here, or after the limit. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    const open = [...this.#connections].filter((connection) => connection.podUID === podUID);
    await Promise.all(open.map((connection) => connection.drain(limitMs)));
  }

  close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #accept(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    const targets = this.#options.targets();
    const first = this.#next++;
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[(first + index) % targets.length];
      if (target === undefined) break;
      const upstream = await dial(target.endpoint);
      if (upstream === undefined) continue;
      if (client.destroyed) {
        upstream.destroy();
        return;
      }
      const connection = new IngressConnection(
        target.podUID,
        client,
        upstream,
        this.#options.clock,
      );
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      return;
    }
    client.destroy();
  }
}

function dial(endpoint: Endpoint): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
    const fail = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
