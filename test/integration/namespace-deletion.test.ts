// Namespaces against the real control plane: what every one of them gets, and how one goes away with all that is in it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject, ApiResource } from '#controllers/machinery/client-types.ts';
import { isForbidden, isNotFound } from '#controllers/machinery/request-error.ts';
import {
  CONFIG_MAPS,
  NAMESPACES,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { templateOf } from '../support/service-bench.ts';
import { SimulatedNodes } from '../support/simulated-nodes.ts';

interface Namespace extends ApiObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message: string;
    }[];
  };
}

interface ConfigMap extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

async function start(t: TestContext, controllers?: readonly string[]): Promise<TestControlPlane> {
  const plane = await TestControlPlane.start(t);
  await plane.controllers(controllers);
  await plane.client.create(NAMESPACES, '', { metadata: { name: 'shop' } }, plane.signal);
  return plane;
}

async function find<T extends ApiObject>(
  { client, signal }: TestControlPlane,
  resource: ApiResource,
  namespace: string,
  name: string,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, namespace, name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function gone(plane: TestControlPlane): Promise<void> {
  return eventually('the namespace is gone', async () =>
    assert.equal(await find(plane, NAMESPACES, '', 'shop'), undefined),
  );
}

test('a namespace goes away with all that is in it, custom resources and running Pods too', async (t) => {
  const plane = await start(t);
  const { client, signal } = plane;
  const nodes = new SimulatedNodes(client, signal);
  await nodes.add('n1');
  await client.create(CONFIG_MAPS, 'shop', { metadata: { name: 'settings' } }, signal);
  const spec = { replicas: 2, template: templateOf('v1') };
  await client.create(SERVICES, 'shop', { metadata: { name: 'web' }, spec }, signal);
  await eventually('it serves', () => assert.equal(nodes.serving.length, 2));
  await client.delete(NAMESPACES, '', 'shop', {}, signal);
  await gone(plane);
  for (const resource of [CONFIG_MAPS, SERVICES, PODS]) {
    const { items } = await client.list(resource, { namespace: 'shop' }, signal);
    assert.deepEqual(items, [], resource.resource);
  }
});

test('a namespace says what holds it up, takes nothing new, and goes when that is gone', async (t) => {
  const plane = await start(t, ['namespace']);
  const { client, signal } = plane;
  const metadata = { name: 'held', finalizers: ['example.org/hold'] };
  await client.create(CONFIG_MAPS, 'shop', { metadata }, signal);
  await client.delete(NAMESPACES, '', 'shop', {}, signal);
  await eventually('its conditions tell', async () => {
    const namespace = await client.get<Namespace>(NAMESPACES, '', 'shop', signal);
    assert.equal(namespace.status?.phase, 'Terminating');
    const messages = (namespace.status.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ type, message }) => `${type}: ${message}`);
    assert.deepEqual(messages, [
      'NamespaceContentRemaining: Some resources are remaining: configmaps has 1 resource instances',
      'NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances',
    ]);
  });
  await assert.rejects(
    client.create(CONFIG_MAPS, 'shop', { metadata: { name: 'late' } }, signal),
    isForbidden,
  );
  const release = { metadata: { finalizers: null } };
  await client.patch(CONFIG_MAPS, 'shop', 'held', '', 'merge', release, signal);
  await gone(plane);
});

test('every namespace has its account and the authority, and gets them back', async (t) => {
  const plane = await start(t, ['service-account']);
  const { client, signal } = plane;
  const authority = readFileSync(join(plane.folder, 'data', 'pki', 'ca.crt'), 'utf8');
  const complete = (what: string): Promise<void> =>
    eventually(what, async () => {
      for (const namespace of ['default', 'shop']) {
        assert.ok(await find(plane, SERVICE_ACCOUNTS, namespace, 'default'), namespace);
        const map = await find<ConfigMap>(plane, CONFIG_MAPS, namespace, 'kube-root-ca.crt');
        assert.equal(map?.data?.['ca.crt']?.trim(), authority.trim());
      }
    });
  await complete('both are there');
  const before = await client.get(SERVICE_ACCOUNTS, 'shop', 'default', signal);
  await client.delete(SERVICE_ACCOUNTS, 'shop', 'default', {}, signal);
  await client.delete(CONFIG_MAPS, 'default', 'kube-root-ca.crt', {}, signal);
  const forged = { data: { 'ca.crt': 'somebody else' } };
  await client.patch(CONFIG_MAPS, 'shop', 'kube-root-ca.crt', '', 'merge', forged, signal);
  await complete('both are back');
  const after = await client.get(SERVICE_ACCOUNTS, 'shop', 'default', signal);
  assert.notEqual(after.metadata.uid, before.metadata.uid);
});
