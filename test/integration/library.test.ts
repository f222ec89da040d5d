// `import { startControlPlane } from 'windlass'`, as the test of an operator uses it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CoreV1Api, CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { startControlPlane } from 'windlass';
import type { ControlPlaneOptions } from 'windlass';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';

function clientOf({ kubeconfig }: { readonly kubeconfig: string }): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config;
}

const greetings = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'greetings.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: {
      kind: 'Greeting',
      plural: 'greetings',
      singular: 'greeting',
      listKind: 'GreetingList',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

test('a kind is there from the first request on, controllers act, and nothing is left after stop()', async () => {
  const plane = await startControlPlane({ objects: [greetings] });
  const folder = dirname(dirname(plane.kubeconfigFile));
  try {
    const config = clientOf(plane);
    const custom = config.makeApiClient(CustomObjectsApi);
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name: 'one' } } });
    const place = { group: 'example.com', version: 'v1', namespace: 'one', plural: 'greetings' };
    const body = { apiVersion: 'example.com/v1', kind: 'Greeting', metadata: { name: 'hello' } };
    await custom.createNamespacedCustomObject({ ...place, body });
    await core.deleteNamespace({ name: 'one' });
    await eventually('the namespace is gone', async () => {
      const { items } = await core.listNamespace();
      assert.ok(!items.some(({ metadata }) => metadata?.name === 'one'));
    });
  } finally {
    await plane.stop();
    await plane.stop();
  }
  assert.equal(existsSync(folder), false);
  await assert.rejects(fetch(`${plane.url}/readyz`));
});

test('two at once know nothing of each other; without controllers nothing but the API is there', async () => {
  await using one = await startControlPlane({ controllers: false });
  await using other = await startControlPlane({ controllers: false });
  assert.notEqual(one.url, other.url);
  const core = clientOf(one).makeApiClient(CoreV1Api);
  await core.createNamespacedConfigMap({
    namespace: 'default',
    body: { metadata: { name: 'mine' }, data: { a: 'b' } },
  });
  const { items } = await clientOf(other)
    .makeApiClient(CoreV1Api)
    .listNamespacedConfigMap({ namespace: 'default' });
  assert.ok(!items.some(({ metadata }) => metadata?.name === 'mine'));
});

test('a folder that is given is kept, goes on where it was, and belongs to one at a time', async () => {
  const dataDir = join(tempDir(), 'kept');
  {
    await using first = await startControlPlane({ dataDir, controllers: false });
    await clientOf(first)
      .makeApiClient(CoreV1Api)
      .createNamespacedSecret({
        namespace: 'default',
        body: { metadata: { name: 'kept' }, stringData: { a: 'b' } },
      });
    await assert.rejects(
      startControlPlane({ dataDir, controllers: false }),
      /dataDir .*kept has another control plane of this process; stop\(\) that first/,
    );
  }
  await using second = await startControlPlane({ dataDir, controllers: false });
  const { data } = await clientOf(second)
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace: 'default', name: 'kept' });
  assert.deepEqual(data, { a: 'Yg==' });
});

test('what is wrong is named before anything starts', async () => {
  const wrong: readonly [unknown, RegExp][] = [
    [{ prot: 1 }, /no option prot; there are dataDir, port/],
    [{ port: 70_000 }, /port must be 0 to 65535, not 70000/],
    [{ port: '80' }, /port must be 0 to 65535, not "80"/],
    [{ dataDir: '' }, /dataDir must be the path of a folder, not ""/],
    [{ controllers: 1 }, /controllers must be true or false, not 1/],
    [{ objects: [null] }, /objects must be a list of objects, not \[null\]/],
    [{ logLevel: 'loud' }, /logLevel must be error, warn, info, debug, not "loud"/],
  ];
  for (const [options, message] of wrong)
    await assert.rejects(startControlPlane(options as ControlPlaneOptions), message);
});
