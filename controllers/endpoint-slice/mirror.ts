// Endpoints that somebody wrote by hand, as slices. Pure. The rules are those of upstream's mirroring controller.
import { isIP } from 'node:net';
import type { AddressType } from './pod-endpoint.ts';
import type { SliceContent } from './plan-slices.ts';
import { ENDPOINTS_MANAGED_BY_LABEL } from './types.ts';
import type {
  CoreService,
  Endpoint,
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
} from './types.ts';

/** Of one subset; what is beyond it is not mirrored. */
export const MAX_MIRRORED = 1000;

const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints were what leaders were elected by. */
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const UNCOPIED_ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
];

export function isMirrored(endpoints: Endpoints, service: CoreService | undefined): boolean {
  const { labels = {}, annotations = {}, deletionTimestamp } = endpoints.metadata;
  return (
    deletionTimestamp === undefined &&
    labels[SKIP_LABEL] !== 'true' &&
    labels[ENDPOINTS_MANAGED_BY_LABEL] === undefined &&
    !Object.hasOwn(annotations, LEADER_ANNOTATION) &&
    service !== undefined &&
    Object.keys(service.spec.selector ?? {}).length === 0
  );
}

export function mirrorOf(
  { subsets = [] }: Pick<Endpoints, 'subsets'>,
  type: AddressType,
): readonly SliceContent[] {
  // Subsets with the same ports are one.
  const contents = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const subset of subsets) {
    const endpoints = endpointsOf(subset, type);
    if (endpoints.length === 0) continue;
    const ports = (subset.ports ?? []).map(({ name = '', protocol = 'TCP', ...port }) => ({
      name,
      protocol,
      ...port,
    }));
    const key = JSON.stringify(ports.map((port) => JSON.stringify(port)).toSorted());
    const content = contents.get(key) ?? { ports, endpoints: [] };
    contents.set(key, content);
    content.endpoints.push(...endpoints);
  }
  return [...contents.values()];
}

export function mirroredAnnotations({ metadata }: Endpoints): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(
      ([name]) => !UNCOPIED_ANNOTATIONS.includes(name),
    ),
  );
}

function endpointsOf(subset: EndpointSubset, type: AddressType): readonly Endpoint[] {
  const family = type === 'IPv4' ? 4 : 6;
  const make =
    (ready: boolean) =>
    ({ ip, hostname, nodeName, targetRef }: EndpointAddress): readonly Endpoint[] =>
      isIP(ip) === family
        ? [
            {
              addresses: [ip],
              conditions: { ready },
              ...(hostname === undefined || hostname === '' ? {} : { hostname }),
              ...(nodeName === undefined ? {} : { nodeName }),
              ...(targetRef === undefined ? {} : { targetRef }),
            },
          ]
        : [];
  const all = [
    ...(subset.addresses ?? []).flatMap(make(true)),
    ...(subset.notReadyAddresses ?? []).flatMap(make(false)),
  ];
  return all.slice(0, MAX_MIRRORED);
}
