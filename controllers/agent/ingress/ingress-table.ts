// Which forwarders there should be, from the Services and the Pods of this machine, and the keeping of them.
import type { Clock } from '#platform/clock.ts';
import type { ApiObject } from '../../machinery/client-types.ts';
import type { EndpointTable } from '../endpoints.ts';
import { IngressForwarder } from './tcp-forwarder.ts';
import type { IngressTarget } from './tcp-forwarder.ts';

export interface IngressEntry {
  /** On 127.0.0.1 of this machine. */
  readonly port: number;
  /** containerPort number, or name of a port. */
  readonly targetPort: number | string;
  readonly protocol?: string;
}

/** Service (windlass.dev) as far as it matters here. */
export interface IngressService extends ApiObject {
  readonly spec?: { readonly ingress?: readonly IngressEntry[] };
  readonly status?: { readonly activeRevision?: string };
}

export interface IngressTableOptions {
  readonly clock: Clock;
  readonly services: () => readonly IngressService[];
  readonly endpoints: Pick<EndpointTable, 'ready'>;
  readonly warn: (service: IngressService, reason: string, message: string) => void;
}

const RETRY_MS = 5_000;

interface Wanted {
  readonly service: IngressService;
  readonly entry: IngressEntry;
}

export class IngressTable {
  readonly #options: IngressTableOptions;
  readonly #forwarders = new Map<string, IngressForwarder>();
  readonly #owners = new Map<number, string>();
  #queue = Promise.resolve();
  #cancelRetry = (): void => undefined;
  #closed = false;

  constructor(options: IngressTableOptions) {
    this.#options = options;
  }

  /** Brings the forwarders in line with the Services. */
  sync(): void {
    this.#queue = this.#queue.then(() => this.#sync());
  }

  async drain(podUID: string, limitMs: number): Promise<void> {
    await Promise.all(
      [...this.#forwarders.values()].map((forwarder) => forwarder.drain(podUID, limitMs)),
    );
  }

  /** Takes no new connections; those that are open go on. */
  async refuse(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    await this.#queue;
    for (const forwarder of this.#forwarders.values()) forwarder.refuse();
  }

  /** Cuts what is open, and gives the ports back. */
  async close(): Promise<void> {
    await this.refuse();
    await Promise.all([...this.#forwarders.values()].map((forwarder) => forwarder.close()));
  }

  async #sync(): Promise<void> {
    if (this.#closed) return;
    const wanted = this.#wanted();
    for (const [key, forwarder] of this.#forwarders) {
      if (wanted.has(key)) continue;
      this.#forwarders.delete(key);
      for (const [port, owner] of this.#owners) if (owner === key) this.#owners.delete(port);
      // Its open connections are cut: nobody describes them any more.
      await forwarder.close();
    }
    for (const [key, { service, entry }] of wanted) {
      if (!this.#forwarders.has(key)) await this.#open(key, service, entry);
    }
  }

  #wanted(): Map<string, Wanted> {
    const wanted = new Map<string, Wanted>();
    for (const service of this.#options.services()) {
      if (service.metadata.deletionTimestamp !== undefined) continue;
      for (const entry of service.spec?.ingress ?? []) {
        if (entry.protocol === 'UDP') continue;
        wanted.set(`${service.metadata.uid}/${entry.port}/${entry.targetPort}`, { service, entry });
      }
    }
    return wanted;
  }

  async #open(key: string, service: IngressService, entry: IngressEntry): Promise<void> {
    const { clock, warn } = this.#options;
    const forwarder = new IngressForwarder({
      port: entry.port,
      clock,
      targets: () => this.#targets(service, entry),
    });
    try {
      await forwarder.listen();
      this.#forwarders.set(key, forwarder);
      this.#owners.set(entry.port, key);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const ours = this.#owners.get(entry.port) !== undefined;
      const why =
        code === 'EADDRINUSE'
          ? `port ${entry.port} of 127.0.0.1 is in use by ${ours ? 'the ingress of another Service' : 'another program'}: choose another port in spec.ingress, or free it`
          : `cannot listen on 127.0.0.1:${entry.port}: ${(error as Error).message}`;
      warn(service, code === 'EADDRINUSE' ? 'IngressPortInUse' : 'IngressFailed', why);
      this.#cancelRetry();
      this.#cancelRetry = clock.schedule(RETRY_MS, () => this.sync());
    }
  }

  #targets({ metadata }: IngressService, { targetPort }: IngressEntry): IngressTarget[] {
    const { namespace = 'default', name } = metadata;
    return this.#options.endpoints.ready(namespace, name).map((instance) => ({
      podUID: instance.podUID,
      connect: (timeoutMs) => instance.connect(targetPort, timeoutMs),
    }));
  }
}
