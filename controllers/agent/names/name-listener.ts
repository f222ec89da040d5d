// The ports behind one name on this machine: each leads to a port of a ready instance.
import type { Clock } from '#platform/clock.ts';
import type { EndpointTable } from '../endpoints.ts';
import type { IngressService, Route } from '../ingress/entry.ts';
import { SocketServer } from '../ingress/socket-server.ts';
import { StreamForwarder } from '../ingress/stream-forwarder.ts';
import { Upstreams } from '../ingress/upstreams.ts';
import type { NameMetrics } from './name-metrics.ts';

export interface NameListenerOptions {
  readonly clock: Clock;
  readonly metrics: NameMetrics;
  readonly address: string;
  readonly isKnown: (address: string | undefined) => boolean;
  readonly service: IngressService;
  /** Those that the name leads to. */
  readonly endpoints: Pick<EndpointTable, 'ready'>;
}

const MOST_CONNECTIONS = 10_000;

export class NameListener {
  readonly #options: NameListenerOptions;
  readonly #upstreams: Upstreams;
  readonly #forwarder: StreamForwarder;
  readonly #servers = new Map<number, SocketServer>();

  constructor(options: NameListenerOptions) {
    this.#options = options;
    const { clock, endpoints, metrics } = options;
    this.#upstreams = new Upstreams({ clock, endpoints });
    this.#forwarder = new StreamForwarder({
      clock,
      upstreams: this.#upstreams,
      metrics: {
        retried: () => undefined,
        failed: ({ namespace, name }) => metrics.failures.inc({ namespace, service: name }),
      },
    });
  }

  listensOn(port: number): boolean {
    return this.#servers.has(port);
  }

  /** @param targetPort of the instances. Rejects with the system's error when the port cannot be had */
  async listen(port: number, targetPort: number): Promise<void> {
    if (this.#servers.has(port)) return;
    const { address, service, metrics, isKnown } = this.#options;
    const { namespace = 'default', name } = service.metadata;
    const route: Route = { service, namespace, name, targetPort, host: '', path: '' };
    const server = new SocketServer({
      address,
      port,
      maximumConnections: MOST_CONNECTIONS,
      accept: (socket) => {
        if (isKnown(socket.remoteAddress)) this.#forwarder.accept(socket, () => route);
        else socket.destroy();
      },
      counted: (change) => metrics.connections.inc({}, change),
      dropped: () => undefined,
    });
    // Entered first: two who ask at the same time make one.
    this.#servers.set(port, server);
    try {
      await server.listen();
    } catch (error) {
      this.#servers.delete(port);
      throw error;
    }
  }

  async drain(podUID: string, limitMs: number): Promise<void> {
    await Promise.all([
      this.#upstreams.drain(podUID, limitMs),
      this.#forwarder.drain(podUID, limitMs),
    ]);
  }

  /** Nothing holds on to other instances than these for longer than it must. */
  release(ready: ReadonlySet<string>): void {
    this.#forwarder.release(ready);
    this.#upstreams.prune(ready);
  }

  /** Cuts what is open, and gives the ports back. */
  async close(): Promise<void> {
    this.#forwarder.close();
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
    this.#servers.clear();
    await this.#upstreams.close();
  }
}
