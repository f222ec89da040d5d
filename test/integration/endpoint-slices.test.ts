// Endpoints and EndpointSlices of core Services, and the mirrors of hand-made Endpoints, against the real control plane: as kubectl
// and programs of others see them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { Endpoints, EndpointSlice } from '#controllers/endpoint-slice/types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import {
  CORE_SERVICES,
  ENDPOINT_SLICES,
  ENDPOINTS,
  NODES,
  PODS,
} from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';

const CONTROLLERS = ['endpoint-slice', 'endpoint-slice-mirroring', 'garbage-collector'];

class Bench {
  readonly plane: TestControlPlane;

  constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  /** A Pod that says that it is there. */
  async pod(name: string, ip: string, ready = true): Promise<void> {
    const { client, signal } = this.plane;
    const containers = [{ name: 'c', image: 'a', ports: [{ name: 'http', containerPort: 8080 }] }];
    const metadata = { name, labels: { app: 'web' } };
    const spec = { containers, nodeName: 'n1', terminationGracePeriodSeconds: 600 };
    await client.create(PODS, 'default', { metadata, spec }, signal);
    await this.report(name, ip, ready);
  }

  async report(name: string, ip: string, ready: boolean): Promise<void> {
    const { client, signal } = this.plane;
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
    await client.patch(PODS, 'default', name, 'status', 'strategic', { status }, signal);
  }

  async slices(service: string): Promise<readonly EndpointSlice[]> {
    const { client, signal } = this.plane;
    const labelSelector = `kubernetes.io/service-name=${service}`;
    const selectors = { namespace: 'default', labelSelector };
    const { items } = await client.list<EndpointSlice>(ENDPOINT_SLICES, selectors, signal);
    return items;
  }

  endpoints(name: string): Promise<Endpoints> {
    const { client, signal } = this.plane;
    return client.get<Endpoints>(ENDPOINTS, 'default', name, signal);
  }

  /** Waits until the one slice of a Service has these: address → conditions that hold. */
  has(service: string, expected: Readonly<Record<string, string>>): Promise<EndpointSlice> {
    return eventually(`${service} has ${JSON.stringify(expected)}`, async () => {
      const [slice, ...others] = await this.slices(service);
      assert.ok(slice);
      assert.equal(others.length, 0);
      const found = (slice.endpoints ?? []).map(({ addresses, conditions = {} }) => [
        addresses.join(' '),
        Object.entries(conditions)
          .filter(([, holds]) => holds)
          .map(([name]) => name)
          .toSorted()
          .join(' '),
      ]);
      assert.deepEqual(Object.fromEntries(found), expected);
      return slice;
    });
  }
}

test(
  'a Service has the Pods that it selects, through their lives, and what is written is written once',
  needs(missingKubectl()),
  async (t) => {
    const bench = new Bench(await TestControlPlane.start(t));
    const { client, signal, kubeconfig, folder } = bench.plane;
    await bench.plane.controllers(CONTROLLERS);
    const kubectl = new Kubectl(kubeconfig, folder);
    const zone = { 'topology.kubernetes.io/zone': 'z1' };
    await client.create(NODES, '', { metadata: { name: 'n1', labels: zone } }, signal);
    const spec = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] };
    const metadata = { name: 'web', labels: { team: 'a' } };
    await client.create(CORE_SERVICES, 'default', { metadata, spec }, signal);
    const empty = await bench.has('web', {});
    assert.equal(empty.metadata.labels?.['team'], 'a');
    assert.equal(
      empty.metadata.labels['endpointslice.kubernetes.io/managed-by'],
      'endpointslice-controller.k8s.io',
    );

    await bench.pod('p1', '10.1.0.1');
    await bench.pod('p2', '10.1.0.2', false);
    const filled = await bench.has('web', { '10.1.0.1': 'ready serving', '10.1.0.2': '' });
    assert.deepEqual(filled.ports, [{ name: '', port: 8080, protocol: 'TCP' }]);
    assert.equal(filled.endpoints?.[0]?.zone, 'z1');
    await eventually('its Endpoints have them too', async () => {
      const { subsets = [], metadata: written } = await bench.endpoints('web');
      assert.deepEqual(
        subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => [
          addresses.map(({ ip }) => ip),
          notReadyAddresses.map(({ ip }) => ip),
          ports,
        ]),
        [[['10.1.0.1'], ['10.1.0.2'], [{ port: 8080, protocol: 'TCP' }]]],
      );
      assert.equal(written.labels?.['team'], 'a');
    });
    assert.match(await kubectl.ok(['get', 'endpoints', 'web']), /^web +10\.1\.0\.1:8080 /m);
    const shown = await kubectl.ok([
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=web',
    ]);
    assert.match(shown, /^web-\S+ +IPv4 +8080 +10\.1\.0\.1,10\.1\.0\.2 /m);

    // One becomes ready and the other leaves: it serves to its end, and is in Endpoints no more.
    await bench.report('p2', '10.1.0.2', true);
    await client.delete(PODS, 'default', 'p1', {}, signal);
    const both = { '10.1.0.1': 'serving terminating', '10.1.0.2': 'ready serving' };
    const before = await bench.has('web', both);
    await eventually('Endpoints name one', async () => {
      const { subsets = [] } = await bench.endpoints('web');
      const ips = subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
      assert.deepEqual(ips, ['10.1.0.2']);
    });

    // What says nothing about endpoints changes nothing: another Service shows that it was seen.
    await client.patch(
      PODS,
      'default',
      'p2',
      '',
      'merge',
      { metadata: { annotations: { seen: 'yes' } } },
      signal,
    );
    const all = { selector: { app: 'web' }, publishNotReadyAddresses: true, clusterIP: 'None' };
    await client.create(CORE_SERVICES, 'default', { metadata: { name: 'all' }, spec: all }, signal);
    const headless = await bench.has('all', {
      '10.1.0.1': 'ready serving terminating',
      '10.1.0.2': 'ready serving',
    });
    assert.deepEqual(headless.ports ?? [], []);
    assert.equal(headless.metadata.labels?.['service.kubernetes.io/headless'], '');
    const [after] = await bench.slices('web');
    assert.equal(after?.metadata.resourceVersion, before.metadata.resourceVersion);

    // What somebody changes by hand is put right, and all of it goes with the Service.
    const wrong = { endpoints: [] };
    const { name } = before.metadata;
    await client.patch(ENDPOINT_SLICES, 'default', name, '', 'merge', wrong, signal);
    await client.delete(ENDPOINTS, 'default', 'web', {}, signal);
    await bench.has('web', both);
    await eventually('Endpoints are back', () => bench.endpoints('web'));
    await kubectl.ok(['delete', 'service', 'web']);
    await eventually('nothing is left', async () => {
      assert.deepEqual(await bench.slices('web'), []);
      await assert.rejects(bench.endpoints('web'), isNotFound);
    });
  },
);

test('Endpoints that somebody wrote are mirrored, followed and left alone where they say so', async (t) => {
  const bench = new Bench(await TestControlPlane.start(t));
  const { client, signal } = bench.plane;
  await bench.plane.controllers(CONTROLLERS);
  const make = (name: string, labels: object = {}): Promise<ApiObject> => {
    const subsets = [{ addresses: [{ ip: '10.2.0.1' }], ports: [{ name: 'db', port: 5432 }] }];
    return client.create(ENDPOINTS, 'default', { metadata: { name, labels }, subsets }, signal);
  };
  const spec = { ports: [{ name: 'db', port: 5432 }] };
  await make('db', { team: 'a' });
  for (const name of ['quiet', 'db'])
    await client.create(CORE_SERVICES, 'default', { metadata: { name }, spec }, signal);
  await make('quiet', { 'endpointslice.kubernetes.io/skip-mirror': 'true' });
  const mirror = await bench.has('db', { '10.2.0.1': 'ready' });
  assert.deepEqual(mirror.ports, [{ name: 'db', port: 5432, protocol: 'TCP' }]);
  assert.equal(mirror.metadata.labels?.['team'], 'a');
  assert.equal(
    mirror.metadata.labels['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io',
  );

  const subsets = [
    {
      addresses: [{ ip: '10.2.0.2' }],
      notReadyAddresses: [{ ip: '10.2.0.3' }],
      ports: [{ name: 'db', port: 5432 }],
    },
  ];
  await client.patch(ENDPOINTS, 'default', 'db', '', 'merge', { subsets }, signal);
  const followed = await bench.has('db', { '10.2.0.2': 'ready', '10.2.0.3': '' });
  assert.equal(followed.metadata.name, mirror.metadata.name);
  assert.deepEqual(await bench.slices('quiet'), []);

  // A Service that selects Pods after all has their endpoints, and its mirror goes.
  const selector = { app: 'nobody' };
  await client.patch(CORE_SERVICES, 'default', 'db', '', 'merge', { spec: { selector } }, signal);
  const own = await bench.has('db', {});
  assert.equal(
    own.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslice-controller.k8s.io',
  );

  await make('later');
  await client.create(CORE_SERVICES, 'default', { metadata: { name: 'later' }, spec }, signal);
  await bench.has('later', { '10.2.0.1': 'ready' });
  await client.delete(ENDPOINTS, 'default', 'later', {}, signal);
  await eventually('the mirror is gone', async () =>
    assert.deepEqual(await bench.slices('later'), []),
  );
});
