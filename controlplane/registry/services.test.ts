// Core Services through the registry: the addresses and ports they get, keep and give back.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fieldAt, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
describe('core Services', () => {
  beforeEach(async () => (fixture = await openFixture()));
  afterEach(() => fixture.close());

  const ports = [{ port: 80 }];
  const service = (name: string, spec: object): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports, ...spec },
  });

  async function patch(name: string, spec: object): Promise<KubernetesObject> {
    const definition = fixture.kind('v1', 'services');
    const { stored } = await fixture.registry.patch(
      { definition, namespace: 'default', name },
      '',
      { type: 'merge', patch: { spec }, problems: [] },
      fixture.context(),
    );
    return decode(stored);
  }

  async function remove(name: string): Promise<void> {
    const definition = fixture.kind('v1', 'services');
    const target = { definition, namespace: 'default', name };
    await fixture.registry.delete(target, {}, fixture.context());
  }

  const addressOf = (object: KubernetesObject): string => stringAt(object, 'spec', 'clusterIP');
  const nodePortOf = (object: KubernetesObject): number =>
    numberAt(listAt(object, 'spec', 'ports')[0], 'nodePort');

  test('a plain Service', async () => {
    const made = await fixture.create(service('web', {}));
    const address = addressOf(made);
    assert.match(address, /^10\.96\.\d+\.\d+$/);
    assert.deepEqual(made['spec'], {
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      clusterIP: address,
      clusterIPs: [address],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
    });
    assert.deepEqual(made['status'], { loadBalancer: {} });
  });

  test('Services made at once get addresses and node ports of their own', async () => {
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        fixture.create(service(`web-${index}`, { type: 'NodePort' })),
      ),
    );
    assert.equal(new Set(made.map(addressOf)).size, 40);
    assert.equal(new Set(made.map(nodePortOf)).size, 40);
    for (const port of made.map(nodePortOf))
      assert.ok(port >= 30_000 && port <= 32_767, String(port));
  });

  test('what is taken is known after a restart, and free when its Service is gone', async () => {
    const chosen = {
      type: 'NodePort',
      clusterIP: '10.96.0.10',
      ports: [{ port: 80, nodePort: 30_080 }],
    };
    await fixture.create(service('first', chosen));
    fixture = await fixture.restart();
    await assert.rejects(
      fixture.create(service('second', { clusterIP: '10.96.0.10' })),
      /spec\.clusterIPs: .*failed to allocate IP 10\.96\.0\.10: provided IP is already allocated/,
    );
    await assert.rejects(
      fixture.create(service('second', { type: 'NodePort', ports: chosen.ports })),
      /spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/,
    );
    await remove('first');
    const made = await fixture.create(service('second', chosen));
    assert.equal(addressOf(made), '10.96.0.10');
  });

  test('a dry run takes nothing', async () => {
    await fixture.create(service('tried', { clusterIP: '10.96.0.20' }), { dryRun: true });
    assert.equal(
      addressOf(await fixture.create(service('real', { clusterIP: '10.96.0.20' }))),
      '10.96.0.20',
    );
  });

  describe('updates', () => {
    test('keep what the client does not repeat', async () => {
      const made = await fixture.create(service('web', { type: 'NodePort' }));
      const changed = await patch('web', {
        clusterIP: null,
        clusterIPs: null,
        ports: [{ port: 80, name: 'http' }],
      });
      assert.equal(addressOf(changed), addressOf(made));
      assert.equal(nodePortOf(changed), nodePortOf(made));
    });

    test('give node ports to a type that needs them, and take them from one that does not', async () => {
      const made = await fixture.create(service('web', {}));
      const outside = await patch('web', { type: 'NodePort' });
      assert.ok(nodePortOf(outside) >= 30_000);
      assert.equal(fieldAt(outside, 'spec', 'externalTrafficPolicy'), 'Cluster');
      const inside = await patch('web', { type: 'ClusterIP' });
      assert.equal(nodePortOf(inside), 0);
      assert.equal(fieldAt(inside, 'spec', 'externalTrafficPolicy'), undefined);
      assert.equal(addressOf(inside), addressOf(made));
    });

    test('to a name elsewhere give the address back, and back again get one', async () => {
      await fixture.create(service('web', {}));
      const named = await patch('web', { type: 'ExternalName', externalName: 'example.com' });
      for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
        assert.equal(fieldAt(named, 'spec', field), undefined, field);
      }
      assert.match(
        addressOf(await patch('web', { type: 'ClusterIP', externalName: null })),
        /^10\.96\./,
      );
    });

    test('cannot change an address', async () => {
      await fixture.create(service('web', { clusterIP: '10.96.0.30' }));
      await assert.rejects(
        patch('web', { clusterIP: '10.96.0.31', clusterIPs: ['10.96.0.31'] }),
        /spec\.clusterIPs\[0\]: Invalid value: .*may not change once set/,
      );
    });
  });

  test('headless Services have no address; without a selector they may have any family', async () => {
    const selected = await fixture.create(
      service('a', { clusterIP: 'None', selector: { a: 'b' } }),
    );
    assert.deepEqual(fieldAt(selected, 'spec', 'clusterIPs'), ['None']);
    assert.deepEqual(fieldAt(selected, 'spec', 'ipFamilies'), ['IPv4']);
    const free = await fixture.create(service('b', { clusterIP: 'None' }));
    assert.equal(fieldAt(free, 'spec', 'ipFamilyPolicy'), 'RequireDualStack');
    assert.deepEqual(fieldAt(free, 'spec', 'ipFamilies'), ['IPv4', 'IPv6']);
  });

  test('a load balancer that keeps client addresses has a port for health checks', async () => {
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
    const made = await fixture.create(service('lb', spec));
    assert.equal(fieldAt(made, 'spec', 'allocateLoadBalancerNodePorts'), true);
    assert.ok(numberAt(made, 'spec', 'healthCheckNodePort') >= 30_000);
  });

  describe('what is refused', () => {
    for (const [why, spec, message] of [
      [
        'an address of another range',
        { clusterIP: '192.0.2.1' },
        /The range of valid IPs is 10\.96\.0\.0\/12/,
      ],
      [
        'an address that is none',
        { clusterIP: 'here' },
        /spec\.clusterIPs\[0\]: Invalid value: "here": must be a valid IP address/,
      ],
      [
        'two addresses of which the first is another',
        { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'] },
        /first value must match `clusterIP`/,
      ],
      [
        'a node port inside',
        { ports: [{ port: 80, nodePort: 30_000 }] },
        /nodePort: Forbidden: may not be used when `type` is 'ClusterIP'/,
      ],
      [
        'a node port out of range',
        { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
        /The range of valid ports is 30000-32767/,
      ],
      [
        'no address for the outside',
        { type: 'NodePort', clusterIP: 'None' },
        /may not be set to 'None' for NodePort services/,
      ],
      [
        'one port twice',
        {
          ports: [
            { name: 'a', port: 80 },
            { name: 'b', port: 80 },
          ],
        },
        /spec\.ports\[1\]: Duplicate value/,
      ],
      [
        'two families',
        { ipFamilyPolicy: 'RequireDualStack' },
        /this cluster is not configured for dual-stack services/,
      ],
      [
        'another family',
        { ipFamilies: ['IPv6'] },
        /spec\.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster/,
      ],
      [
        'an external name with an address',
        { type: 'ExternalName', externalName: 'example.com', clusterIP: '10.96.0.1' },
        /spec\.clusterIPs: Forbidden: may not be set for ExternalName services/,
      ],
      [
        'a class without a load balancer',
        { loadBalancerClass: 'example.com/lb' },
        /may only be used when `type` is 'LoadBalancer'/,
      ],
    ] as const) {
      test(why, async () => {
        await assert.rejects(fixture.create(service('x', spec)), { code: 422, message });
      });
    }
  });

  test('the server names itself, and does not write what is there already', async () => {
    const signal = AbortSignal.timeout(60_000);
    const reachable = { addresses: ['192.0.2.1'], port: 6443 };
    await fixture.registry.announce(reachable, signal);
    const { revision } = fixture.store;
    await fixture.registry.announce(reachable, signal);
    assert.equal(fixture.store.revision, revision);
    const own = fixture.read('v1', 'services', 'default', 'kubernetes');
    assert.equal(fieldAt(own, 'spec', 'clusterIP'), '10.96.0.1');
    await fixture.registry.announce({ ...reachable, port: 7443 }, signal);
    const slice = fixture.read('discovery.k8s.io/v1', 'endpointslices', 'default', 'kubernetes');
    assert.equal(numberAt(listAt(slice, 'ports')[0], 'port'), 7443);
  });
});
