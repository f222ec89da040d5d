// Forwards connections as they are to a ready instance, the next one when it does not answer. An instance on its way out gets no new
// connections, and those it has are finished or moved before it stops, so that replacing instances costs no request. A client that
// comes while no instance is ready waits a moment for one.
import type { Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Route } from './entry.ts';
import type { IngressMetrics } from './metrics.ts';
import { StreamConnection } from './stream-connection.ts';
import type { InstanceSocket } from './stream-connection.ts';
import { CONNECT_TIMEOUT_MS } from './upstreams.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface StreamForwarderOptions {
  readonly clock: Clock;
  readonly upstreams: Upstreams;
  readonly metrics: Pick<IngressMetrics, 'failed' | 'retried'>;
}

/** How long a client waits for an instance to become ready. */
const HOLD_MS = 1_000;
const HOLD_INTERVAL_MS = 50;

export class StreamForwarder {
  readonly #options: StreamForwarderOptions;
  readonly #connections = new Set<StreamConnection>();
  #isClosing = false;

  constructor(options: StreamForwarderOptions) {
    this.#options = options;
  }

  /** @param route asked for each connection to an instance, so that it may change; undefined: there is none any more */
  accept(client: Socket, route: () => Route | undefined): void {
    const { clock } = this.#options;
    const connection = new StreamConnection({
      client,
      clock,
      dial: (wanted) => this.#dial(route, wanted),
    });
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  /** Resolves when the instance has nothing to do here any more, or after the limit. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    const open = [...this.#connections].filter((connection) => connection.podUID === podUID);
    await Promise.all(open.map((connection) => connection.drain(limitMs)));
  }

  /** Clients of instances that nobody leads to any more move as soon as they are between two requests. */
  release(ready: ReadonlySet<string>): void {
    for (const connection of this.#connections) {
      if (connection.podUID !== undefined && !ready.has(connection.podUID)) connection.release();
    }
  }

  /** What is open goes on, but does not wait for instances. */
  refuse(): void {
    this.#isClosing = true;
  }

  close(): void {
    this.refuse();
    for (const connection of this.#connections) connection.destroy();
  }

  async #dial(
    routeOf: () => Route | undefined,
    wanted: () => boolean,
  ): Promise<InstanceSocket | undefined> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + HOLD_MS;
    while (wanted()) {
      const route = routeOf();
      const found = route === undefined ? undefined : await this.#connect(route, wanted);
      if (found !== undefined) return found;
      if (this.#isClosing || route === undefined || clock.monotonic() >= deadline) return undefined;
      await sleep(clock, HOLD_INTERVAL_MS);
    }
    return undefined;
  }

  /** Any instance that takes a connection; undefined when none does. */
  async #connect(route: Route, wanted: () => boolean): Promise<InstanceSocket | undefined> {
    const { upstreams, metrics } = this.#options;
    const tried = new Set<Upstream>();
    while (wanted()) {
      const upstream = upstreams.choose(route, tried);
      if (upstream === undefined) return undefined;
      tried.add(upstream);
      upstream.begin(true);
      const socket = await upstream.instance
        .connect(upstream.targetPort, CONNECT_TIMEOUT_MS)
        .catch(() => undefined);
      // It may have begun to drain meanwhile; then it must not get anything more.
      if (socket !== undefined && upstreams.isReady(route, upstream)) {
        upstreams.answered(upstream);
        const { podUID } = upstream.instance;
        return { podUID, socket, release: () => upstream.end(true) };
      }
      upstream.end(true);
      socket?.destroy();
      if (socket !== undefined) continue;
      upstreams.failed(upstream);
      metrics.failed(route, 'connect');
    }
    return undefined;
  }
}
