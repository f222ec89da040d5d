// ResourceQuotas against the real control plane: what is shown as used follows what there is, whoever made or removed it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, ApiResource } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  NAMESPACES,
  PODS,
  RESOURCE_QUOTAS,
} from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

type Texts = Readonly<Record<string, string>>;

interface Quota extends ApiObject {
  readonly status?: { readonly hard?: Texts; readonly used?: Texts };
}

const REPLICA_SETS: ApiResource = {
  group: 'apps',
  version: 'v1',
  resource: 'replicasets',
  kind: 'ReplicaSet',
  namespaced: true,
};
const THINGS: ApiResource = {
  group: 'test.dev',
  version: 'v1',
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
};

const containers = [
  { name: 'c', image: 'i', resources: { requests: { cpu: '500m', memory: '252Mi' } } },
];

class Space {
  readonly #plane: TestControlPlane;
  readonly namespace: string;

  constructor(plane: TestControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
  }

  async create(resource: ApiResource, name: string, fields: object = {}): Promise<void> {
    const { client, signal } = this.#plane;
    await client.create(resource, this.namespace, { metadata: { name }, ...fields }, signal);
  }

  async remove(resource: ApiResource, name: string): Promise<void> {
    const { client, signal } = this.#plane;
    await client.delete(resource, this.namespace, name, {}, signal);
  }

  /** Waits until the quota `q` shows this, and nothing else, as used. */
  async used(name: string, expected: Texts): Promise<void> {
    const { client, signal } = this.#plane;
    await eventually(`${name} uses ${JSON.stringify(expected)}`, async () => {
      const quota = await client.get<Quota>(RESOURCE_QUOTAS, this.namespace, name, signal);
      assert.deepEqual(quota.status?.used, expected);
    });
  }
}

async function space(plane: TestControlPlane, name: string): Promise<Space> {
  await plane.client.create(NAMESPACES, '', { metadata: { name } }, plane.signal);
  return new Space(plane, name);
}

test('quotas show what is used, through the life of what they count', async (t) => {
  const plane = await TestControlPlane.start(t);
  const { client, signal } = plane;
  const stop = await plane.controllers(['resource-quota']);
  const one = await space(plane, 'one');
  const hard = {
    pods: '5',
    cpu: '1',
    'requests.memory': '500Mi',
    configmaps: '2',
    'count/replicasets.apps': '3',
    'count/things.test.dev': '4',
  };
  const empty = {
    pods: '0',
    cpu: '0',
    'requests.memory': '0',
    configmaps: '0',
    'count/replicasets.apps': '0',
  };
  await one.create(RESOURCE_QUOTAS, 'q', { spec: { hard } });
  await one.used('q', empty);
  const shown = await client.get<Quota>(RESOURCE_QUOTAS, 'one', 'q', signal);
  assert.deepEqual(shown.status?.hard, hard);

  await t.test('Pods by their amounts, until they end or go', async () => {
    await one.create(PODS, 'p', { spec: { containers } });
    const used = { ...empty, pods: '1', cpu: '500m', 'requests.memory': '252Mi' };
    await one.used('q', used);
    await assert.rejects(
      one.create(PODS, 'big', { spec: { containers: [...containers, ...containers] } }),
      RequestError,
    );
    const status = { phase: 'Succeeded' };
    await client.patch(PODS, 'one', 'p', 'status', 'merge', { status }, signal);
    await one.used('q', empty);
    await one.create(PODS, 'p2', { spec: { containers } });
    await one.used('q', used);
    await one.remove(PODS, 'p2');
    await one.used('q', empty);
  });

  await t.test('other kinds by their number, also such as come later', async () => {
    await one.create(CONFIG_MAPS, 'c');
    await one.create(REPLICA_SETS, 'r', {
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
      },
    });
    await one.used('q', { ...empty, configmaps: '1', 'count/replicasets.apps': '1' });
    await one.remove(CONFIG_MAPS, 'c');
    await one.remove(REPLICA_SETS, 'r');
    await one.used('q', empty);
    const schema = { openAPIV3Schema: { type: 'object' } };
    const crd = {
      metadata: { name: 'things.test.dev' },
      spec: {
        group: 'test.dev',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    };
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, '', crd, signal);
    await eventually('things are served', () => one.create(THINGS, 't'));
    await one.used('q', { ...empty, 'count/things.test.dev': '1' });
    await one.remove(THINGS, 't');
    await one.used('q', { ...empty, 'count/things.test.dev': '0' });
  });

  await t.test('what somebody writes into the status is put right', async () => {
    const wrong = { hard: { pods: '99' }, used: { pods: '42' } };
    await client.patch(RESOURCE_QUOTAS, 'one', 'q', 'status', 'merge', { status: wrong }, signal);
    await one.used('q', { ...empty, 'count/things.test.dev': '0' });
    const more = { hard: { configmaps: '7' } };
    await client.patch(RESOURCE_QUOTAS, 'one', 'q', '', 'merge', { spec: more }, signal);
    await eventually('the new limit is shown', async () => {
      const { status } = await client.get<Quota>(RESOURCE_QUOTAS, 'one', 'q', signal);
      assert.equal(status?.hard?.['configmaps'], '7');
    });
  });

  await t.test('scopes choose Pods', async () => {
    const two = await space(plane, 'two');
    for (const scope of ['BestEffort', 'NotBestEffort'])
      await two.create(RESOURCE_QUOTAS, scope.toLowerCase(), {
        spec: { hard: { pods: '5' }, scopes: [scope] },
      });
    await two.used('besteffort', { pods: '0' });
    await two.create(PODS, 'modest', { spec: { containers: [{ name: 'c', image: 'i' }] } });
    await two.used('besteffort', { pods: '1' });
    await two.used('notbesteffort', { pods: '0' });
    await two.create(PODS, 'asking', { spec: { containers } });
    await two.used('notbesteffort', { pods: '1' });
    await two.used('besteffort', { pods: '1' });
  });

  await t.test('what happened while nobody looked is counted', async () => {
    await stop();
    await one.create(CONFIG_MAPS, 'meanwhile');
    await plane.controllers(['resource-quota']);
    await one.used('q', { ...empty, configmaps: '1', 'count/things.test.dev': '0' });
  });
});
