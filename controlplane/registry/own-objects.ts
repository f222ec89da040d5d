// Objects by which programs of others find this server and what it gives out: the `kubernetes` Service and its endpoints, the
// range that Services get their addresses from, the priority classes of the system.
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { SERVICE_RANGE } from './service-addresses.ts';

const NAME = 'kubernetes';
const NAMESPACE = 'default';
/** The first of the range, as on any cluster. */
const CLUSTER_ADDRESS = '10.96.0.1';

export interface Reachable {
  /** IPv4 addresses that the server listens on, loopback only where there is no other. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/** Written as they are stored, defaults included: a start that changes nothing compares them and writes nothing. */
export function ownObjects({ addresses, port }: Reachable): readonly KubernetesObject[] {
  const metadata = { name: NAME, namespace: NAMESPACE };
  return [
    {
      kind: 'ServiceCIDR',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name: NAME },
      spec: { cidrs: [SERVICE_RANGE] },
    },
    priorityClass('system-cluster-critical', 2_000_000_000),
    priorityClass('system-node-critical', 2_000_001_000),
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { ...metadata, labels: { component: 'apiserver', provider: NAME } },
      spec: {
        type: 'ClusterIP',
        clusterIP: CLUSTER_ADDRESS,
        clusterIPs: [CLUSTER_ADDRESS],
        internalTrafficPolicy: 'Cluster',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
      },
    },
    {
      kind: 'Endpoints',
      apiVersion: 'v1',
      // Its slice is written here too.
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [
        {
          addresses: addresses.map((ip) => ({ ip })),
          ports: [{ name: 'https', port, protocol: 'TCP' }],
        },
      ],
    },
    {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': NAME } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({
        addresses: [address],
        conditions: { ready: true },
      })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    },
  ];
}

function priorityClass(name: string, value: number): KubernetesObject {
  return {
    kind: 'PriorityClass',
    apiVersion: 'scheduling.k8s.io/v1',
    metadata: { name },
    description: 'Of what the system cannot do without.',
    preemptionPolicy: 'PreemptLowerPriority',
    value,
  };
}
