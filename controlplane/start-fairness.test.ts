// Many requests at once, over the wire: one user's do not keep the others waiting, and what is too much is told when to come again.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import type { ClientRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { systemIds } from '#platform/id.ts';
import { eventually } from '#test/support/eventually.ts';

import { call, CONFIG_MAPS, configMap, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

const BODY = Buffer.from(JSON.stringify(configMap('slow')));

async function start(seats: number): Promise<TestPlane> {
  const tokenAuthFile = path.join(tmpdir(), `windlass-tokens-${systemIds.hex(8)}.csv`);
  await writeFile(tokenAuthFile, 'first,ann,1\nsecond,ben,2\n', { mode: 0o600 });
  const server = await startTestPlane({
    authentication: { tokenAuthFile },
    maxRequestsInFlight: seats,
  });
  const subjects = ['ann', 'ben'].map((name) => ({ kind: 'User', name }));
  const bound = await call(
    server.plane.url,
    server.admin,
    'POST',
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'both' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects,
    },
  );
  assert.equal(bound.code, 201, bound.text);
  return server;
}

/** Requests whose bodies do not end, so that they keep their seats. */
function stall({ plane }: TestPlane, agent: Agent, token: string, count: number): ClientRequest[] {
  return Array.from({ length: count }, () => {
    const pending = request(`${plane.url}${CONFIG_MAPS}`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': BODY.length + 1,
      },
    });
    pending.on('error', () => undefined);
    pending.write(BODY);
    return pending;
  });
}

async function metric(server: TestPlane, name: string, labels: string): Promise<number> {
  const { text } = await call(server.plane.url, server.admin, 'GET', '/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name}{${labels}}`));
  return Number(line?.split(' ')[1] ?? 0);
}

const LEVEL = 'priority_level="global-default"';

test('one user with requests that never end leaves the server to the others', async (t) => {
  const server = await start(12);
  const { plane, admin, anonymous } = server;
  const agent = new Agent({ ca: anonymous.options.ca, keepAlive: true });
  t.after(() => server.close());
  t.after(() => agent.destroy());
  // Eight seats are for users, six of them for one.
  const slow = stall(server, agent, 'first', 8);
  await eventually('six are seated and two wait', async () => {
    assert.equal(
      await metric(server, 'apiserver_flowcontrol_current_executing_requests', LEVEL),
      6,
    );
    assert.equal(await metric(server, 'apiserver_flowcontrol_current_inqueue_requests', LEVEL), 2);
  });
  const other = { authorization: 'Bearer second' };
  for (let n = 0; n < 5; n += 1) {
    const answer = await call(plane.url, agent, 'GET', CONFIG_MAPS, undefined, other);
    assert.equal(answer.code, 200, answer.text);
  }
  assert.equal((await call(plane.url, admin, 'GET', CONFIG_MAPS)).code, 200);
  for (const pending of slow) pending.destroy();
  await eventually('all seats are free again', async () => {
    assert.equal(
      await metric(server, 'apiserver_flowcontrol_current_executing_requests', LEVEL),
      0,
    );
    assert.equal(await metric(server, 'apiserver_flowcontrol_current_inqueue_requests', LEVEL), 0);
  });
});

test('beyond the line a request is refused with 429 and when to come again; a watch keeps no seat', async (t) => {
  const server = await start(3);
  const { plane, anonymous } = server;
  const agent = new Agent({ ca: anonymous.options.ca, keepAlive: true });
  t.after(() => server.close());
  t.after(() => agent.destroy());
  const headers = { authorization: 'Bearer first' };
  // Two seats, one for each user.
  const watch = request(`${plane.url}${CONFIG_MAPS}?watch=true`, { agent, headers });
  watch.on('error', () => undefined);
  await new Promise((resolve) => watch.once('response', resolve).end());
  const slow = stall(server, agent, 'first', 101);
  await eventually('the line is full', async () => {
    assert.equal(
      await metric(server, 'apiserver_flowcontrol_current_inqueue_requests', LEVEL),
      100,
    );
  });
  const refused = await call(plane.url, agent, 'GET', CONFIG_MAPS, undefined, headers);
  assert.equal(refused.code, 429, refused.text);
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.json['reason'], 'TooManyRequests');
  const name = 'apiserver_flowcontrol_rejected_requests_total';
  assert.equal(await metric(server, name, `${LEVEL},reason="queue-full"`), 1);
  for (const pending of slow) pending.destroy();
  await eventually('there is a seat again', async () => {
    const answer = await call(plane.url, agent, 'GET', CONFIG_MAPS, undefined, headers);
    assert.equal(answer.code, 200);
  });
  watch.destroy();
});
