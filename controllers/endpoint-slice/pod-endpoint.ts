// Is a Pod behind a Service, and as what? Pure. The rules are those of upstream's EndpointSlice and Endpoints controllers.
import { isIP } from 'node:net';
import type {
  CoreService,
  Endpoint,
  EndpointAddress,
  EndpointPort,
  Node,
  Pod,
  TargetReference,
} from './types.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

export type AddressType = 'IPv4' | 'IPv6';

/** The first address of a Pod of that family. */
export function addressOf(pod: Pod, type: AddressType): string | undefined {
  const { podIPs = [], podIP } = pod.status ?? {};
  const addresses = podIPs.length > 0 ? podIPs.map(({ ip }) => ip) : [podIP];
  return addresses.find((ip) => ip !== undefined && isIP(ip) === (type === 'IPv4' ? 4 : 6));
}

/** Of what families a Service has endpoints; the first is that of its Endpoints. */
export function addressTypesOf({ spec }: CoreService): readonly AddressType[] {
  const types = (spec.ipFamilies ?? []).filter(
    (family): family is AddressType => family === 'IPv4' || family === 'IPv6',
  );
  return types.length === 0 ? ['IPv4'] : types;
}

/** True for Services whose endpoints are the Pods that they select. */
export function isSelecting({ spec }: CoreService): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

export function selects({ spec }: CoreService, { metadata: { labels = {} } }: Pod): boolean {
  return Object.entries(spec.selector ?? {}).every(([key, value]) => labels[key] === value);
}

/** A Pod that has ended does not come back. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isReady({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  );
}

/** @param node that the Pod is on, where it is known */
export function endpointOf(
  service: CoreService,
  pod: Pod,
  address: string,
  node: Node | undefined,
): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.[ZONE_LABEL];
  const hints = ready ? hintsFor(service, pod, zone) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...hostnameOf(service, pod),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: targetOf(pod),
    ...(hints === undefined ? {} : { hints }),
  };
}

export function endpointAddressOf(service: CoreService, pod: Pod, ip: string): EndpointAddress {
  return {
    ip,
    ...hostnameOf(service, pod),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: targetOf(pod),
  };
}

/** The ports of a Service as this Pod has them: one that names none of its own is left out. */
export function portsOf({ spec }: CoreService, pod: Pod): readonly EndpointPort[] {
  return (spec.ports ?? []).flatMap(({ name = '', port, targetPort, protocol, appProtocol }) => {
    const found = targetPortOf(pod, targetPort ?? port, protocol ?? 'TCP');
    if (found === undefined) return [];
    const application = appProtocol === undefined ? {} : { appProtocol };
    return [{ name, port: found, protocol: protocol ?? 'TCP', ...application }];
  });
}

function targetPortOf(pod: Pod, target: number | string, protocol: string): number | undefined {
  if (typeof target === 'number') return target;
  // Init containers that go on beside the others may serve too.
  const beside = (pod.spec.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  return [...pod.spec.containers, ...beside]
    .flatMap(({ ports = [] }) => ports)
    .find(({ name, protocol: speaks }) => name === target && (speaks ?? 'TCP') === protocol)
    ?.containerPort;
}

function targetOf({ metadata: { namespace = '', name, uid } }: Pod): TargetReference {
  return { kind: 'Pod', namespace, name, uid };
}

/** A name of its own below that of the Service, for Pods that ask for it. */
function hostnameOf(service: CoreService, { spec }: Pod): { readonly hostname?: string } {
  const isBelow = spec.subdomain === service.metadata.name;
  return spec.hostname === undefined || spec.hostname === '' || !isBelow
    ? {}
    : { hostname: spec.hostname };
}

function hintsFor(
  { spec: { trafficDistribution } }: CoreService,
  { spec: { nodeName } }: Pod,
  zone: string | undefined,
): Endpoint['hints'] {
  const isNearby = ['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(
    trafficDistribution ?? '',
  );
  if (!isNearby || zone === undefined) return undefined;
  const forZones = [{ name: zone }];
  return trafficDistribution === 'PreferSameNode' && nodeName !== undefined
    ? { forZones, forNodes: [{ name: nodeName }] }
    : { forZones };
}
