// What objects take of quotas, kind by kind.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatQuantity } from '../quantity.ts';
import { missingAmounts } from './pod-usage.ts';
import type { QuotaContainer, QuotaPod } from './quota-objects.ts';
import { kindCounted, usageOf } from './usage.ts';

function shown(kind: string, object: object): Readonly<Record<string, string>> {
  const usage = usageOf(kind, object, 0);
  return Object.fromEntries([...usage].map(([name, amount]) => [name, formatQuantity(amount)]));
}

const box = (name: string, cpu: string, more: object = {}): QuotaContainer => ({
  name,
  resources: { requests: { cpu } },
  ...more,
});

suite('Pods', () => {
  const pod = (
    spec: NonNullable<QuotaPod['spec']>,
    status: NonNullable<QuotaPod['status']> = {},
  ): QuotaPod => ({
    metadata: { name: 'p' },
    spec,
    status,
  });
  const table: readonly (readonly [title: string, pod: QuotaPod, cpu: string])[] = [
    ['containers together', pod({ containers: [box('a', '1'), box('b', '500m')] }), '1500m'],
    [
      'a larger init container',
      pod({ containers: [box('a', '1')], initContainers: [box('i', '3'), box('j', '2')] }),
      '3',
    ],
    [
      'sidecars beside all that run after them',
      pod({
        containers: [box('a', '1')],
        initContainers: [
          box('first', '2'),
          box('side', '1', { restartPolicy: 'Always' }),
          box('second', '2'),
        ],
      }),
      '3',
    ],
    ['its overhead', pod({ containers: [box('a', '1')], overhead: { cpu: '250m' } }), '1250m'],
    [
      'its own amount before that of its containers',
      pod({ containers: [box('a', '1')], resources: { requests: { cpu: '4' } } }),
      '4',
    ],
    [
      'the larger amount while it is resized',
      pod(
        { containers: [box('a', '1')] },
        { containerStatuses: [{ name: 'a', resources: { requests: { cpu: '2' } } }] },
      ),
      '2',
    ],
  ];
  for (const [title, object, cpu] of table)
    test(title, () => {
      const expected = { 'count/pods': '1', pods: '1', cpu, 'requests.cpu': cpu };
      assert.deepEqual(shown('pods', object), expected);
    });

  test('extended resources and huge pages have names of their own', () => {
    const requests = { 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' };
    const containers = [{ name: 'a', resources: { requests, limits: requests } }];
    assert.deepEqual(shown('pods', pod({ containers })), {
      'count/pods': '1',
      pods: '1',
      'requests.example.com/gpu': '2',
      'hugepages-2Mi': '4Mi',
      'requests.hugepages-2Mi': '4Mi',
    });
  });

  test('what is to be named must be named by each container, or by the Pod', () => {
    const containers = [box('b', '1'), { name: 'a' }];
    const names = ['requests.cpu', 'limits.memory', 'pods', 'requests.example.com/gpu'];
    assert.equal(
      missingAmounts(pod({ containers }), names),
      'must specify limits.memory for: a,b; requests.cpu for: a',
    );
    const resources = { requests: { cpu: '1' }, limits: { memory: '1' } };
    assert.equal(missingAmounts(pod({ containers, resources }), names), undefined);
  });
});

test('claims take storage, of their class too', () => {
  const claim = (spec: object, metadata: object = {}): object => ({
    metadata,
    spec: { resources: { requests: { storage: '1Gi' } }, ...spec },
  });
  const plain = {
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
    'requests.storage': '1Gi',
  };
  assert.deepEqual(shown('persistentvolumeclaims', claim({})), plain);
  assert.deepEqual(shown('persistentvolumeclaims', claim({ storageClassName: 'fast' })), {
    ...plain,
    'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'fast.storageclass.storage.k8s.io/requests.storage': '1Gi',
  });
});

test('Services take the ports of nodes that they open', () => {
  const ports = [{}, { nodePort: 30_000 }];
  const table: readonly (readonly [spec: object, nodePorts: string, balancers: string])[] = [
    [{ ports }, '0', '0'],
    [{ type: 'NodePort', ports }, '2', '0'],
    [{ type: 'LoadBalancer', ports }, '2', '1'],
    [{ type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false }, '1', '1'],
  ];
  for (const [spec, nodePorts, balancers] of table)
    assert.deepEqual(shown('services', { metadata: {}, spec }), {
      'count/services': '1',
      services: '1',
      'services.nodeports': nodePorts,
      'services.loadbalancers': balancers,
    });
});

test('ResourceClaims take the devices of each class that they may get at most', () => {
  const requests = [
    { exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
    { exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
    {
      firstAvailable: [
        { deviceClassName: 'gpu', count: 4 },
        { deviceClassName: 'gpu', count: 1 },
        { deviceClassName: 'fpga' },
      ],
    },
  ];
  const claim = { metadata: { name: 'c' }, spec: { devices: { requests } } };
  assert.deepEqual(shown('resourceclaims.resource.k8s.io', claim), {
    'count/resourceclaims.resource.k8s.io': '1',
    'gpu.deviceclass.resource.k8s.io/devices': '6',
    'nic.deviceclass.resource.k8s.io/devices': '32',
    'fpga.deviceclass.resource.k8s.io/devices': '1',
  });
});

test('each name of a quota is about one kind, or about nothing that is counted', () => {
  const table: readonly (readonly [name: string, kind: string | undefined])[] = [
    ['pods', 'pods'],
    ['gpu.deviceclass.resource.k8s.io/devices', 'resourceclaims.resource.k8s.io'],
    ['count/resourceclaims.resource.k8s.io', 'resourceclaims.resource.k8s.io'],
    ['cpu', 'pods'],
    ['limits.ephemeral-storage', 'pods'],
    ['requests.example.com/gpu', 'pods'],
    ['hugepages-1Gi', 'pods'],
    ['requests.storage', 'persistentvolumeclaims'],
    ['fast.storageclass.storage.k8s.io/requests.storage', 'persistentvolumeclaims'],
    ['services.nodeports', 'services'],
    ['secrets', 'secrets'],
    ['count/deployments.apps', 'deployments.apps'],
    ['example.com/gpu', undefined],
    ['limits.storage', undefined],
  ];
  for (const [name, kind] of table) assert.equal(kindCounted(name), kind, name);
});
