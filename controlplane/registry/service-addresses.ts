// Addresses and ports that Services get: a cluster IP each, and a node port where one is asked for. What is taken is read from
// the Services themselves, those of writes in flight included, so that nothing can be given out twice or leak.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { isObject, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Store, StoredObject, Subscription } from '#controlplane/store/types.ts';
import { storedJSON } from './objects.ts';
import { AddressRange } from './address-range.ts';

const SERVICES = 'core/services';
/** Where cluster IPs come from. */
export const SERVICE_RANGE = '10.96.0.0/12';
const RANGE = new AddressRange(SERVICE_RANGE);
const NODE_PORTS = { first: 30_000, last: 32_767 } as const;
/** The first ports are for those who choose one, as upstream keeps them. */
const FIRST_GIVEN_PORT = 30_086;

interface Taken {
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

const NOTHING: Taken = { addresses: [], ports: [] };

const keyOf = (namespace: string | undefined, name: string | undefined): string =>
  `${namespace ?? ''}/${name ?? ''}`;

function takenBy(object: unknown): Taken {
  const addresses = listAt(object, 'spec', 'clusterIPs')
    .map(String)
    .filter((address) => address !== 'None');
  const ports = listAt(object, 'spec', 'ports').map((port) => numberAt(port, 'nodePort'));
  ports.push(numberAt(object, 'spec', 'healthCheckNodePort'));
  return { addresses, ports: ports.filter((port) => port > 0) };
}

export class ServiceAddresses {
  readonly #store: Store;
  /** By namespace and name. */
  readonly #stored = new Map<string, Taken>();
  readonly #inFlight = new Map<symbol, { readonly key: string; readonly taken: Taken }>();
  #subscription: Subscription | undefined;
  #nextAddress = RANGE.firstGiven;
  #nextPort = FIRST_GIVEN_PORT;

  constructor(store: Store) {
    this.#store = store;
  }

  start(): void {
    const { items, revision } = this.#store.list(SERVICES, {});
    for (const stored of items) this.#remember(stored);
    this.#subscription = this.#store.watch(SERVICES, revision, {
      events: (events) => {
        for (const { type, object } of events) {
          if (type === 'DELETED') this.#stored.delete(keyOf(object.namespace, object.name));
          else this.#remember(object);
        }
      },
      closed: () => undefined,
    });
  }

  close(): void {
    this.#subscription?.close();
  }

  /** What a write that begins now takes; call what is returned when it has ended, either way. */
  writing({ storageKey }: ResourceDefinition, object: KubernetesObject): () => void {
    if (storageKey !== SERVICES) return () => undefined;
    const { namespace, name } = object.metadata;
    const write = Symbol('write');
    this.#inFlight.set(write, { key: keyOf(namespace, name), taken: takenBy(object) });
    return () => this.#inFlight.delete(write);
  }

  /** Fills in what the Service needs and has not; says what of its own wishes cannot be. Nobody may come between this and the write. */
  assign(service: KubernetesObject): FieldError[] {
    const spec = service['spec'];
    if (!isObject(spec)) return [];
    const { namespace, name } = service.metadata;
    const others = this.#takenByOthers(keyOf(namespace, name));
    return [...this.#assignAddress(spec, others), ...this.#assignPorts(spec, others)];
  }

  #remember(stored: StoredObject): void {
    const object = storedJSON(stored);
    this.#stored.set(keyOf(stored.namespace, stored.name), takenBy(object));
  }

  #takenByOthers(own: string): { readonly addresses: Set<string>; readonly ports: Set<number> } {
    const addresses = new Set<string>();
    const ports = new Set<number>();
    const add = (key: string, taken: Taken): void => {
      if (key === own) return;
      for (const address of taken.addresses) addresses.add(address);
      for (const port of taken.ports) ports.add(port);
    };
    for (const [key, taken] of this.#stored) add(key, taken);
    for (const { key, taken } of this.#inFlight.values()) add(key, taken ?? NOTHING);
    return { addresses, ports };
  }

  #assignAddress(
    spec: Record<string, unknown>,
    { addresses }: { readonly addresses: ReadonlySet<string> },
  ): FieldError[] {
    if (stringAt(spec, 'type') === 'ExternalName') return [];
    const wanted = stringAt(spec, 'clusterIP');
    if (wanted === 'None') return [];
    if (wanted !== '') {
      const refuse = (why: string): FieldError[] => [
        invalidField('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${why}`),
      ];
      if (!RANGE.contains(wanted)) {
        return refuse(
          `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${RANGE.text}`,
        );
      }
      return addresses.has(wanted) ? refuse('provided IP is already allocated') : [];
    }
    const free = RANGE.nextFree(this.#nextAddress, addresses);
    if (free === undefined) {
      const why = 'failed to allocate a serviceIP: range is full';
      return [invalidField('spec.clusterIPs', [], why)];
    }
    this.#nextAddress = free.next;
    spec['clusterIP'] = free.address;
    spec['clusterIPs'] = [free.address];
    return [];
  }

  #assignPorts(
    spec: Record<string, unknown>,
    { ports: others }: { readonly ports: ReadonlySet<number> },
  ): FieldError[] {
    const errors: FieldError[] = [];
    const ports = listAt(spec, 'ports').filter(isObject);
    // One number may serve the same port by several protocols.
    const own = new Set(ports.map((port) => numberAt(port, 'nodePort')));
    for (const [index, port] of ports.entries()) {
      const wanted = numberAt(port, 'nodePort');
      if (wanted === 0) continue;
      const field = `spec.ports[${index}].nodePort`;
      if (wanted < NODE_PORTS.first || wanted > NODE_PORTS.last) {
        const why = `provided port is not in the valid range. The range of valid ports is ${NODE_PORTS.first}-${NODE_PORTS.last}`;
        errors.push(invalidField(field, wanted, why));
      } else if (others.has(wanted)) {
        errors.push(invalidField(field, wanted, 'provided port is already allocated'));
      }
    }
    if (!needsNodePorts(spec)) return errors;
    const give = (): number | undefined => {
      const port = this.#freePort((candidate) => others.has(candidate) || own.has(candidate));
      if (port !== undefined) own.add(port);
      return port;
    };
    for (const [index, port] of ports.entries()) {
      if (numberAt(port, 'nodePort') > 0) continue;
      const twin = ports.find(
        (other) =>
          other['port'] === port['port'] &&
          other['protocol'] !== port['protocol'] &&
          numberAt(other, 'nodePort') > 0,
      );
      const number = twin === undefined ? give() : numberAt(twin, 'nodePort');
      if (number !== undefined) port['nodePort'] = number;
      else errors.push(invalidField(`spec.ports[${index}].nodePort`, 0, 'range is full'));
    }
    if (needsHealthPort(spec) && numberAt(spec, 'healthCheckNodePort') === 0) {
      const number = give();
      if (number !== undefined) spec['healthCheckNodePort'] = number;
    }
    return errors;
  }

  #freePort(isTaken: (port: number) => boolean): number | undefined {
    const count = NODE_PORTS.last - NODE_PORTS.first + 1;
    for (let tried = 0; tried < count; tried += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === NODE_PORTS.last ? NODE_PORTS.first : port + 1;
      if (!isTaken(port)) return port;
    }
    return undefined;
  }
}

function needsNodePorts(spec: unknown): boolean {
  const type = stringAt(spec, 'type');
  if (type === 'NodePort') return true;
  if (type !== 'LoadBalancer') return false;
  return (
    (spec as { allocateLoadBalancerNodePorts?: unknown }).allocateLoadBalancerNodePorts !== false
  );
}

export function needsHealthPort(spec: unknown): boolean {
  return (
    stringAt(spec, 'type') === 'LoadBalancer' && stringAt(spec, 'externalTrafficPolicy') === 'Local'
  );
}
