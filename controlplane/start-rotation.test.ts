// The server's own certificates and its authority change while it serves.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '#test/support/eventually.ts';

import { stringAt } from './api/fields.ts';
import { agentOf, call, credentialsOf, open, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

const PATH = '/windlass/v1/certificates';
const VERSION = '/version';
const NAMESPACES = '/api/v1/namespaces';
const DAY_MS = 86_400_000;

/** What the server shows to a new connection. */
function served({ plane }: TestPlane): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port: plane.port, rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

async function status(
  server: TestPlane,
  agent: Agent,
  change = '',
): Promise<Record<string, unknown>> {
  const method = change === '' ? 'GET' : 'POST';
  const answer = await call(server.plane.url, agent, method, `${PATH}${change}`);
  assert.equal(answer.code, 200, answer.text);
  return answer.json;
}

test('renew changes what is served and the kubeconfig files; who is connected stays', async (t) => {
  let changes = 0;
  const server = await startTestPlane({ onCertificatesChanged: () => (changes += 1) });
  t.after(() => server.close());
  const { plane, admin } = server;
  const before = { served: await served(server), file: await credentialsOf(plane.adminKubeconfig) };
  const watch = await open(plane.url, admin, 'GET', `${NAMESPACES}?watch=true&timeoutSeconds=2`);
  const now = await status(server, admin, '/renew');
  assert.deepEqual(
    (now['certificates'] as { name: string }[]).map(({ name }) => name),
    ['ca', 'server', 'admin', 'node'],
  );
  const after = await credentialsOf(plane.adminKubeconfig);
  assert.notEqual(await served(server), before.served);
  assert.notDeepEqual(after.cert, before.file.cert);
  assert.deepEqual(after.ca, before.file.ca);
  assert.equal(changes, 1);
  for (const credentials of [before.file, after]) {
    const agent = new Agent(credentials);
    assert.equal((await call(plane.url, agent, 'GET', NAMESPACES)).code, 200);
    agent.destroy();
  }
  // It ends when its time is over, not before: what it says till then is whole.
  const lines = (await text(watch)).trim().split('\n');
  assert.ok(lines.every((line) => stringAt(JSON.parse(line), 'type') !== ''));
});

test('a new authority: whoever knows the former one goes on, until that is forgotten', async (t) => {
  const server = await startTestPlane();
  t.after(() => server.close());
  const { plane, admin } = server;
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 't', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
  };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } };
  const base = `${NAMESPACES}/default`;
  assert.equal(
    (await call(plane.url, admin, 'POST', `${base}/serviceaccounts`, account)).code,
    201,
  );
  assert.equal((await call(plane.url, admin, 'POST', `${base}/secrets`, secret)).code, 201);
  const former = await credentialsOf(plane.adminKubeconfig);

  assert.equal((await status(server, admin, '/rotate-authority'))['earlierAuthorities'], 1);
  const current = await credentialsOf(plane.adminKubeconfig);
  assert.notDeepEqual(current.ca, former.ca);
  assert.deepEqual(current.ca, await readFile(plane.caFile));
  // All four: each side may know the former authority only, or both.
  for (const { cert, key } of [former, current]) {
    for (const { ca } of [former, current]) {
      const agent = new Agent({ ca, cert, key });
      const answer = await call(plane.url, agent, 'GET', NAMESPACES);
      assert.equal(answer.code, 200, answer.text);
      agent.destroy();
    }
  }
  await eventually('the Secret has the new authority', async () => {
    const { json } = await call(plane.url, admin, 'GET', `${base}/secrets/t`);
    assert.equal(stringAt(json, 'data', 'ca.crt'), current.ca.toString('base64'));
  });

  assert.equal((await status(server, admin, '/forget-authorities'))['earlierAuthorities'], 0);
  const locked = new Agent({ ...former, rejectUnauthorized: false });
  assert.equal((await call(plane.url, locked, 'GET', NAMESPACES)).code, 401);
  locked.destroy();
  const stranger = new Agent({ ca: former.ca });
  await assert.rejects(call(plane.url, stranger, 'GET', VERSION), /certificate/);
  stranger.destroy();
  const agent = await agentOf(plane.adminKubeconfig);
  assert.equal((await call(plane.url, agent, 'GET', NAMESPACES)).code, 200);
  // The connections of before end, and what they were believed for with them.
  await eventually('the connections of before end', async () => {
    const answer = await call(plane.url, admin, 'GET', NAMESPACES).catch(() => undefined);
    assert.notEqual(answer?.code, 200);
  });
  agent.destroy();
});

test('certificates near their end are changed by the server itself, the authority too', async (t) => {
  let aheadMs = 0;
  const hourly: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    schedule: (delayMs, callback) => {
      if (delayMs !== 3_600_000) return systemClock.schedule(delayMs, callback);
      hourly.push(callback);
      return () => undefined;
    },
  };
  const server = await startTestPlane({ clock, metrics: new MetricsRegistry() });
  t.after(() => server.close());
  const { plane } = server;
  const pass = async (): Promise<void> => {
    for (const callback of hourly.splice(0)) callback();
    await eventually('the hourly look is over', () => assert.ok(hourly.length > 0));
  };
  const before = await served(server);
  await pass();
  assert.equal(await served(server), before);

  aheadMs = 340 * DAY_MS;
  await pass();
  const renewed = await served(server);
  assert.notEqual(renewed, before);

  const ca = await readFile(plane.caFile, 'utf8');
  aheadMs = 3300 * DAY_MS;
  await pass();
  const both = await readFile(plane.caFile, 'utf8');
  assert.ok(both.endsWith(ca) && both.length > ca.length);
  assert.equal(await readFile(path.join(server.folder, 'data', 'pki', 'ca.crt'), 'utf8'), both);
});

test('what is asked wrongly, or by somebody else, changes nothing', async (t) => {
  const server = await startTestPlane();
  t.after(() => server.close());
  const { plane, admin, node, anonymous } = server;
  const before = await status(server, admin);
  const code = async (...[agent, method, to]: [Agent, string, string]): Promise<number> =>
    (await call(plane.url, agent, method, `${PATH}${to}`)).code;
  assert.equal(await code(admin, 'GET', '/renew'), 405);
  assert.equal(await code(admin, 'POST', ''), 405);
  assert.equal(await code(admin, 'POST', '/toString'), 404);
  assert.equal(await code(node, 'POST', '/renew'), 403);
  assert.equal(await code(anonymous, 'GET', ''), 403);
  assert.deepEqual(await status(server, admin), before);
  const metrics = await call(plane.url, admin, 'GET', '/metrics');
  assert.match(
    metrics.text,
    /windlass_certificate_expiration_timestamp_seconds\{certificate="ca"\} \d{10}/,
  );
});
