// Forwards datagrams: each client address has a session with one instance, until nothing has passed for a while, the instance is to
// stop, or too many others have come since.
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Clock } from '#platform/clock.ts';
import type { Route } from './entry.ts';
import type { IngressMetrics } from './metrics.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface UDPListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  readonly upstreams: Upstreams;
  readonly metrics: IngressMetrics;
  readonly route: () => Route | undefined;
}

const IDLE_MS = 60_000;
const SWEEP_MS = 10_000;
const MOST_SESSIONS = 4_096;
const MOST_WAITING = 64;

interface Session {
  readonly upstream: Upstream;
  readonly socket: Socket;
  /** On the monotonic clock. */
  lastAt: number;
  /** Until it is connected: what waits for that. */
  waiting: Buffer[] | undefined;
}

export class UDPListener {
  readonly #options: UDPListenerOptions;
  readonly #socket: Socket;
  /** By `address port`, the one that was quiet the longest first. */
  readonly #sessions = new Map<string, Session>();
  #cancelSweep = (): void => undefined;
  #isClosed = false;

  constructor(options: UDPListenerOptions) {
    this.#options = options;
    this.#socket = createSocket(options.address.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('message', (message, from) => this.#fromClient(message, from));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Rejects with the system's error when the port cannot be had. */
  listen(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind({ address, port, exclusive: true }, () => {
        this.#socket.off('error', reject);
        // A datagram that could not be delivered is lost, as datagrams may be.
        this.#socket.on('error', () => undefined);
        this.#sweep();
        resolve();
      });
    });
  }

  /** Ends the sessions with instances that nobody leads to any more: the next datagram begins another one. */
  release(ready: ReadonlySet<string>): void {
    for (const [key, session] of this.#sessions)
      if (!ready.has(session.upstream.instance.podUID)) this.#end(key, session);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSweep();
    for (const [key, session] of this.#sessions) this.#end(key, session);
    this.#socket.close();
  }

  #fromClient(message: Buffer, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const session = this.#sessions.get(key) ?? this.#begin(key, from);
    if (session === undefined) return;
    this.#touch(key, session);
    if (session.waiting === undefined) session.socket.send(message);
    else if (session.waiting.length < MOST_WAITING) session.waiting.push(message);
  }

  #begin(key: string, from: RemoteInfo): Session | undefined {
    const { upstreams, metrics, clock, route: routeOf } = this.#options;
    const route = routeOf();
    if (route === undefined) return undefined;
    const upstream = upstreams.choose(route, new Set());
    const endpoint = upstream?.instance.address(route.targetPort);
    if (upstream === undefined || endpoint === undefined) {
      metrics.failed(route, 'unavailable');
      return undefined;
    }
    const [oldest] = this.#sessions;
    if (oldest !== undefined && this.#sessions.size >= MOST_SESSIONS) this.#end(...oldest);
    const socket = createSocket(endpoint.host.includes(':') ? 'udp6' : 'udp4');
    const session: Session = { upstream, socket, lastAt: clock.monotonic(), waiting: [] };
    this.#sessions.set(key, session);
    upstream.begin(true);
    metrics.connections('UDP', 1);
    socket.on('message', (answer) => {
      if (this.#sessions.get(key) !== session) return;
      this.#touch(key, session);
      this.#socket.send(answer, from.port, from.address);
    });
    socket.on('error', () => {
      // Refused: nobody listens there. The next datagram may find another instance.
      upstreams.failed(upstream);
      metrics.failed(route, 'connect');
      this.#end(key, session);
    });
    socket.connect(endpoint.port, endpoint.host, () => {
      if (this.#sessions.get(key) !== session) return;
      for (const message of session.waiting ?? []) socket.send(message);
      session.waiting = undefined;
    });
    return session;
  }

  #touch(key: string, session: Session): void {
    session.lastAt = this.#options.clock.monotonic();
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }

  #end(key: string, session: Session): void {
    if (this.#sessions.get(key) !== session) return;
    this.#sessions.delete(key);
    session.upstream.end(true);
    this.#options.metrics.connections('UDP', -1);
    session.socket.close();
  }

  #sweep(): void {
    const { clock } = this.#options;
    const before = clock.monotonic() - IDLE_MS;
    for (const [key, session] of this.#sessions) {
      if (session.lastAt > before) break;
      this.#end(key, session);
    }
    this.#cancelSweep = clock.schedule(SWEEP_MS, () => this.#sweep());
  }
}
