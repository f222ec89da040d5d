// Who gets in, over the wire: tokens, acting as others, and the questions about rights.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { systemIds } from '#platform/id.ts';
import { eventually } from '#test/support/eventually.ts';

import { fieldAt, stringAt } from './api/fields.ts';
import { agentOf, call, startTestPlane } from './control-plane-fixture.ts';
import type { Answer, TestPlane } from './control-plane-fixture.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
let server: TestPlane;

before(async () => {
  const tokenAuthFile = path.join(tmpdir(), `windlass-tokens-${systemIds.hex(8)}.csv`);
  await writeFile(tokenAuthFile, 'sesame,ann,7,"dev,ops"\n', { mode: 0o600 });
  server = await startTestPlane({ authentication: { tokenAuthFile } });
});
after(() => server.close());

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

function ask(
  agent: Agent,
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return call(server.plane.url, agent, method, url, body, { ...type, ...headers });
}

const admin = (method: string, url: string, body?: unknown, headers = {}): Promise<Answer> =>
  ask(server.admin, method, url, body, headers);

/** Without a certificate. */
const plain = (method: string, url: string, token: string, body?: unknown): Promise<Answer> =>
  ask(server.anonymous, method, url, body, as(token));

const review = async (kind: string, spec: object, headers = {}): Promise<unknown> => {
  const group =
    kind.includes('Access') || kind.includes('Rules') ? 'authorization' : 'authentication';
  const url = `/apis/${group}.k8s.io/v1/${kind.toLowerCase()}s`;
  const { code, json, text } = await admin('POST', url, { metadata: {}, spec }, headers);
  assert.equal(code, 201, text);
  return json['status'];
};

test('a fixed token is who the file says; anything else is 401 and says nothing', async () => {
  const { json } = await plain(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    'sesame',
    {},
  );
  assert.deepEqual(fieldAt(json, 'status', 'userInfo'), {
    username: 'ann',
    uid: '7',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  assert.equal((await plain('GET', '/api/v1/pods', 'sesame')).code, 403);
  for (const authorization of ['Bearer nothing', 'Bearer ', 'Basic YTpi', 'Bearer a.b.c']) {
    const { code, json: body } = await ask(server.anonymous, 'GET', '/api', undefined, {
      authorization,
    });
    assert.equal(code, 401);
    assert.equal(body['message'], 'Unauthorized');
  }
});

test('a client certificate comes before a token', async () => {
  assert.equal((await admin('GET', '/api/v1/pods', undefined, as('nonsense'))).code, 200);
});

test('a Secret for a token is filled, works, and goes with its account', async () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await admin('POST', accounts, { metadata: { name: 'old' } });
  const secrets = '/api/v1/namespaces/default/secrets';
  const annotations = { 'kubernetes.io/service-account.name': 'old' };
  const type = 'kubernetes.io/service-account-token';
  await admin('POST', secrets, { metadata: { name: 'old', annotations }, type });
  const token = await eventually('filled', async () => {
    const { json } = await admin('GET', `${secrets}/old`);
    assert.match(Buffer.from(stringAt(json, 'data', 'ca.crt'), 'base64').toString(), /BEGIN CERT/);
    return Buffer.from(stringAt(json, 'data', 'token'), 'base64').toString();
  });
  const denied = await plain('GET', '/api/v1/pods', token);
  assert.match(denied.text, /User \\"system:serviceaccount:default:old\\" cannot list/);
  await admin(
    'PATCH',
    `${secrets}/old`,
    { data: { token: 'YQ==' } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.equal((await plain('GET', '/api/v1/pods', token)).code, 401, 'not what the Secret holds');
  await admin('DELETE', `${accounts}/old`);
  await eventually('gone', async () => {
    assert.equal((await admin('GET', `${secrets}/old`)).code, 404);
  });
});

test('TokenReview and the documents of the issuer', async () => {
  await admin('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'ci' } });
  const url = '/api/v1/namespaces/default/serviceaccounts/ci/token';
  const made = await admin('POST', url, { spec: { audiences: ['vault'] } });
  assert.equal(made.code, 201, made.text);
  const token = stringAt(made.json, 'status', 'token');
  assert.match(stringAt(made.json, 'status', 'expirationTimestamp'), /^\d{4}-.*Z$/);
  const good = await review('TokenReview', { token, audiences: ['vault', 'other'] });
  assert.deepEqual(fieldAt(good, 'audiences'), ['vault']);
  assert.equal(fieldAt(good, 'user', 'username'), 'system:serviceaccount:default:ci');
  const bad = await review('TokenReview', { token });
  assert.equal(fieldAt(bad, 'authenticated'), undefined);
  assert.doesNotMatch(JSON.stringify(bad), new RegExp(token.slice(-20)));
  assert.equal((await admin('GET', url)).code, 405);

  const document = await admin('GET', '/.well-known/openid-configuration');
  assert.equal(document.json['issuer'], 'https://kubernetes.default.svc');
  const keys = await admin('GET', new URL(String(document.json['jwks_uri'])).pathname);
  assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
  assert.match(keys.text, /"kty":"EC"/);
  assert.doesNotMatch(keys.text, /"d":/, 'nothing private');
});

test('whoever may everything is told so once', async () => {
  const url = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const { json } = await admin('POST', url, { spec: { namespace: 'default' } });
  for (const kind of ['resourceRules', 'nonResourceRules']) {
    const rules = fieldAt(json, 'status', kind) as { readonly verbs: readonly string[] }[];
    assert.equal(rules.filter(({ verbs }) => verbs.includes('*')).length, 1, kind);
  }
});

test('acting as somebody else needs leave for every part of them', async () => {
  const url = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { json } = await admin(
    'POST',
    url,
    {},
    {
      'impersonate-user': 'system:serviceaccount:default:robot',
      'impersonate-extra-example.com%2fteam': 'a',
    },
  );
  assert.match(String(fieldAt(json, 'metadata', 'creationTimestamp')), /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
  assert.deepEqual(fieldAt(json, 'status', 'userInfo'), {
    username: 'system:serviceaccount:default:robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    extra: { 'example.com/team': ['a'] },
  });
  await admin('POST', `${RBAC}/clusterroles`, {
    metadata: { name: 'actor' },
    rules: [
      { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['bob'] },
      { verbs: ['impersonate'], apiGroups: [''], resources: ['groups'], resourceNames: ['dev'] },
    ],
  });
  await admin('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name: 'actor' },
    roleRef: { kind: 'ClusterRole', name: 'actor' },
    subjects: [{ kind: 'User', name: 'ann' }],
  });
  for (const [headers, code] of [
    [{ 'impersonate-user': 'bob' }, 200],
    [{ 'impersonate-user': 'bob', 'impersonate-group': 'dev' }, 200],
    [{ 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' }, 403],
    [{ 'impersonate-user': 'bob', 'impersonate-uid': '1' }, 403],
    [{ 'impersonate-user': 'bob', 'impersonate-extra-a': 'b' }, 403],
    [{ 'impersonate-user': 'admin' }, 403],
    [{ 'impersonate-user': 'system:serviceaccount:default:ci' }, 403],
    [{ 'impersonate-group': 'dev' }, 400],
  ] as const) {
    const answer = await ask(server.anonymous, 'GET', '/apis', undefined, {
      ...as('sesame'),
      ...headers,
    });
    assert.equal(answer.code, code, `${JSON.stringify(headers)}: ${answer.text}`);
  }
});

test('questions about rights are answered in full, and nonsense is named', async () => {
  const resourceAttributes = { verb: 'list', resource: 'pods', namespace: 'default' };
  assert.deepEqual(await review('SelfSubjectAccessReview', { resourceAttributes }), {
    allowed: true,
  });
  assert.deepEqual(await review('SubjectAccessReview', { resourceAttributes, user: 'x' }), {
    allowed: false,
  });
  assert.deepEqual(
    await review('SubjectAccessReview', {
      nonResourceAttributes: { path: '/apis', verb: 'get' },
      groups: ['system:authenticated'],
    }),
    {
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    },
  );
  const local = '/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews';
  const inside = await admin('POST', local, { spec: { resourceAttributes, user: 'x' } });
  assert.deepEqual(inside.json['status'], { allowed: false });
  const outside = { ...resourceAttributes, namespace: 'other' };
  const wrong: readonly (readonly [url: string, body: object, message: RegExp])[] = [
    [local, { spec: { resourceAttributes: outside, user: 'x' } }, /must match metadata\.namespace/],
    [
      local.replace('namespaces/default/local', ''),
      { spec: { resourceAttributes } },
      /at least one of user or group/,
    ],
    [
      local.replace('namespaces/default/local', 'self'),
      { spec: {} },
      /exactly one of nonResourceAttributes/,
    ],
  ];
  for (const [url, body, message] of wrong) {
    const answer = await admin('POST', url, body);
    assert.equal(answer.code, 422, answer.text);
    assert.match(answer.text, message);
  }
  assert.equal((await admin('GET', local)).code, 405);
});

test('the controllers are no administrators', async () => {
  const controllers = await agentOf(await server.plane.controllersKubeconfig());
  const bind = {
    metadata: { name: 'evil' },
    roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
  };
  for (const [method, url, body] of [
    ['POST', `${RBAC}/clusterrolebindings`, bind],
    ['POST', '/api/v1/namespaces', { metadata: { name: 'x' } }],
    ['GET', '/windlass/v1/secrets', undefined],
    ['GET', '/metrics', undefined],
  ] as const)
    assert.equal((await ask(controllers, method, url, body)).code, 403, url);
  assert.equal((await ask(controllers, 'GET', '/api/v1/pods')).code, 200);
  controllers.destroy();
});
