// The audit log over the wire: who, as whom, what, and what came of it; never a secret.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';

import { fieldAt, stringAt } from './api/fields.ts';
import { call, CONFIG_MAPS, configMap, open, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';
import type { AuditRule } from './start.ts';

const file = join(tempDir(), 'audit.log');
const ANY: AuditRule = {
  level: 'Metadata',
  users: [],
  userGroups: [],
  verbs: [],
  resources: [],
  namespaces: [],
  nonResourceURLs: [],
  omitStages: ['RequestReceived'],
  omitManagedFields: true,
};
const SECRETS = '/api/v1/namespaces/default/secrets';
let server: TestPlane;

before(async () => {
  const resources = [{ group: '', resources: ['nodes'], resourceNames: [] }];
  const rules: AuditRule[] = [
    { ...ANY, level: 'None', nonResourceURLs: ['/metrics', '/readyz*'] },
    { ...ANY, resources, omitStages: [] },
    { ...ANY, level: 'RequestResponse' },
  ];
  server = await startTestPlane({
    audit: { policy: { rules }, path: file, maxBytes: 1e9, maxBackups: 0 },
  });
});
after(() => server.close());

type Event = Readonly<Record<string, unknown>>;

/** Events of the request, once the last of them is written. */
async function eventsOf(auditId: string): Promise<readonly Event[]> {
  return eventually('the request is written down', () => {
    const events = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(auditId))
      .map((line) => JSON.parse(line) as Event);
    assert.equal(events.at(-1)?.['stage'], 'ResponseComplete');
    return events;
  });
}

async function audited(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<readonly Event[]> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const { plane, admin } = server;
  const answer = await call(plane.url, admin, method, url, body, { ...type, ...headers });
  return eventsOf(String(answer.headers['audit-id']));
}

test('a write is written down with what was asked and what was answered', async () => {
  const [event = {}, ...more] = await audited('POST', CONFIG_MAPS, configMap('seen'), {
    'user-agent': 'test/1',
  });
  assert.equal(more.length, 0);
  assert.deepEqual(
    ['kind', 'apiVersion', 'level', 'stage', 'verb', 'requestURI', 'userAgent'].map(
      (name) => event[name],
    ),
    [
      'Event',
      'audit.k8s.io/v1',
      'RequestResponse',
      'ResponseComplete',
      'create',
      CONFIG_MAPS,
      'test/1',
    ],
  );
  assert.equal(stringAt(event, 'user', 'username'), 'admin');
  assert.deepEqual(event['objectRef'], {
    resource: 'configmaps',
    namespace: 'default',
    apiVersion: 'v1',
  });
  assert.deepEqual(event['responseStatus'], { metadata: {}, code: 201 });
  assert.deepEqual(fieldAt(event, 'requestObject', 'data'), { k: 'v' });
  assert.notEqual(stringAt(event, 'responseObject', 'metadata', 'uid'), '');
  assert.equal(fieldAt(event, 'responseObject', 'metadata', 'managedFields'), undefined);
  assert.match(String(event['requestReceivedTimestamp']), /^\d{4}-.*\.\d{6}Z$/);
  assert.deepEqual(event['annotations'], { 'authorization.k8s.io/decision': 'allow' });
  assert.deepEqual(event['sourceIPs'], ['127.0.0.1']);
});

test('who acts as somebody else is named, and so is what was refused, and why', async () => {
  const [event = {}] = await audited('GET', CONFIG_MAPS, undefined, {
    'impersonate-user': 'ann',
    'impersonate-group': 'devs',
  });
  assert.equal(stringAt(event, 'user', 'username'), 'admin');
  assert.equal(stringAt(event, 'impersonatedUser', 'username'), 'ann');
  assert.equal(fieldAt(event, 'responseStatus', 'code'), 403);
  assert.match(stringAt(event, 'responseStatus', 'message'), /User "ann" cannot list/);
  assert.equal(fieldAt(event, 'annotations', 'authorization.k8s.io/decision'), 'forbid');
});

test('credentials that do not count are written down, without them', async () => {
  const { plane, anonymous } = server;
  const headers = { authorization: 'Bearer wrong-and-secret' };
  const answer = await call(plane.url, anonymous, 'GET', CONFIG_MAPS, undefined, headers);
  const [event = {}] = await eventsOf(String(answer.headers['audit-id']));
  assert.equal(fieldAt(event, 'responseStatus', 'code'), 401);
  assert.equal(stringAt(event, 'user', 'username'), '');
  assert.ok(!readFileSync(file, 'utf8').includes('wrong-and-secret'));
});

test('bodies of Secrets and tokens are never written down', async () => {
  const metadata = { name: 'deep' };
  const stringData = { word: 'open-sesame' };
  const [made = {}] = await audited('POST', SECRETS, {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata,
    stringData,
  });
  assert.equal(made['level'], 'Metadata');
  await audited('GET', `${SECRETS}/deep`);
  await audited(
    'PATCH',
    `${SECRETS}/deep`,
    { stringData: { word: 'open-again' } },
    {
      'content-type': 'application/merge-patch+json',
    },
  );
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'robot' } };
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await audited('POST', accounts, account);
  const request = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec: {} };
  await audited('POST', `${accounts}/robot/token`, request);
  const log = readFileSync(file, 'utf8');
  for (const secret of [
    'open-sesame',
    'open-again',
    Buffer.from('open-sesame').toString('base64'),
    'eyJ',
  ])
    assert.ok(!log.includes(secret), secret);
});

test('a watch is written down when it begins and when it ends, stages that are left out are not', async () => {
  const url = '/api/v1/nodes?watch=true&timeoutSeconds=1';
  const answer = await open(server.plane.url, server.admin, 'GET', url);
  answer.resume();
  const events = await eventsOf(String(answer.headers['audit-id']));
  assert.deepEqual(
    events.map(({ stage, level }) => [stage, level]),
    [
      ['RequestReceived', 'Metadata'],
      ['ResponseStarted', 'Metadata'],
      ['ResponseComplete', 'Metadata'],
    ],
  );
});

test('what the policy does not want is not written down; metrics count all of it', async () => {
  const { plane, admin } = server;
  const answer = await call(plane.url, admin, 'GET', '/metrics');
  await audited('GET', '/version');
  assert.ok(!readFileSync(file, 'utf8').includes(String(answer.headers['audit-id'])));
  const { text } = await call(plane.url, admin, 'GET', '/metrics');
  assert.match(text, /apiserver_audit_level_total\{level="None"\} \d/);
  assert.match(text, /apiserver_audit_event_total \d/);
});

test('a body that is too large is left out, and the event says so', async () => {
  const data = { k: 'x'.repeat(300_000) };
  const [event = {}] = await audited('POST', CONFIG_MAPS, configMap('large', { data }));
  assert.equal(fieldAt(event, 'annotations', 'audit.k8s.io/truncated'), 'true');
  assert.equal(event['requestObject'], undefined);
  assert.equal(fieldAt(event, 'responseStatus', 'code'), 201);
});
