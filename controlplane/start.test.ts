// The control plane over real TLS with real client certificates: who may come in, what is refused, start and stop.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';

import { ListenError } from './http/server.ts';
import { CertificateStore } from './identity/certificate-store.ts';
import { startControlPlane } from './start.ts';
import {
  CONFIG_MAPS,
  agentOf,
  call,
  configMap,
  open,
  startTestPlane,
  testOptions,
} from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

let fixture: TestPlane;
let base: string;
let admin: Agent;
let node: Agent;
let anonymous: Agent;

before(async () => {
  fixture = await startTestPlane();
  base = fixture.plane.url;
  ({ admin, node, anonymous } = fixture);
});
after(() => fixture.close());

test('ControlPlane answers health and version to everybody', async () => {
  assert.equal((await call(base, anonymous, 'GET', '/readyz')).text, 'ok');
  const verbose = await call(base, anonymous, 'GET', '/readyz?verbose&exclude=shutdown');
  assert.match(
    verbose.text,
    /\[\+\]storage ok\n.*\[\+\]shutdown excluded: ok\n.*readyz check passed/s,
  );
  assert.equal(
    (await call(base, anonymous, 'GET', '/livez/ping')).text,
    '[+]ping ok\nlivez check passed\n',
  );
  const version = await call(base, anonymous, 'GET', '/version');
  assert.equal(version.json['gitVersion'], 'v1.37.0+windlass.0.1.0');
});

test('ControlPlane keeps anonymous callers and unknown tokens out', async () => {
  const denied = await call(base, anonymous, 'GET', '/api/v1/pods');
  assert.equal(denied.code, 403);
  assert.equal(
    denied.json['message'],
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
  );
  const token = await call(base, anonymous, 'GET', '/api/v1/pods', undefined, {
    authorization: 'Bearer x',
  });
  assert.equal(token.code, 401);
});

test('ControlPlane believes no certificate of another authority', async () => {
  const store = await CertificateStore.open(path.join(fixture.folder, 'foreign'), systemClock);
  const pair = await store.ensure('admin', {
    usage: 'client',
    commonName: 'admin',
    organizations: ['system:masters'],
  });
  const ca = await readFile(fixture.plane.caFile);
  const foreign = new Agent({ ca, cert: pair.certificate, key: pair.privateKey });
  assert.equal((await call(base, foreign, 'GET', '/api/v1/pods')).code, 401);
  foreign.destroy();
});

test('ControlPlane writes kubeconfigs that only their owner may read', async () => {
  assert.equal((await stat(fixture.plane.adminKubeconfig)).mode & 0o777, 0o600);
  assert.match(
    await readFile(fixture.plane.adminKubeconfig, 'utf8'),
    /^current-context: windlass$/m,
  );
});

test('an object is created, read, changed and deleted', async () => {
  const created = await call(base, admin, 'POST', CONFIG_MAPS, configMap('life'), {
    'content-type': 'application/json',
    'audit-id': '00000000-0000-4000-8000-000000000000',
  });
  assert.equal(created.code, 201);
  assert.equal(created.headers['audit-id'], '00000000-0000-4000-8000-000000000000');
  assert.equal(created.headers['cache-control'], 'no-cache, private');
  assert.ok(created.text.endsWith('\n'));
  const again = await call(base, admin, 'POST', CONFIG_MAPS, configMap('life'));
  assert.equal(again.json['message'], 'configmaps "life" already exists');

  const read = await call(base, admin, 'GET', `${CONFIG_MAPS}/life`);
  assert.equal(read.text, created.text);
  const yaml = await call(base, admin, 'GET', `${CONFIG_MAPS}/life`, undefined, {
    accept: 'application/yaml',
  });
  assert.match(yaml.text, /^kind: ConfigMap$/m);

  const changed = await call(
    base,
    admin,
    'PUT',
    `${CONFIG_MAPS}/life`,
    configMap('life', { data: { k: 'w' } }),
  );
  assert.equal(changed.code, 200);
  const merged = await call(base, admin, 'PATCH', `${CONFIG_MAPS}/life`, '{"data":{"l":"x"}}', {
    'content-type': 'application/merge-patch+json',
  });
  assert.deepEqual(merged.json['data'], { k: 'w', l: 'x' });
  const config = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data: { m: 'y' } });
  const apply = await call(base, admin, 'PATCH', `${CONFIG_MAPS}/life?fieldManager=test`, config, {
    'content-type': 'application/apply-patch+yaml',
  });
  assert.deepEqual(apply.json['data'], { k: 'w', l: 'x', m: 'y' });

  const deleted = await call(
    base,
    admin,
    'DELETE',
    `${CONFIG_MAPS}/life`,
    '{"propagationPolicy":"Background"}',
  );
  assert.equal(deleted.json['status'], 'Success', deleted.text);
  assert.equal(
    (await call(base, admin, 'GET', `${CONFIG_MAPS}/life`)).json['message'],
    'configmaps "life" not found',
  );
});

const refusals: readonly (readonly [string, string, string, unknown, number, RegExp])[] = [
  ['an unknown path', 'GET', '/nothing', undefined, 404, /could not find the requested resource/],
  ['an unknown kind', 'GET', '/apis/apps/v1/things', undefined, 404, /could not find/],
  [
    'an unknown subresource',
    'GET',
    `${CONFIG_MAPS}/a/status`,
    undefined,
    404,
    /could not find the requested resource/,
  ],
  ['a namespaced object outside', 'GET', '/api/v1/configmaps/a', undefined, 404, /could not find/],
  [
    'a create over all namespaces',
    'POST',
    '/api/v1/configmaps',
    configMap('a'),
    405,
    /does not allow this method/,
  ],
  ['a method of no verb', 'OPTIONS', CONFIG_MAPS, undefined, 405, /does not allow this method/],
  ['half a JSON document', 'POST', CONFIG_MAPS, '{"kind":', 400, /./],
  [
    'another kind',
    'POST',
    CONFIG_MAPS,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
    400,
    /./,
  ],
  ['a wrong percent-encoding', 'GET', '/api/v1/%zz', undefined, 400, /percent-encoding/],
  [
    'a body above the limit',
    'POST',
    CONFIG_MAPS,
    'x'.repeat(3 * 1024 * 1024 + 1),
    413,
    /limit is 3145728/,
  ],
  [
    'a field selector nobody knows',
    'GET',
    `${CONFIG_MAPS}?fieldSelector=a=b`,
    undefined,
    400,
    /"a" is not a known field selector: only/,
  ],
  ['a bad limit', 'GET', `${CONFIG_MAPS}?limit=x`, undefined, 400, /limit/],
  [
    'a bad continue',
    'GET',
    `${CONFIG_MAPS}?continue=x`,
    undefined,
    400,
    /continue key is not valid/,
  ],
  ['a timeout that is no duration', 'GET', `${CONFIG_MAPS}?timeout=x`, undefined, 400, /timeout/],
];
for (const [what, method, url, body, code, message] of refusals) {
  test(`the server answers ${code} to ${what}`, async () => {
    const answer = await call(base, admin, method, url, body).catch(
      (error: NodeJS.ErrnoException) => {
        // The server may cut a body that it does not want before the client has read the answer.
        assert.ok(
          code === 413 && (error.code === 'ECONNRESET' || error.code === 'EPIPE'),
          String(error),
        );
        return undefined;
      },
    );
    if (answer === undefined) return;
    assert.equal(answer.code, code);
    assert.equal(answer.json['kind'], 'Status');
    assert.match(String(answer.json['message']), message);
  });
}

test('a node may register itself and nobody else', async () => {
  const body = (name: string): unknown => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  assert.equal((await call(base, node, 'POST', '/api/v1/nodes', body('n2'))).code, 403);
  assert.equal((await call(base, node, 'POST', '/api/v1/nodes', body('n1'))).code, 201);
  assert.equal((await call(base, node, 'GET', '/api/v1/nodes/n1')).code, 200);
  assert.equal((await call(base, node, 'GET', '/api/v1/secrets')).code, 403);
  assert.equal(
    (await call(base, node, 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')).code,
    200,
  );
});

test('startControlPlane() names the flag when the port is taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const start = startControlPlane(
    testOptions(path.join(fixture.folder, 'taken'), { port }),
    new AbortController().signal,
  );
  await assert.rejects(
    start,
    (error) => error instanceof ListenError && /--port/.test(error.message),
  );
  other.close();
});

test('ControlPlane ends watches when it stops, and comes back with the same objects', async () => {
  const options = testOptions(path.join(fixture.folder, 'again'));
  const first = await startControlPlane(options, new AbortController().signal);
  const agent = await agentOf(first.adminKubeconfig);
  await call(first.url, agent, 'POST', CONFIG_MAPS, configMap('kept'));
  const stream = await open(first.url, agent, 'GET', `${CONFIG_MAPS}?watch=true`);
  const ended = new Promise((resolve) => stream.once('end', resolve));
  stream.resume();
  await first.close();
  await ended;
  const second = await startControlPlane(
    { ...options, metrics: new MetricsRegistry() },
    new AbortController().signal,
  );
  const kept = await call(second.url, agent, 'GET', `${CONFIG_MAPS}/kept`);
  agent.destroy();
  await second.close();
  assert.equal(kept.code, 200);
});
