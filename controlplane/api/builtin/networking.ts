// Kinds of networking.k8s.io/v1 and discovery.k8s.io/v1.
import { listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { column, namedTable, orNone, shortList } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';
import { selectorCell } from './workload-cells.ts';

const networking = { group: 'networking.k8s.io', version: 'v1' } as const;
const MOST_HOSTS = 3;

function hostsOf(object: KubernetesObject): string {
  const rules = listAt(object, 'spec', 'rules');
  const hosts = rules.map((rule) => stringAt(rule, 'host')).filter((host) => host !== '');
  return shortList(hosts, MOST_HOSTS, '*');
}

const ingressTable = namedTable(
  [column('Class'), column('Hosts'), column('Address'), column('Ports')],
  (object) => {
    const addresses = listAt(object, 'status', 'loadBalancer', 'ingress')
      .map((entry) => stringAt(entry, 'ip') || stringAt(entry, 'hostname'))
      .filter((address) => address !== '');
    return [
      orNone(stringAt(object, 'spec', 'ingressClassName')),
      hostsOf(object),
      [...new Set(addresses)].toSorted().join(','),
      listAt(object, 'spec', 'tls').length > 0 ? '80, 443' : '80',
    ];
  },
);

const ingressClassTable = namedTable([column('Controller'), column('Parameters')], (object) => {
  const parameters = objectAt(object, 'spec', 'parameters');
  const group = stringAt(parameters, 'apiGroup');
  const kind = `${stringAt(parameters, 'kind')}${group === '' ? '' : `.${group}`}`;
  return [
    stringAt(object, 'spec', 'controller'),
    kind === '' ? '<none>' : `${kind}/${stringAt(parameters, 'name')}`,
  ];
});

const ipAddressTable = namedTable([column('ParentRef')], (object) => {
  const parent = objectAt(object, 'spec', 'parentRef');
  const resource = stringAt(parent, 'resource');
  if (resource === '') return ['<none>'];
  const group = stringAt(parent, 'group');
  const namespace = stringAt(parent, 'namespace');
  const where = `${resource}${group === '' ? '' : `.${group}`}`.toLowerCase();
  return [`${where}${namespace === '' ? '' : `/${namespace}`}/${stringAt(parent, 'name')}`];
});

function portOf(port: unknown): string {
  const number = numberAt(port, 'port');
  return number > 0 ? String(number) : stringAt(port, 'name') || '*';
}

const endpointSliceTable = namedTable(
  [column('AddressType'), column('Ports'), column('Endpoints')],
  (object) => [
    stringAt(object, 'addressType'),
    shortList(listAt(object, 'ports').map(portOf), MOST_HOSTS, '<unset>'),
    shortList(
      listAt(object, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String)),
      MOST_HOSTS,
      '<unset>',
    ),
  ],
);

export const networkingKinds: readonly KindRow[] = [
  {
    ...networking,
    kind: 'IngressClass',
    resource: 'ingressclasses',
    namespaced: false,
    table: ingressClassTable,
  },
  {
    ...networking,
    kind: 'Ingress',
    resource: 'ingresses',
    namespaced: true,
    shortNames: ['ing'],
    subresources: [statusSubresource],
    table: ingressTable,
  },
  {
    ...networking,
    kind: 'IPAddress',
    resource: 'ipaddresses',
    namespaced: false,
    shortNames: ['ip'],
    selectableFields: {
      'spec.parentRef.group': (object) => stringAt(object, 'spec', 'parentRef', 'group'),
      'spec.parentRef.resource': (object) => stringAt(object, 'spec', 'parentRef', 'resource'),
      'spec.parentRef.namespace': (object) => stringAt(object, 'spec', 'parentRef', 'namespace'),
      'spec.parentRef.name': (object) => stringAt(object, 'spec', 'parentRef', 'name'),
    },
    table: ipAddressTable,
  },
  {
    ...networking,
    kind: 'NetworkPolicy',
    resource: 'networkpolicies',
    namespaced: true,
    shortNames: ['netpol'],
    table: namedTable([column('Pod-Selector')], (object) => [
      selectorCell(objectAt(object, 'spec', 'podSelector')),
    ]),
  },
  {
    ...networking,
    kind: 'ServiceCIDR',
    resource: 'servicecidrs',
    namespaced: false,
    subresources: [statusSubresource],
    table: namedTable([column('CIDRs')], (object) => [
      listAt(object, 'spec', 'cidrs').map(String).join(','),
    ]),
  },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    resource: 'endpointslices',
    namespaced: true,
    table: endpointSliceTable,
  },
];
