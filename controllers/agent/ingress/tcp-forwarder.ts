// One TCP forwarder per ingress entry of the Services: 127.0.0.1:<port> → a ready instance, round robin, the next one when it does not
// answer. An instance on its way out gets no new connections, and those it has are finished or moved before it stops, so that
// replacing instances costs no request. A client that comes while no instance is ready waits a moment for one.
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { IngressConnection } from './tcp-connection.ts';
import type { Upstream } from './tcp-connection.ts';

export interface IngressTarget {
  readonly podUID: string;
  /** Rejects when it does not answer. */
  readonly connect: (timeoutMs: number) => Promise<Socket>;
}

export interface ForwarderOptions {
  readonly port: number;
  readonly clock: Clock;
  /** Ready instances, asked for each new connection. */
  readonly targets: () => readonly IngressTarget[];
}

const CONNECT_TIMEOUT_MS = 2_000;
/** How long a client waits for an instance to become ready. */
const HOLD_MS = 1_000;
const HOLD_INTERVAL_MS = 50;

export class IngressForwarder {
  readonly #options: ForwarderOptions;
  readonly #connections = new Set<IngressConnection>();
  readonly #server: Server;
  #next = 0;
  #refused: Promise<void> | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    // Half-open: a client that has sent all may still wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
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

  /** Resolves when the Pod has nothing to do here any more, or after the limit. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    const open = [...this.#connections].filter((connection) => connection.podUID === podUID);
    await Promise.all(open.map((connection) => connection.drain(limitMs)));
  }

  /** Takes no new connections; those that are open go on. */
  refuse(): void {
    this.#refused ??= new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Cuts what is open, and gives the port back. */
  async close(): Promise<void> {
    this.refuse();
    for (const connection of this.#connections) connection.destroy();
    await this.#refused;
  }

  #accept(client: Socket): void {
    const { clock } = this.#options;
    const dial = (wanted: () => boolean): Promise<Upstream | undefined> => this.#dial(wanted);
    const connection = new IngressConnection({ client, clock, dial });
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  async #dial(wanted: () => boolean): Promise<Upstream | undefined> {
    const { clock, targets } = this.#options;
    const deadline = clock.monotonic() + HOLD_MS;
    while (wanted()) {
      const ready = targets();
      const first = this.#next++;
      for (let index = 0; index < ready.length; index += 1) {
        const target = ready[(first + index) % ready.length];
        if (target === undefined) break;
        const socket = await target.connect(CONNECT_TIMEOUT_MS).catch(() => undefined);
        if (socket === undefined) continue;
        // It may have begun to drain meanwhile; then it must not get anything more.
        if (targets().some(({ podUID }) => podUID === target.podUID)) {
          return { podUID: target.podUID, socket };
        }
        socket.destroy();
      }
      if (this.#refused !== undefined || clock.monotonic() >= deadline) return undefined;
      await sleep(clock, HOLD_INTERVAL_MS);
    }
    return undefined;
  }
}
