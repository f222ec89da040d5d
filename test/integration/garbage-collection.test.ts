// The garbage collector against the real control plane: built-in kinds and custom ones, as owners and as dependents.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject, ApiResource, DeleteRequest } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  EVENTS,
  LEASES,
  NODES,
  SERVICE_ACCOUNTS,
} from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const WIDGETS: ApiResource = {
  group: 'example.org',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
};
const WIDGET_DEFINITION = {
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};

interface Options {
  readonly owners?: readonly object[];
  readonly finalizers?: readonly string[];
  readonly namespace?: string;
}

class Bench {
  readonly plane: TestControlPlane;

  private constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  static async start(t: TestContext, others: readonly string[] = []): Promise<Bench> {
    const bench = new Bench(await TestControlPlane.start(t));
    await bench.plane.controllers([...others, 'garbage-collector']);
    return bench;
  }

  make(name: string, options: Options = {}, resource = CONFIG_MAPS): Promise<ApiObject> {
    const { owners = [], finalizers = [], namespace = 'default' } = options;
    const metadata = { name, ownerReferences: owners, finalizers };
    return this.plane.client.create(resource, namespace, { metadata }, this.plane.signal);
  }

  delete(name: string, request: DeleteRequest, resource = CONFIG_MAPS): Promise<void> {
    return this.plane.client.delete(resource, 'default', name, request, this.plane.signal);
  }

  async get(name: string, resource = CONFIG_MAPS): Promise<ApiObject | undefined> {
    try {
      return await this.plane.client.get(resource, 'default', name, this.plane.signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  gone(name: string, resource = CONFIG_MAPS): Promise<void> {
    return eventually(`${name} is gone`, async () =>
      assert.equal(await this.get(name, resource), undefined),
    );
  }

  release(name: string): Promise<unknown> {
    const patch = { metadata: { finalizers: null } };
    return this.plane.client.patch(
      CONFIG_MAPS,
      'default',
      name,
      '',
      'merge',
      patch,
      this.plane.signal,
    );
  }

  /** Until the collector has looked at everything that came before: it takes a stray away. */
  async sentinel(): Promise<void> {
    const stray = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'nobody' };
    await this.make('sentinel', { owners: [stray] });
    await this.gone('sentinel');
  }
}

function owning(object: ApiObject, change: object = {}, resource = CONFIG_MAPS): object {
  const { group, version, kind } = resource;
  const { name, uid } = object.metadata;
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind, name, uid, ...change };
}

test('deleting an owner in the background takes its dependents along, and theirs', async (t) => {
  const bench = await Bench.start(t);
  const owner = await bench.make('owner');
  const child = await bench.make('child', { owners: [owning(owner)] }, SERVICE_ACCOUNTS);
  await bench.make('grandchild', { owners: [owning(child, {}, SERVICE_ACCOUNTS)] });
  await bench.make('bystander');
  await bench.sentinel();
  await bench.delete('owner', { propagationPolicy: 'Background' });
  await bench.gone('child', SERVICE_ACCOUNTS);
  await bench.gone('grandchild');
  assert.ok(await bench.get('bystander'));
});

test('deleting an owner with Orphan leaves its dependents, without the reference', async (t) => {
  const bench = await Bench.start(t);
  const owner = await bench.make('owner');
  const other = await bench.make('other');
  await bench.make('child', { owners: [owning(owner), owning(other)] });
  await bench.make('only', { owners: [owning(owner)] });
  await bench.sentinel();
  await bench.delete('owner', { propagationPolicy: 'Orphan' });
  await bench.gone('owner');
  await bench.sentinel();
  const child = await bench.get('child');
  assert.deepEqual(
    child?.metadata.ownerReferences?.map(({ name }) => name),
    ['other'],
  );
  const only = await bench.get('only');
  assert.equal(only?.metadata.ownerReferences?.length ?? 0, 0);
  assert.equal(only?.metadata.deletionTimestamp, undefined);
});

test('deleting an owner in the foreground waits for the dependents that block it', async (t) => {
  const bench = await Bench.start(t);
  const owner = await bench.make('owner');
  const held = { finalizers: ['example.org/hold'] };
  await bench.make('blocking', { ...held, owners: [owning(owner, { blockOwnerDeletion: true })] });
  await bench.make('loose', { ...held, owners: [owning(owner)] });
  await bench.sentinel();
  await bench.delete('owner', { propagationPolicy: 'Foreground' });
  await eventually('both are going', async () => {
    for (const name of ['blocking', 'loose']) {
      assert.ok((await bench.get(name))?.metadata.deletionTimestamp, name);
    }
  });
  await bench.sentinel();
  assert.ok((await bench.get('owner'))?.metadata.deletionTimestamp);
  await bench.release('blocking');
  await bench.gone('owner');
  assert.ok(await bench.get('loose'));
  await bench.release('loose');
});

test('deleting one of a circle of owners in the foreground ends', async (t) => {
  const bench = await Bench.start(t);
  const first = await bench.make('first');
  const block = { blockOwnerDeletion: true };
  const second = await bench.make('second', { owners: [owning(first, block)] });
  const patch = { metadata: { ownerReferences: [owning(second, block)] } };
  await bench.plane.client.patch(
    CONFIG_MAPS,
    'default',
    'first',
    '',
    'merge',
    patch,
    bench.plane.signal,
  );
  await bench.sentinel();
  await bench.delete('first', { propagationPolicy: 'Foreground' });
  await bench.gone('second');
  await bench.gone('first');
});

test('a dependent with another owner stays, and forgets the one that is gone', async (t) => {
  const bench = await Bench.start(t);
  const [one, two] = [await bench.make('one'), await bench.make('two')];
  await bench.make('child', { owners: [owning(one), owning(two)] });
  await bench.sentinel();
  await bench.delete('one', {});
  await eventually('the reference is dropped', async () => {
    const child = await bench.get('child');
    assert.deepEqual(
      child?.metadata.ownerReferences?.map(({ name }) => name),
      ['two'],
    );
  });
});

test('an owner is its uid, not its name', async (t) => {
  const bench = await Bench.start(t);
  const owner = await bench.make('owner');
  await bench.make('child', { owners: [owning(owner, { uid: 'an earlier one' })] });
  await bench.gone('child');
  assert.ok(await bench.get('owner'));
});

test('an owner in another namespace is none, and that is told', async (t) => {
  const bench = await Bench.start(t);
  const owner = await bench.make('owner', { namespace: 'kube-system' });
  await bench.sentinel();
  await bench.make('child', { owners: [owning(owner)] });
  await bench.gone('child');
  await eventually('an event says why', async () => {
    const { items } = await bench.plane.client.list<ApiObject & { readonly reason?: string }>(
      EVENTS,
      { namespace: 'default' },
      bench.plane.signal,
    );
    assert.ok(items.some(({ reason }) => reason === 'OwnerRefInvalidNamespace'));
  });
});

test('custom resources own and are owned, from the moment their kind is there until it is gone', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  await bench.sentinel();
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, '', WIDGET_DEFINITION, signal);
  const widget = await eventually('widgets can be made', () => bench.make('widget', {}, WIDGETS));
  const owner = await bench.make('owner');
  await bench.make('part', { owners: [owning(owner)] }, WIDGETS);
  await bench.make('settings', { owners: [owning(widget, {}, WIDGETS)] });
  await bench.delete('owner', {});
  await bench.gone('part', WIDGETS);
  assert.ok(await bench.get('settings'));
  await client.delete(CUSTOM_RESOURCE_DEFINITIONS, '', 'widgets.example.org', {}, signal);
  await bench.gone('settings');
});

test('a kind that comes and goes at once does not stop the collector', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  for (let round = 0; round < 3; round += 1) {
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, '', WIDGET_DEFINITION, signal);
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, '', 'widgets.example.org', {}, signal);
    await eventually('the definition is gone', async () =>
      assert.equal(
        (
          await client.list(
            CUSTOM_RESOURCE_DEFINITIONS,
            { fieldSelector: 'metadata.name=widgets.example.org' },
            signal,
          )
        ).items.length,
        0,
      ),
    );
  }
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, '', WIDGET_DEFINITION, signal);
  const owner = await bench.make('owner');
  await eventually('widgets can be made', () =>
    bench.make('part', { owners: [owning(owner)] }, WIDGETS),
  );
  await bench.delete('owner', {});
  await bench.gone('part', WIDGETS);
});

test('what other controllers watch is not watched twice, and collected all the same: the Lease of a Node', async (t) => {
  const bench = await Bench.start(t, ['node-lifecycle']);
  const { client, signal } = bench.plane;
  await bench.sentinel();
  const node = await client.create<ApiObject>(NODES, '', { metadata: { name: 'n1' } }, signal);
  const metadata = { name: 'n1', ownerReferences: [owning(node, {}, NODES)] };
  await client.create(LEASES, 'kube-node-lease', { metadata }, signal);
  const text = await bench.plane.exposition();
  const watches = (resource: string): string | undefined =>
    new RegExp(`^apiserver_longrunning_requests\\{.*resource="${resource}".*\\} (\\d+)$`, 'm').exec(
      text,
    )?.[1];
  assert.deepEqual(
    [watches('leases'), watches('nodes'), watches('pods'), watches('configmaps')],
    ['1', '1', '1', '1'],
  );
  await client.delete(NODES, '', 'n1', {}, signal);
  await eventually('the Lease is gone', () =>
    assert.rejects(client.get(LEASES, 'kube-node-lease', 'n1', signal), isNotFound),
  );
});
