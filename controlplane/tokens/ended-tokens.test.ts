import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import { eventually } from '#test/support/eventually.ts';

import { objectAt } from '../api/fields.ts';
import { agentOf, call, startTestPlane, testOptions } from '../control-plane-fixture.ts';
import { startControlPlane } from '../start.ts';

const TYPE = 'bootstrap.kubernetes.io/token';
const at = (byMs: number): string => new Date(Date.now() + byMs).toISOString();

test('bootstrap tokens go when they have ended, and nothing else does', async (t) => {
  const server = await startTestPlane();
  t.after(() => server.close());
  const { plane, admin } = server;
  const secrets = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;
  const make = async (
    id: string,
    expiration: string | undefined,
    { type = TYPE, namespace = 'kube-system' } = {},
  ): Promise<void> => {
    const stringData = {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      ...(expiration === undefined ? {} : { expiration }),
    };
    const metadata = { name: `bootstrap-token-${id}` };
    const object = { apiVersion: 'v1', kind: 'Secret', metadata, type, stringData };
    const made = await call(plane.url, admin, 'POST', secrets(namespace), object);
    assert.equal(made.code, 201, made.text);
  };
  const there = async (namespace: string): Promise<readonly string[]> => {
    const { json } = await call(plane.url, admin, 'GET', secrets(namespace));
    const items = json['items'] as { metadata: { name: string } }[];
    return items
      .map(({ metadata }) => metadata.name.replace('bootstrap-token-', ''))
      .toSorted((left, right) => (left < right ? -1 : 1));
  };
  await make('past00', at(-60_000));
  await make('soon00', at(2_000));
  await make('later0', at(3_600_000));
  await make('ever00', undefined);
  await make('none00', 'tomorrow');
  await make('other0', at(-60_000), { type: 'Opaque' });
  await make('away00', at(-60_000), { namespace: 'default' });
  await eventually(
    'the tokens that have ended are gone',
    async () => assert.deepEqual(await there('kube-system'), ['ever00', 'later0', 'other0']),
    60_000,
  );
  assert.deepEqual(await there('default'), ['away00']);

  // One that gets another end.
  const url = `${secrets('kube-system')}/bootstrap-token-later0`;
  const patch = { stringData: { expiration: at(-1) } };
  const type = { 'content-type': 'application/merge-patch+json' };
  const patched = await call(plane.url, admin, 'PATCH', url, patch, type);
  assert.equal(patched.code, 200, patched.text);
  assert.deepEqual(Object.keys(objectAt(patched.json, 'data')).includes('expiration'), true);
  await eventually(
    'the one whose end was set to before is gone',
    async () => assert.deepEqual(await there('kube-system'), ['ever00', 'other0']),
    60_000,
  );
});

test('tokens that ended while no server ran are gone after its start', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'windlass-tokens-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const dataDir = path.join(folder, 'data');
  const { signal } = new AbortController();
  const url = '/api/v1/namespaces/kube-system/secrets';
  const stringData = { 'token-id': 'abc123', expiration: at(1_800_000) };
  const metadata = { name: 'bootstrap-token-abc123' };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata, type: TYPE, stringData };
  const first = await startControlPlane(testOptions(dataDir), signal);
  const before = await agentOf(first.adminKubeconfig);
  assert.equal((await call(first.url, before, 'POST', url, object)).code, 201);
  before.destroy();
  await first.close();

  const clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };
  const second = await startControlPlane(testOptions(dataDir, { clock }), signal);
  const after = await agentOf(second.adminKubeconfig);
  try {
    await eventually('it is gone', async () => {
      const { json } = await call(second.url, after, 'GET', url);
      assert.deepEqual(json['items'], []);
    });
  } finally {
    after.destroy();
    await second.close();
  }
});
