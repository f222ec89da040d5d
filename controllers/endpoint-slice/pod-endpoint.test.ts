import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMirrored, mirrorOf } from './mirror.ts';
import { planSubsets } from './plan-subsets.ts';
import { addressOf, endpointOf, isSelecting, portsOf } from './pod-endpoint.ts';
import type { CoreService, Endpoints, Pod } from './types.ts';

const metadata = (name: string, more: object = {}): Pod['metadata'] => ({
  name,
  namespace: 'ns',
  uid: `uid-${name}`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

function service(spec: CoreService['spec']): CoreService {
  return { metadata: metadata('web'), spec };
}

interface PodChange {
  readonly metadata?: object;
  readonly spec?: object;
  readonly ready?: boolean;
}

function pod({ metadata: more, spec, ready = true }: PodChange = {}): Pod {
  const ports = [
    { name: 'http', containerPort: 8080, protocol: 'TCP' },
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
  ];
  return {
    metadata: metadata('p', more),
    spec: { containers: [{ name: 'c', ports }], nodeName: 'n', ...spec },
    status: {
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

test('conditions follow the readiness and the end of a Pod', () => {
  const leaving = { deletionTimestamp: '2026-01-01T00:00:10Z' };
  const table: readonly [Pod, boolean, object][] = [
    [pod(), false, { ready: true, serving: true, terminating: false }],
    [pod({ ready: false }), false, { ready: false, serving: false, terminating: false }],
    [pod({ metadata: leaving }), false, { ready: false, serving: true, terminating: true }],
    [pod({ ready: false }), true, { ready: true, serving: false, terminating: false }],
    [pod({ metadata: leaving }), true, { ready: true, serving: true, terminating: true }],
  ];
  for (const [one, publishNotReadyAddresses, expected] of table) {
    const { conditions } = endpointOf(
      service({ publishNotReadyAddresses }),
      one,
      '10.0.0.1',
      undefined,
    );
    assert.deepEqual(conditions, expected);
  }
});

test('an endpoint says where it is, and its name where the Pod asks for one below the Service', () => {
  const node = { metadata: metadata('n', { labels: { 'topology.kubernetes.io/zone': 'z' } }) };
  const named = pod({ spec: { hostname: 'db-0', subdomain: 'web' } });
  const near = service({ trafficDistribution: 'PreferSameNode' });
  assert.deepEqual(endpointOf(near, named, '10.0.0.1', node), {
    addresses: ['10.0.0.1'],
    conditions: { ready: true, serving: true, terminating: false },
    hostname: 'db-0',
    nodeName: 'n',
    zone: 'z',
    targetRef: { kind: 'Pod', namespace: 'ns', name: 'p', uid: 'uid-p' },
    hints: { forZones: [{ name: 'z' }], forNodes: [{ name: 'n' }] },
  });
  const elsewhere = pod({ spec: { hostname: 'db-0', subdomain: 'other' } });
  assert.equal(endpointOf(service({}), elsewhere, '10.0.0.1', node).hostname, undefined);
});

test('ports are found by number, or by name and protocol, also of init containers that go on', () => {
  const ports = [
    { name: 'a', port: 80, targetPort: 'http' },
    { name: 'b', port: 53, targetPort: 'dns', protocol: 'UDP' },
    { name: 'c', port: 53, targetPort: 'dns', protocol: 'TCP' },
    { name: 'd', port: 90, targetPort: 9090, appProtocol: 'h2c' },
    { name: 'e', port: 99, targetPort: 'beside' },
  ];
  const beside = {
    name: 'i',
    restartPolicy: 'Always',
    ports: [{ name: 'beside', containerPort: 99 }],
  };
  const found = portsOf(service({ ports }), pod({ spec: { initContainers: [beside] } }));
  assert.deepEqual(found, [
    { name: 'a', port: 8080, protocol: 'TCP' },
    { name: 'b', port: 53, protocol: 'UDP' },
    { name: 'd', port: 9090, protocol: 'TCP', appProtocol: 'h2c' },
    { name: 'e', port: 99, protocol: 'TCP' },
  ]);
});

test('addresses are taken by family, and only Services that select Pods have them', () => {
  assert.equal(addressOf(pod(), 'IPv4'), '10.0.0.1');
  assert.equal(addressOf(pod(), 'IPv6'), 'fd00::1');
  assert.equal(addressOf({ ...pod(), status: {} }, 'IPv4'), undefined);
  assert.ok(isSelecting(service({ selector: { app: 'web' } })));
  assert.ok(!isSelecting(service({ selector: {} })));
  assert.ok(!isSelecting(service({ type: 'ExternalName', selector: { app: 'web' } })));
});

test('subsets put addresses together that have the same ports', () => {
  const http = { name: 'http', port: 80, protocol: 'TCP' };
  const metrics = { name: 'metrics', port: 90, protocol: 'TCP' };
  const { subsets, truncated } = planSubsets([
    { address: { ip: '10.0.0.2' }, ready: true, ports: [http, metrics] },
    { address: { ip: '10.0.0.1' }, ready: false, ports: [http] },
  ]);
  assert.equal(truncated, false);
  assert.deepEqual(subsets, [
    {
      addresses: [{ ip: '10.0.0.2' }],
      notReadyAddresses: [{ ip: '10.0.0.1' }],
      ports: [http],
    },
    { addresses: [{ ip: '10.0.0.2' }], ports: [metrics] },
  ]);
  const unnamed = planSubsets([
    { address: { ip: '10.0.0.1' }, ready: true, ports: [{ name: '', port: 80, protocol: 'TCP' }] },
  ]);
  assert.deepEqual(unnamed.subsets, [
    { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] },
  ]);
});

test('Endpoints hold a thousand addresses, those that serve first', () => {
  const rows = Array.from({ length: 1001 }, (_, index) => ({
    address: { ip: `10.0.${Math.floor(index / 250)}.${index % 250}` },
    ready: index === 1000,
    ports: [],
  }));
  const { subsets, truncated } = planSubsets(rows);
  assert.equal(truncated, true);
  assert.equal(subsets[0]?.addresses?.length, 1);
  assert.equal(subsets[0].notReadyAddresses?.length, 999);
});

test('hand-made Endpoints are mirrored by family, unless they say no or the Service selects Pods', () => {
  const by: Endpoints = {
    metadata: metadata('db'),
    subsets: [
      {
        addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
        notReadyAddresses: [{ ip: '10.0.0.2', hostname: 'two' }],
        ports: [{ port: 5432 }],
      },
    ],
  };
  assert.deepEqual(mirrorOf(by, 'IPv4'), [
    {
      ports: [{ name: '', protocol: 'TCP', port: 5432 }],
      endpoints: [
        { addresses: ['10.0.0.1'], conditions: { ready: true } },
        { addresses: ['10.0.0.2'], conditions: { ready: false }, hostname: 'two' },
      ],
    },
  ]);
  assert.equal(mirrorOf(by, 'IPv6')[0]?.endpoints.length, 1);
  const labelled = (labels: Readonly<Record<string, string>>): Endpoints => ({
    ...by,
    metadata: metadata('db', { labels }),
  });
  assert.ok(isMirrored(by, service({})));
  assert.ok(!isMirrored(by, undefined));
  assert.ok(!isMirrored(by, service({ selector: { app: 'db' } })));
  const skipping = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  assert.ok(!isMirrored(labelled(skipping), service({})));
  const managed = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };
  assert.ok(!isMirrored(labelled(managed), service({})));
});
