// The instances that this machine's proxies send to: a pool of connections for each port of each instance, and what is under way
// there. An instance that drains gets nothing new, and is done with when the last answer is complete.
import type { Socket } from 'node:net';
import { Pool } from 'undici';
import type { buildConnector } from 'undici';
import type { Clock } from '#platform/clock.ts';
import type { EndpointTable, ServiceInstance } from '../endpoints.ts';
import { Balancer, noteFailure, noteSuccess } from './balancer.ts';
import type { Load } from './balancer.ts';
import type { Route } from './entry.ts';

export interface UpstreamsOptions {
  readonly clock: Clock;
  readonly endpoints: Pick<EndpointTable, 'ready'>;
}

export const CONNECT_TIMEOUT_MS = 2_000;
/** Idle connections are let go sooner than most servers do, so that no request meets one that is closing; an instance's own hint goes before. */
const IDLE_MS = 4_000;
/** How long streams (WebSocket and the like) are waited for: they end when the instance ends them, which it does when it is told to stop. */
const STREAM_LIMIT_MS = 10_000;

/** One port of one instance. */
export class Upstream implements Load {
  readonly instance: ServiceInstance;
  readonly targetPort: number | string;
  readonly pool: Pool;
  active = 0;
  failures = 0;
  skippedUntil = 0;
  streams = 0;
  /** It gets nothing new; what is under way goes on. */
  isRetired = false;
  #onIdle: (() => void)[] = [];

  constructor(instance: ServiceInstance, targetPort: number | string) {
    this.instance = instance;
    this.targetPort = targetPort;
    this.pool = new Pool('http://instance.invalid', {
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // Streaming answers may be silent for long; the client decides when it has waited enough.
      bodyTimeout: 0,
      connect: (_options, callback) => void this.#connect(callback),
    });
  }

  async #connect(callback: buildConnector.Callback): Promise<void> {
    let socket: Socket;
    try {
      socket = await this.instance.connect(this.targetPort, CONNECT_TIMEOUT_MS);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    callback(null, socket);
  }

  begin(isStream = false): void {
    this.active += 1;
    if (isStream) this.streams += 1;
  }

  end(isStream = false): void {
    this.active -= 1;
    if (isStream) this.streams -= 1;
    if (this.active > this.streams) return;
    for (const told of this.#onIdle.splice(0)) told();
  }

  /** Idle connections end now, the others after their answers. */
  retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    void this.pool.close();
  }

  /** Resolves when no request is under way, and no stream either unless that takes too long. */
  async drained(clock: Clock, limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelAll = clock.schedule(limitMs, resolve);
    let streamsMayStay = false;
    const look = (): void => {
      const isDone = this.active === 0 || (streamsMayStay && this.active === this.streams);
      if (isDone) resolve();
      else this.#onIdle.push(look);
    };
    const cancelStreams = clock.schedule(Math.min(STREAM_LIMIT_MS, limitMs / 2), () => {
      streamsMayStay = true;
      look();
    });
    look();
    await promise;
    cancelAll();
    cancelStreams();
  }
}

export class Upstreams {
  readonly #options: UpstreamsOptions;
  /** By `podUID/targetPort`. */
  readonly #upstreams = new Map<string, Upstream>();
  /** Those with something under way for which there is another one, or none. */
  readonly #retired = new Set<Upstream>();
  readonly #balancers = new Map<string, Balancer>();

  constructor(options: UpstreamsOptions) {
    this.#options = options;
  }

  /** @param tried those that failed this request already */
  choose(route: Route, tried: ReadonlySet<Upstream>): Upstream | undefined {
    const { endpoints, clock } = this.#options;
    const { namespace, name, targetPort } = route;
    const candidates: Upstream[] = [];
    for (const instance of endpoints.ready(namespace, name)) {
      const upstream = this.#of(instance, targetPort);
      if (!tried.has(upstream)) candidates.push(upstream);
    }
    if (candidates.length === 0) return undefined;
    return this.#balancer(route).choose(candidates, clock.monotonic(), tried.size > 0);
  }

  /** Not about to stop. */
  isReady({ namespace, name }: Route, { instance }: Upstream): boolean {
    return this.#options.endpoints.ready(namespace, name).includes(instance);
  }

  failed(upstream: Upstream): void {
    noteFailure(upstream, this.#options.clock.monotonic());
  }

  answered(upstream: Upstream): void {
    if (upstream.failures > 0) noteSuccess(upstream);
  }

  /** Call once the instance has left the table. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    const { clock } = this.#options;
    const all = [...this.#upstreams.values(), ...this.#retired];
    const mine = all.filter(({ instance }) => instance.podUID === podUID);
    for (const upstream of mine) upstream.retire();
    await Promise.all(mine.map((upstream) => upstream.drained(clock, limitMs)));
    this.#sweep();
  }

  /** Lets go of instances that nobody leads to any more: on other machines, too, somebody may wait for that. */
  prune(ready: ReadonlySet<string>): void {
    for (const upstream of this.#upstreams.values())
      if (!ready.has(upstream.instance.podUID)) upstream.retire();
    this.#sweep();
  }

  async close(): Promise<void> {
    const all = [...this.#upstreams.values(), ...this.#retired];
    this.#upstreams.clear();
    this.#retired.clear();
    await Promise.all(all.map(({ pool }) => pool.destroy()));
  }

  #sweep(): void {
    for (const [key, upstream] of this.#upstreams) {
      if (!upstream.isRetired) continue;
      this.#upstreams.delete(key);
      this.#retired.add(upstream);
    }
    for (const upstream of this.#retired) if (upstream.active === 0) this.#retired.delete(upstream);
  }

  #of(instance: ServiceInstance, targetPort: number | string): Upstream {
    const key = `${instance.podUID}/${targetPort}`;
    let upstream = this.#upstreams.get(key);
    if (upstream === undefined || upstream.isRetired) {
      if (upstream !== undefined) this.#retired.add(upstream);
      upstream = new Upstream(instance, targetPort);
      this.#upstreams.set(key, upstream);
    }
    return upstream;
  }

  #balancer({ namespace, name }: Route): Balancer {
    const key = `${namespace}/${name}`;
    let balancer = this.#balancers.get(key);
    if (balancer === undefined) {
      balancer = new Balancer();
      this.#balancers.set(key, balancer);
    }
    return balancer;
  }
}
