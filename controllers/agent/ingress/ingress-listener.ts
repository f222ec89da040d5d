// One port of this node, of whatever kind: what listens, and what becomes of what comes in.
import type { Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Certificate } from './certificate.ts';
import type { Route } from './entry.ts';
import { HostTable } from './host-table.ts';
import { HTTPFront } from './http-front.ts';
import type { ConnectionProtocol, IngressMetrics } from './metrics.ts';
import type { ListenerPlan } from './plan-listeners.ts';
import { SocketServer } from './socket-server.ts';
import { StreamForwarder } from './stream-forwarder.ts';
import { TLSSwitch } from './tls-switch.ts';
import { UDPListener } from './udp-listener.ts';
import type { Upstreams } from './upstreams.ts';

export interface IngressListenerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: IngressMetrics;
  readonly address: string;
  readonly upstreams: Upstreams;
  readonly certificate: (route: Route) => Certificate | undefined;
}

/** On one port, TLS handshakes included. */
const MAXIMUM_CONNECTIONS = 10_000;
const PROTOCOLS = { tcp: 'TCP', http: 'HTTP', tls: 'TLS' } as const satisfies Readonly<
  Record<string, ConnectionProtocol>
>;

export class IngressListener {
  readonly kind: ListenerPlan['kind'];
  readonly #forwarder: StreamForwarder;
  readonly #front: HTTPFront | undefined;
  readonly #server: SocketServer | UDPListener;
  #routes: HostTable;
  #passthrough: HostTable;
  #redirects: HostTable;

  constructor(plan: ListenerPlan, options: IngressListenerOptions) {
    const { clock, upstreams, metrics, address } = options;
    this.kind = plan.kind;
    this.#routes = new HostTable(plan.routes);
    this.#passthrough = new HostTable(plan.passthrough);
    this.#redirects = new HostTable(plan.redirects);
    this.#forwarder = new StreamForwarder({ clock, upstreams, metrics });
    const first = (): Route | undefined => this.#routes.find('');
    if (plan.kind === 'udp') {
      const { port } = plan;
      this.#server = new UDPListener({ address, port, clock, upstreams, metrics, route: first });
      return;
    }
    const find = (host: string, path: string): Route | undefined =>
      this.#routes.find(host, path) ?? this.#redirects.find(host, path);
    if (plan.kind !== 'tcp') this.#front = new HTTPFront({ ...options, find });
    const protocol = PROTOCOLS[plan.kind];
    this.#server = new SocketServer({
      address,
      port: plan.port,
      maximumConnections: MAXIMUM_CONNECTIONS,
      accept: this.#acceptor(plan.kind, options, first),
      counted: (change) => metrics.connections(protocol, change),
      dropped: () => metrics.dropped(protocol),
    });
  }

  /** The port it listens on. */
  get port(): number {
    return this.#server.port;
  }

  /** Rejects with the system's error when the port cannot be had. */
  listen(): Promise<void> {
    return this.#server.listen();
  }

  update(plan: ListenerPlan): void {
    this.#routes = new HostTable(plan.routes);
    this.#passthrough = new HostTable(plan.passthrough);
    this.#redirects = new HostTable(plan.redirects);
  }

  drain(podUID: string, limitMs: number): Promise<void> {
    return this.#forwarder.drain(podUID, limitMs);
  }

  /** Nothing holds on to instances other than these for longer than it must. */
  release(ready: ReadonlySet<string>): void {
    this.#forwarder.release(ready);
    if (this.#server instanceof UDPListener) this.#server.release(ready);
  }

  /** Gives the port back; what is open goes on, and ends as soon as it is complete. */
  refuse(): void {
    this.#forwarder.refuse();
    this.#front?.refuse();
    if (this.#server instanceof UDPListener) this.#server.close();
    else this.#server.refuse();
  }

  /** Answers what is under way for up to `graceMs`, then cuts what is open. */
  async close(graceMs: number): Promise<void> {
    this.refuse();
    if (graceMs > 0) await this.#front?.idle(graceMs);
    this.#front?.close();
    this.#forwarder.close();
    if (this.#server instanceof SocketServer) await this.#server.close();
  }

  #acceptor(
    kind: 'tcp' | 'http' | 'tls',
    { clock, certificate }: IngressListenerOptions,
    first: () => Route | undefined,
  ): (socket: Socket) => void {
    const front = this.#front;
    if (kind === 'tcp' || front === undefined)
      return (socket) => this.#forwarder.accept(socket, first);
    if (kind === 'http') return (socket) => front.accept(socket);
    const tls = new TLSSwitch({
      clock,
      front,
      forwarder: this.#forwarder,
      passthrough: () => this.#passthrough,
      certificateFor: (name) => {
        const route = this.#routes.certified(name);
        return route === undefined ? undefined : certificate(route);
      },
    });
    return (socket) => tls.accept(socket);
  }
}
