// The server against an upstream client that knows nothing of us: @kubernetes/client-node's generated API and its watch.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, after, suite, test } from 'node:test';
import { CoreV1Api, CustomObjectsApi, KubeConfig, Watch } from '@kubernetes/client-node';
import { startControlPlane } from '#controlplane/start.ts';
import type { ControlPlane } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1 },
                  color: { type: 'string', default: 'red' },
                },
              },
            },
          },
        },
      },
    ],
  },
};

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
}

suite('an upstream client', () => {
  const stop = new AbortController();
  let server: ControlPlane;
  let config: KubeConfig;
  let core: CoreV1Api;

  before(async () => {
    const folder = tempDir();
    server = await startControlPlane(
      {
        dataDir: join(folder, 'data'),
        bind: '127.0.0.1',
        port: 0,
        persistence: [`sqlite:${join(folder, 'state.db')}`],
        secretsKeys: [{ type: 'file', path: join(folder, 'data.key') }],
        bootstrapObjects: [WIDGETS],
        version: '0.0.0',
        logger: silentLogger,
        clock: systemClock,
        metrics: new MetricsRegistry(),
      },
      stop.signal,
    );
    config = new KubeConfig();
    config.loadFromFile(server.adminKubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  after(async () => {
    stop.abort();
    await server.close();
  });

  test('creates, reads, replaces, lists and deletes', async () => {
    const namespace = 'default';
    const metadata = { name: 'settings', labels: { app: 'web' } };
    const made = await core.createNamespacedConfigMap({
      namespace,
      body: { metadata, data: { a: '1' } },
    });
    assert.ok(made.metadata?.uid);
    assert.ok(made.metadata.creationTimestamp instanceof Date);
    const changed = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'settings',
      body: { metadata: made.metadata, data: { a: '2' } },
    });
    assert.notEqual(changed.metadata?.resourceVersion, made.metadata.resourceVersion);
    await assert.rejects(
      core.replaceNamespacedConfigMap({ namespace, name: 'settings', body: made }),
      (error) => codeOf(error) === 409,
    );
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=web' });
    assert.deepEqual(
      list.items.map(({ data }) => data),
      [{ a: '2' }],
    );
    await core.deleteNamespacedConfigMap({ namespace, name: 'settings' });
    await assert.rejects(
      core.readNamespacedConfigMap({ namespace, name: 'settings' }),
      (error) => codeOf(error) === 404,
    );
  });

  test('watches from a resource version on', async (t) => {
    const namespace = 'default';
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen: string[] = [];
    const request = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: false },
      (type, object: { readonly metadata: { readonly name: string } }) =>
        seen.push(`${type} ${object.metadata.name}`),
      () => undefined,
    );
    t.after(() => request.abort());
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' } } });
    await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
    await eventually('both events', () =>
      assert.deepEqual(seen, ['ADDED watched', 'DELETED watched']),
    );
  });

  test('keeps Secrets readable to it', async () => {
    const namespace = 'default';
    const body = { metadata: { name: 'token' }, stringData: { password: 'correct horse' } };
    await core.createNamespacedSecret({ namespace, body });
    const { data } = await core.readNamespacedSecret({ namespace, name: 'token' });
    assert.equal(Buffer.from(data?.['password'] ?? '', 'base64').toString(), 'correct horse');
  });

  test('gets defaults, validation and discovery of a custom resource', async () => {
    const objects = config.makeApiClient(CustomObjectsApi);
    const place = { group: 'example.org', version: 'v1', namespace: 'default', plural: 'widgets' };
    const widget = (spec: object): object => ({
      apiVersion: 'example.org/v1',
      kind: 'Widget',
      metadata: { name: 'one' },
      spec,
    });
    await assert.rejects(
      objects.createNamespacedCustomObject({ ...place, body: widget({ size: 0 }) }),
      (error) => codeOf(error) === 422,
    );
    const made: unknown = await objects.createNamespacedCustomObject({
      ...place,
      body: widget({ size: 2 }),
    });
    assert.deepEqual((made as { readonly spec: unknown }).spec, { size: 2, color: 'red' });
    const found = await objects.getAPIResources({ group: 'example.org', version: 'v1' });
    assert.ok(found.resources.some(({ name, kind }) => name === 'widgets' && kind === 'Widget'));
  });
});
