// What other agents find here: an announcement of the instances that are ready on this machine, and connections to their ports. Only
// nodes of the cluster get in, only to what is ready now and to declared ports.
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { ServiceInstance } from '../endpoints.ts';
import { AnnouncementStream } from './announcement-stream.ts';
import { readLine } from './lines.ts';
import { ACCEPTED, encode, parseOpening } from './messages.ts';
import type { Opening } from './messages.ts';
import { discard } from './peer-dial.ts';
import { nodeOf, PEER_PROTOCOL } from './peer-identity.ts';
import type { PeerCredentials } from './peer-identity.ts';
import type { PeerMetrics } from './peer-metrics.ts';
import { join } from './join.ts';

export interface PeerServerOptions {
  readonly credentials: PeerCredentials;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PeerMetrics;
  /** Those of this machine that are ready. */
  readonly ready: () => Iterable<ServiceInstance>;
  readonly find: (podUID: string) => ServiceInstance | undefined;
  /** Whether others may connect to that port of the instance. */
  readonly offers: (instance: ServiceInstance, port: number | string) => boolean;
  /** Whether there is a Node of that name. */
  readonly isKnown: (node: string) => boolean;
}

const HANDSHAKE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
const KEEP_ALIVE_MS = 5_000;
const MOST_CONNECTIONS = 16_384;

export class PeerServer {
  readonly #options: PeerServerOptions;
  readonly #server: Server;
  /** Also those that have not proved anything yet. */
  readonly #sockets = new Set<Socket>();
  readonly #links = new Set<AnnouncementStream>();
  /** Connections to each instance, by its podUID. */
  readonly #forwarded = new Map<string, Set<TLSSocket>>();

  constructor(options: PeerServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        ...options.credentials,
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      },
      (socket) => void this.#accept(socket),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', (error, socket) => {
      const { remoteAddress = 'somebody' } = socket;
      options.metrics.connections.inc({ direction: 'in', result: 'refused' });
      options.logger.debug('Refused a peer', { from: remoteAddress, error });
    });
  }

  /** @returns the port. Rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL) when it cannot be had */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => {
          this.#options.logger.warn('The port for other agents has trouble', { error });
        });
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Tells all links what is different now. */
  announce(): void {
    const ready = [...this.#options.ready()];
    for (const link of this.#links) link.announce(ready);
  }

  /** Has the other agents let go of an instance. Resolves when they have; what is left after the limit is cut. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    for (const link of this.#links) link.drain(podUID, limitMs);
    const open = this.#forwarded.get(podUID);
    if (open === undefined) return;
    const cancel = this.#options.clock.schedule(limitMs, () => {
      for (const socket of open) socket.destroy();
    });
    await Promise.all([...open].map((socket) => new Promise((done) => socket.once('close', done))));
    cancel();
  }

  /** Takes no new connections; those that are open go on. */
  refuse(): void {
    this.#server.close();
  }

  /** Cuts what is open. */
  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.once('close', done));
    const isOpen = this.#server.listening || this.#sockets.size > 0;
    this.refuse();
    for (const socket of this.#sockets) socket.destroy();
    if (isOpen) await closed;
  }

  async #accept(socket: TLSSocket): Promise<void> {
    const { clock, metrics, logger } = this.#options;
    socket.on('error', () => socket.destroy());
    const limit = new AbortController();
    const cancel = clock.schedule(HANDSHAKE_TIMEOUT_MS, () =>
      limit.abort(new Error('it did not say what it wants')),
    );
    try {
      const node = this.#nodeAt(socket);
      const opening = parseOpening(await readLine(socket, limit.signal));
      if (opening === undefined) throw new Error(`node ${node} asks for something unknown`);
      if (opening.open === 'link') this.#link(socket);
      else await this.#forward(socket, opening);
    } catch (error) {
      metrics.connections.inc({ direction: 'in', result: 'refused' });
      logger.debug('Refused a peer', { from: socket.remoteAddress, error });
      discard(socket);
    } finally {
      cancel();
    }
  }

  /** @throws Error when it is no node of the cluster */
  #nodeAt(socket: TLSSocket): string {
    if (socket.alpnProtocol !== PEER_PROTOCOL) throw new Error('it speaks another protocol');
    const node = socket.authorized ? nodeOf(socket.getPeerCertificate()) : undefined;
    if (node === undefined) throw new Error('its certificate is not that of a node');
    if (!this.#options.isKnown(node)) throw new Error(`there is no node ${node}`);
    return node;
  }

  #link(socket: TLSSocket): void {
    const link = new AnnouncementStream(socket, this.#options.clock);
    this.#links.add(link);
    socket.once('close', () => this.#links.delete(link));
    link.announce([...this.#options.ready()]);
    link.complete();
  }

  async #forward(socket: TLSSocket, opening: Opening & { open: 'connect' }): Promise<void> {
    const { metrics, find, offers } = this.#options;
    const { podUID, port } = opening;
    const instance = find(podUID);
    if (instance === undefined) return refuse(socket, 'it is not ready');
    if (!offers(instance, port)) return refuse(socket, `it declares no port ${port}`);
    const upstream = await instance.connect(port, CONNECT_TIMEOUT_MS).catch(() => undefined);
    if (upstream === undefined) return refuse(socket, 'it does not answer');
    // It may have begun to drain meanwhile; then it must not get anything more.
    if (find(podUID) === undefined || socket.destroyed) {
      upstream.destroy();
      return refuse(socket, 'it is not ready any more');
    }
    const open = this.#forwarded.get(podUID) ?? new Set();
    this.#forwarded.set(podUID, open.add(socket));
    metrics.connections.inc({ direction: 'in', result: 'ok' });
    metrics.open.inc();
    socket.once('close', () => {
      metrics.open.dec();
      open.delete(socket);
      if (open.size === 0) this.#forwarded.delete(podUID);
    });
    socket.write(encode(ACCEPTED));
    join(socket, upstream);
  }
}

function refuse(socket: TLSSocket, message: string): void {
  socket.end(encode({ status: 'refused', message }), () => socket.destroy());
}
