// All names of this machine: which address each has, and which of its ports are open. Declared ports are opened when their name is
// first looked up, since they keep other programs from listening on all addresses; the ports that are given in environment variables
// when an instance that is given them starts.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { EndpointTable, ServiceInstance } from '../endpoints.ts';
import type { AddressBook, Entry } from './address-book.ts';
import { parseName } from './dns-answer.ts';
import type { NamedTarget, NameView } from './dns-answer.ts';
import type { NameFront } from './name-front.ts';
import { NameListener } from './name-listener.ts';
import type { NameMetrics } from './name-metrics.ts';
import { serviceEnvironment } from './service-environment.ts';
import type { ReachableService } from './service-environment.ts';
import { servicePorts } from './service-ports.ts';
import type { NamedService } from './service-ports.ts';

export interface NameTableOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NameMetrics;
  readonly domain: string;
  readonly front: NameFront;
  /** Whether an address may use names. */
  readonly isKnown: (address: string | undefined) => boolean;
  readonly book: AddressBook;
  readonly services: () => readonly NamedService[];
  readonly service: (namespace: string, name: string) => NamedService | undefined;
  readonly endpoints: Pick<EndpointTable, 'ready'>;
  readonly warn: (service: NamedService, reason: string, message: string) => void;
}

/** Beside the ports that processes are given, and below those that systems take for outgoing connections. */
const FIRST_OTHER_PORT = 10_000;
const OTHER_PORTS = 10_000;
const OTHER_PORT_ATTEMPTS = 50;

export class NameTable implements NameView {
  readonly #options: NameTableOptions;
  /** By `namespace/service` or `namespace/service/pod`. */
  readonly #listeners = new Map<string, NameListener>();
  readonly #prepared = new Map<string, Promise<void>>();
  /** Namespaces whose instances here were given variables. */
  readonly #used = new Set<string>();
  readonly #complaints = new Set<string>();
  #isClosed = false;

  constructor(options: NameTableOptions) {
    this.#options = options;
  }

  service(namespace: string, name: string): NamedTarget | undefined {
    const service = this.#options.service(namespace, name);
    if (service === undefined) return undefined;
    const isReady = this.#options.endpoints.ready(namespace, name).length > 0;
    return this.#target(service, keyOf(namespace, name), isReady);
  }

  instance(namespace: string, name: string, pod: string): NamedTarget | undefined {
    const service = this.#options.service(namespace, name);
    if (service === undefined || this.#instance(namespace, name, pod) === undefined)
      return undefined;
    return this.#target(service, keyOf(namespace, name, pod), true);
  }

  hasNamespace(namespace: string): boolean {
    return this.#options.services().some(({ metadata }) => metadata.namespace === namespace);
  }

  /** Opens what a name is about to lead to. */
  async asked(name: string): Promise<void> {
    const parsed = parseName(name, this.#options.domain);
    if (parsed.kind === 'port') await this.#resolve(parsed.namespace, parsed.service);
    if (parsed.kind !== 'target') return;
    const { namespace, labels } = parsed;
    const [first = '', ...rest] = labels;
    if (this.#options.service(namespace, labels.join('.')) !== undefined)
      await this.#resolve(namespace, labels.join('.'));
    else if (this.#instance(namespace, rest.join('.'), first) !== undefined)
      await this.#resolve(namespace, rest.join('.'), first);
  }

  /** For an instance that is about to start there. */
  async environmentFor(namespace: string): Promise<Record<string, string>> {
    this.#used.add(namespace);
    const services = this.#options
      .services()
      .filter(({ metadata }) => metadata.namespace === namespace);
    const reachable = await Promise.all(services.map((service) => this.#openOthers(service)));
    return serviceEnvironment(reachable.filter((one) => one !== undefined));
  }

  /** Brings what is open in line with the Services. @param inUse namespaces of the instances of this machine */
  async sync(inUse: Iterable<string>): Promise<void> {
    for (const namespace of inUse) this.#used.add(namespace);
    const { book, front, services } = this.#options;
    const known = new Map(services().map((service) => [keyOfService(service), service]));
    for (const key of new Set([...book.keys(), ...this.#listeners.keys()])) {
      const [namespace = '', name = '', pod] = key.split('/');
      const isKnown = known.has(`${namespace}/${name}`) || key === DNS_KEY;
      if (isKnown && (pod === undefined || this.#instance(namespace, name, pod) !== undefined))
        continue;
      const address = book.find(key)?.address;
      await this.#listeners.get(key)?.close();
      this.#listeners.delete(key);
      book.forget(key);
      this.#prepared.delete(key);
      if (address !== undefined && front.hasAddresses) await front.release(address);
    }
    for (const [key, service] of known) {
      const { namespace = 'default', name } = service.metadata;
      if (this.#used.has(namespace)) await this.#openOthers(service);
      if (book.find(key)?.isResolved === true) await this.#resolve(namespace, name);
    }
  }

  /** Other instances are ready than before. */
  endpointsChanged(): void {
    const { endpoints } = this.#options;
    for (const [key, listener] of this.#listeners) {
      const [namespace = '', name = ''] = key.split('/');
      listener.release(new Set(endpoints.ready(namespace, name).map(({ podUID }) => podUID)));
    }
  }

  async drain(podUID: string, limitMs: number): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((one) => one.drain(podUID, limitMs)));
  }

  /** An address for the DNS server itself, made ready. */
  async ownAddress(): Promise<string> {
    const entry = this.#options.book.entry(DNS_KEY);
    await this.#prepare(DNS_KEY, entry);
    return entry.address;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { book, front } = this.#options;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    for (const key of this.#prepared.keys()) {
      const address = book.find(key)?.address;
      if (address !== undefined) await front.release(address);
    }
    await book.settled();
  }

  #target(service: NamedService, key: string, isReady: boolean): NamedTarget {
    const address = isReady ? this.#options.book.entry(key).address : undefined;
    return { address, ports: servicePorts(service) };
  }

  #instance(namespace: string, service: string, pod: string): ServiceInstance | undefined {
    return this.#options.endpoints.ready(namespace, service).find((one) => one.pod === pod);
  }

  async #resolve(namespace: string, name: string, pod?: string): Promise<void> {
    const { service: find, book, front, endpoints } = this.#options;
    const service = find(namespace, name);
    if (service === undefined || !front.hasAddresses || this.#isClosed) return;
    const key = keyOf(namespace, name, pod);
    const isReady = endpoints.ready(namespace, name).length > 0;
    // Nothing to lead to, nothing to keep from others.
    if (!isReady && book.find(key)?.isResolved !== true) return;
    const entry = book.entry(key);
    if (!entry.isResolved && pod === undefined) {
      entry.isResolved = true;
      book.changed();
    }
    const listener = await this.#listener(key, service, entry, pod);
    for (const { port } of servicePorts(service)) {
      await listener?.listen(port, port).catch((error: unknown) => {
        this.#complain(service, port, `${entry.address}:${port}: ${(error as Error).message}`);
      });
    }
  }

  async #openOthers(service: NamedService): Promise<ReachableService | undefined> {
    const ports = servicePorts(service);
    if (ports.length === 0 || this.#isClosed) return undefined;
    const key = keyOfService(service);
    const entry = this.#options.book.entry(key);
    const listener = await this.#listener(key, service, entry, undefined);
    if (listener === undefined) return undefined;
    const reached: ReachableService['ports'][number][] = [];
    for (const port of ports) {
      const reachedAt = await this.#openOther(listener, entry, key, port.port);
      if (reachedAt !== undefined) reached.push({ ...port, reachedAt });
      else this.#complain(service, port.port, `no port of ${entry.address} is free for it`);
    }
    return { name: service.metadata.name, host: entry.address, ports: reached };
  }

  /** The port that was given before, if it can still be had: processes that outlive the agent know it. */
  async #openOther(
    listener: NameListener,
    entry: Entry,
    key: string,
    port: number,
  ): Promise<number | undefined> {
    const before = entry.ports.get(port);
    if (before !== undefined && listener.listensOn(before)) return before;
    const first = hashOf(`${key}:${port}:${entry.index}`) % OTHER_PORTS;
    const candidates = Array.from(
      { length: OTHER_PORT_ATTEMPTS },
      (_, attempt) => FIRST_OTHER_PORT + ((first + attempt) % OTHER_PORTS),
    );
    for (const candidate of before === undefined ? candidates : [before, ...candidates]) {
      if (listener.listensOn(candidate)) continue;
      try {
        await listener.listen(candidate, port);
      } catch {
        continue;
      }
      if (candidate !== before) {
        entry.ports.set(port, candidate);
        this.#options.book.changed();
      }
      return candidate;
    }
    return undefined;
  }

  async #listener(
    key: string,
    service: NamedService,
    entry: Entry,
    pod: string | undefined,
  ): Promise<NameListener | undefined> {
    try {
      await this.#prepare(key, entry);
    } catch (error) {
      this.#options.logger.warn('Cannot have an address for a name', { name: key, error });
      return undefined;
    }
    const known = this.#listeners.get(key);
    if (known !== undefined || this.#isClosed) return known;
    const { clock, metrics, endpoints, isKnown } = this.#options;
    const listener = new NameListener({
      clock,
      isKnown,
      metrics,
      address: entry.address,
      service,
      endpoints: pod === undefined ? endpoints : onlyPod(endpoints, pod),
    });
    this.#listeners.set(key, listener);
    return listener;
  }

  #prepare(key: string, { address }: Entry): Promise<void> {
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const preparing = this.#options.front.prepare(address);
    this.#prepared.set(key, preparing);
    preparing.catch(() => this.#prepared.delete(key));
    return preparing;
  }

  /** Once for each port. */
  #complain(service: NamedService, port: number, why: string): void {
    const key = `${service.metadata.uid} ${port}`;
    if (this.#complaints.has(key)) return;
    this.#complaints.add(key);
    const message = `port ${port} cannot be reached by the name of the service from this machine (${why}); the variables <SERVICE>_SERVICE_HOST and _PORT name another port`;
    this.#options.warn(service, 'NamePortUnavailable', message);
  }
}

const DNS_KEY = '#dns';

function keyOf(namespace: string, service: string, pod?: string): string {
  return pod === undefined ? `${namespace}/${service}` : `${namespace}/${service}/${pod}`;
}

function keyOfService({ metadata: { namespace = 'default', name } }: NamedService): string {
  return keyOf(namespace, name);
}

function onlyPod(
  endpoints: Pick<EndpointTable, 'ready'>,
  pod: string,
): Pick<EndpointTable, 'ready'> {
  return {
    ready: (namespace, service) =>
      endpoints.ready(namespace, service).filter((one) => one.pod === pod),
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0;
  return hash;
}
