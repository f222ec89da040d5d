// Where the Service of a webhook is reached: at the addresses of its EndpointSlices, or of the Pods that it selects as long as nobody
// has written any.
import { conditionOf, isObject, listAt, numberAt, objectAt, stringAt } from '../api/fields.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { Labels, LabelSelector } from '../api/selectors.ts';
import type { Store, StoredObject } from '../store/types.ts';

export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws Error in upstream's words when there is no such service, port or endpoint */
export function serviceAddresses(
  store: Store,
  namespace: string,
  name: string,
  port: number,
): readonly ServiceAddress[] {
  const stored = store.get('core/services', namespace, name);
  if (stored === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
  const service = parse(stored);
  if (stringAt(service, 'spec', 'type') === 'ExternalName') {
    return [{ host: stringAt(service, 'spec', 'externalName'), port }];
  }
  const servicePort = listAt(service, 'spec', 'ports').find(
    (one) => numberAt(one, 'port') === port && (stringAt(one, 'protocol') || 'TCP') === 'TCP',
  );
  if (servicePort === undefined) {
    throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  }
  const addresses = [
    ...fromSlices(store, namespace, name, servicePort),
    ...fromEndpoints(store, namespace, name, servicePort),
  ];
  if (addresses.length === 0) addresses.push(...fromPods(store, namespace, service, servicePort));
  if (addresses.length === 0) {
    throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  }
  return addresses;
}

function parse(stored: StoredObject): unknown {
  return JSON.parse(stored.bytes.toString());
}

function withLabels(
  store: Store,
  resource: string,
  namespace: string,
  selector: LabelSelector,
): readonly unknown[] {
  const matches = ({ labels }: { readonly labels: Labels }): boolean =>
    matchesLabels(selector, labels);
  return store.list(resource, { namespace, matches }).items.map(parse);
}

function portNamed(ports: readonly unknown[], servicePort: unknown): number {
  const name = stringAt(servicePort, 'name');
  return numberAt(
    ports.find((one) => stringAt(one, 'name') === name),
    'port',
  );
}

function fromSlices(
  store: Store,
  namespace: string,
  name: string,
  servicePort: unknown,
): readonly ServiceAddress[] {
  const key = 'kubernetes.io/service-name';
  const slices = withLabels(store, 'discovery.k8s.io/endpointslices', namespace, [
    { key, operator: '=', values: [name] },
  ]);
  return slices.flatMap((slice) => {
    const port = portNamed(listAt(slice, 'ports'), servicePort);
    if (port === 0) return [];
    return listAt(slice, 'endpoints')
      .filter((endpoint) => objectAt(endpoint, 'conditions')['ready'] !== false)
      .flatMap((endpoint) => listAt(endpoint, 'addresses'))
      .map((host) => ({ host: String(host), port }));
  });
}

function fromEndpoints(
  store: Store,
  namespace: string,
  name: string,
  servicePort: unknown,
): readonly ServiceAddress[] {
  const stored = store.get('core/endpoints', namespace, name);
  if (stored === undefined) return [];
  return listAt(parse(stored), 'subsets').flatMap((subset) => {
    const port = portNamed(listAt(subset, 'ports'), servicePort);
    if (port === 0) return [];
    return listAt(subset, 'addresses').map((one) => ({ host: stringAt(one, 'ip'), port }));
  });
}

function fromPods(
  store: Store,
  namespace: string,
  service: unknown,
  servicePort: unknown,
): readonly ServiceAddress[] {
  const wanted = Object.entries(objectAt(service, 'spec', 'selector'));
  if (wanted.length === 0) return [];
  const selector: LabelSelector = wanted.map(([key, value]) => ({
    key,
    operator: '=',
    values: [String(value)],
  }));
  return withLabels(store, 'core/pods', namespace, selector).flatMap((pod) => {
    const host = stringAt(pod, 'status', 'podIP');
    const port = podPort(pod, objectAt(servicePort));
    const isReady = conditionOf(pod, 'Ready')['status'] === 'True';
    return isReady && host !== '' && port > 0 ? [{ host, port }] : [];
  });
}

/** A target port is a number, or the name of a container's port. */
function podPort(pod: unknown, { targetPort, port }: Readonly<Record<string, unknown>>): number {
  if (typeof targetPort === 'number' && targetPort > 0) return targetPort;
  if (typeof targetPort !== 'string' || targetPort === '') return Number(port);
  const named = listAt(pod, 'spec', 'containers')
    .flatMap((container) => listAt(container, 'ports'))
    .find((one) => isObject(one) && one['name'] === targetPort);
  return numberAt(named, 'containerPort');
}
