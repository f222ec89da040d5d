// Keeps this node's listeners in line with the Services: opens and closes them, tells them their routes, and tells the owners of
// Services what cannot be had.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { EndpointTable } from '../endpoints.ts';
import type { Certificate } from './certificate.ts';
import type { IngressService, Route } from './entry.ts';
import { IngressListener } from './ingress-listener.ts';
import { listenFailure } from './listen-failure.ts';
import type { IngressMetrics } from './metrics.ts';
import { planListeners } from './plan-listeners.ts';
import type { IngressPlan, ListenerPlan } from './plan-listeners.ts';
import { Upstreams } from './upstreams.ts';

/** Where certificates come from; told which routes need one. */
export interface CertificateStore {
  want(routes: readonly Route[]): void;
  /** undefined: there is none (yet). */
  find(route: Route): Certificate | undefined;
}

export interface IngressTableOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: IngressMetrics;
  /** Address of this machine to listen on. */
  readonly address: string;
  readonly services: () => readonly IngressService[];
  readonly endpoints: Pick<EndpointTable, 'ready'>;
  readonly certificates: CertificateStore;
  readonly warn: (service: IngressService, reason: string, message: string) => void;
}

const RETRY_MS = 5_000;

export class IngressTable {
  readonly #options: IngressTableOptions;
  readonly #upstreams: Upstreams;
  readonly #listeners = new Map<string, IngressListener>();
  /** Said already, and still so. */
  #complaints = new Set<string>();
  /** Logged already. */
  readonly #silent = new Set<string>();
  #queue = Promise.resolve();
  #cancelRetry = (): void => undefined;
  #closed = false;

  constructor(options: IngressTableOptions) {
    this.#options = options;
    const { clock, endpoints } = options;
    this.#upstreams = new Upstreams({ clock, endpoints });
  }

  /** Brings the listeners in line with the Services. */
  sync(): void {
    this.#queue = this.#queue.then(() => this.#sync());
  }

  /** Resolves when everything that was asked for is done. */
  settled(): Promise<void> {
    return this.#queue;
  }

  /** Other instances are ready than before. */
  endpointsChanged(): void {
    const ready = new Set<string>();
    for (const { metadata } of this.#options.services()) {
      const { namespace = 'default', name } = metadata;
      for (const { podUID } of this.#options.endpoints.ready(namespace, name)) ready.add(podUID);
    }
    for (const listener of this.#listeners.values()) listener.release(ready);
    this.#upstreams.prune(ready);
  }

  /** Resolves when the instance has nothing to do any more for a client, at the latest after the limit. */
  async drain(podUID: string, limitMs: number): Promise<void> {
    await Promise.all([
      this.#upstreams.drain(podUID, limitMs),
      ...[...this.#listeners.values()].map((listener) => listener.drain(podUID, limitMs)),
    ]);
  }

  /** Takes no new connections; those that are open go on. */
  async refuse(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    await this.#queue;
    for (const listener of this.#listeners.values()) listener.refuse();
  }

  /** Cuts what is open, and gives the ports back. */
  async close(): Promise<void> {
    await this.refuse();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close(0)));
    await this.#upstreams.close();
  }

  async #sync(): Promise<void> {
    if (this.#closed) return;
    const plan = planListeners(this.#options.services());
    this.#complain(plan);
    this.#wantCertificates(plan);
    for (const [key, listener] of this.#listeners) {
      const planned = plan.listeners.get(key);
      if (planned !== undefined && planned.kind === listener.kind) {
        listener.update(planned);
        continue;
      }
      this.#listeners.delete(key);
      // The port is free at once; requests under way are answered.
      listener.refuse();
      void listener.close(RETRY_MS);
    }
    for (const [key, planned] of plan.listeners) {
      if (!this.#listeners.has(key)) await this.#open(planned);
    }
  }

  async #open(planned: ListenerPlan): Promise<void> {
    const { clock, logger, metrics, address, warn, certificates } = this.#options;
    const listener = new IngressListener(planned, {
      clock,
      logger,
      metrics,
      address,
      upstreams: this.#upstreams,
      certificate: (route) => certificates.find(route),
    });
    try {
      await listener.listen();
      this.#listeners.set(planned.key, listener);
    } catch (error) {
      void listener.close(0);
      const { reason, message } = listenFailure(planned, address, error);
      const asked = [...planned.routes, ...planned.passthrough];
      for (const { service } of asked) warn(service, reason, message);
      // Redirects that nobody asked for are no reason to trouble anybody.
      if (asked.length === 0 && !this.#silent.has(message)) {
        this.#silent.add(message);
        logger.info('Ingress redirects no HTTP', { reason, message });
      }
      this.#cancelRetry();
      this.#cancelRetry = clock.schedule(RETRY_MS, () => this.sync());
    }
  }

  /** Once for each thing that is wrong, again only after it was right. */
  #complain({ complaints }: IngressPlan): void {
    const now = new Set<string>();
    for (const { service, reason, message } of complaints) {
      const key = `${service.metadata.uid} ${reason} ${message}`;
      now.add(key);
      if (!this.#complaints.has(key)) this.#options.warn(service, reason, message);
    }
    this.#complaints = now;
  }

  #wantCertificates({ listeners }: IngressPlan): void {
    const routes = [...listeners.values()].flatMap((planned) => planned.routes);
    this.#options.certificates.want(routes.filter(({ certificate }) => certificate !== undefined));
  }
}
