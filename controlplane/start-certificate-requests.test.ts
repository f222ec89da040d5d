// Requests for certificates, from the request to the connection that is made with the answer.
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';

import { eventually } from '#test/support/eventually.ts';

import { fieldAt, listAt, stringAt } from './api/fields.ts';
import { call, startTestPlane } from './control-plane-fixture.ts';
import { installReflectMetadata } from './identity/reflect-metadata.ts';
import type { Answer, TestPlane } from './control-plane-fixture.ts';

const BASE = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const CLIENT = 'kubernetes.io/kube-apiserver-client';
const KUBELET_CLIENT = `${CLIENT}-kubelet`;
const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

// It asks for a polyfill while it is loaded.
installReflectMetadata();
const { Pkcs10CertificateRequestGenerator, PemConverter, SubjectAlternativeNameExtension } =
  await import('@peculiar/x509');

let server: TestPlane;
before(async () => (server = await startTestPlane()));
after(() => server.close());

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

interface Made {
  /** Base64 of PEM. */
  readonly request: string;
  /** PEM. */
  readonly key: string;
}

async function make(
  name: string,
  names: readonly { type: 'dns' | 'ip' | 'email'; value: string }[] = [],
  algorithm: typeof EC | typeof RSA = EC,
): Promise<Made> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    request: Buffer.from(request.toString('pem')).toString('base64'),
    key: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  };
}

function object(
  name: string,
  signerName: string,
  request: string,
  usages: readonly string[],
  more = {},
): unknown {
  return { metadata: { name }, spec: { signerName, request, usages, ...more } };
}

const CLIENT_USAGES = ['digital signature', 'key encipherment', 'client auth'];

async function approve(name: string, type = 'Approved', headers = {}): Promise<Answer> {
  const { json } = await ask(server.admin, 'GET', `${BASE}/${name}`);
  const conditions = [{ type, status: 'True', reason: 'Test', message: 'by hand' }];
  const body = { ...json, status: { ...(json['status'] as object), conditions } };
  return ask(server.admin, 'PUT', `${BASE}/${name}/approval`, body, headers);
}

const issued = (name: string): Promise<X509Certificate> =>
  eventually('signed', async () => {
    const { json, text } = await ask(server.admin, 'GET', `${BASE}/${name}`);
    const certificate = stringAt(json, 'status', 'certificate');
    assert.notEqual(certificate, '', text);
    return new X509Certificate(Buffer.from(certificate, 'base64'));
  });

const conditionsOf = async (name: string): Promise<readonly string[]> => {
  const { json } = await ask(server.admin, 'GET', `${BASE}/${name}`);
  return listAt(json, 'status', 'conditions').map(
    (one) => `${stringAt(one, 'type')} ${stringAt(one, 'reason')}`,
  );
};

test('a colleague gets a certificate after somebody approved it, and comes in with it', async () => {
  const { request, key } = await make('CN=ann,O=dev,O=ops', [], RSA);
  const more = { expirationSeconds: 600, username: 'system:admin', groups: ['system:masters'] };
  const made = await ask(
    server.admin,
    'POST',
    BASE,
    object('ann', CLIENT, request, CLIENT_USAGES, more),
    {
      'impersonate-user': 'bob',
      'impersonate-group': 'system:masters',
      'impersonate-uid': '7',
    },
  );
  assert.equal(made.code, 201, made.text);
  assert.equal(stringAt(made.json, 'spec', 'username'), 'bob', 'who asks is no claim of theirs');
  assert.equal(stringAt(made.json, 'spec', 'uid'), '7');
  assert.deepEqual(fieldAt(made.json, 'status'), {});
  assert.equal((await approve('ann')).code, 200);
  const certificate = await issued('ann');
  const seconds = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 1000;
  assert.equal(seconds, 900, 'ten minutes, and five for clocks');
  const agent = new Agent({
    ca: await readFile(server.plane.caFile),
    cert: certificate.toString(),
    key,
  });
  const who = await ask(agent, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
  assert.deepEqual(fieldAt(who.json, 'status', 'userInfo'), {
    username: 'ann',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  agent.destroy();
  const table = await ask(server.admin, 'GET', BASE, undefined, {
    accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
  });
  assert.match(table.text, /"kubernetes\.io\/kube-apiserver-client","bob","10m","Approved,Issued"/);
});

test('a node renews its own certificate by itself, and no other', async () => {
  const usages = ['digital signature', 'client auth'];
  const own = await make('O=system:nodes,CN=system:node:n1');
  await ask(server.node, 'POST', BASE, object('own', KUBELET_CLIENT, own.request, usages));
  const certificate = await issued('own');
  assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.deepEqual(await conditionsOf('own'), ['Approved AutoApproved']);
  const other = await make('O=system:nodes,CN=system:node:n2');
  await ask(server.node, 'POST', BASE, object('other', KUBELET_CLIENT, other.request, usages));
  // Looked at after this one, in order.
  const third = await make('O=system:nodes,CN=system:node:n1');
  await ask(server.node, 'POST', BASE, object('third', KUBELET_CLIENT, third.request, usages));
  await issued('third');
  assert.deepEqual(await conditionsOf('other'), []);
  assert.equal((await ask(server.node, 'DELETE', `${BASE}/other`)).code, 403);
});

test('a certificate for serving has the names that were asked for', async () => {
  const names = [
    { type: 'dns', value: 'n1.example.com' },
    { type: 'ip', value: '10.0.0.7' },
    { type: 'ip', value: 'fd00::7' },
  ] as const;
  const { request } = await make('O=system:nodes,CN=system:node:n1', names);
  const usages = ['digital signature', 'server auth'];
  await ask(server.node, 'POST', BASE, object('serving', KUBELET_SERVING, request, usages));
  await approve('serving');
  const certificate = await issued('serving');
  assert.ok(certificate.checkHost('n1.example.com'));
  assert.ok(certificate.checkIP('10.0.0.7'));
  assert.ok(certificate.checkIP('fd00::7'));
});

test('what a signer does not sign fails, and says why', async () => {
  const node = 'O=system:nodes,CN=system:node:n1';
  const cases = [
    ['server', CLIENT, 'CN=x', [], ['server auth'], /did not include \\"client auth\\"/],
    ['more', CLIENT, 'CN=x', [], ['client auth', 'cert sign'], /usages included \\"cert sign\\"/],
    [
      'org',
      KUBELET_SERVING,
      'CN=system:node:n1',
      [],
      ['server auth'],
      /organization is not system:nodes/,
    ],
    [
      'name',
      KUBELET_CLIENT,
      'O=system:nodes,CN=n1',
      [],
      ['client auth'],
      /does not begin with system:node/,
    ],
    [
      'bare',
      KUBELET_SERVING,
      node,
      [],
      ['digital signature', 'server auth'],
      /subjectAltName is required/,
    ],
    [
      'mail',
      KUBELET_SERVING,
      node,
      [{ type: 'email', value: 'a@b.c' }],
      ['server auth'],
      /Email subjectAltNames/,
    ],
  ] as const;
  for (const [name, signer, subject, names, usages, message] of cases) {
    const { request } = await make(subject, names);
    await ask(server.admin, 'POST', BASE, object(name, signer, request, usages));
    await approve(name);
    await eventually(name, async () => {
      const { text } = await ask(server.admin, 'GET', `${BASE}/${name}`);
      assert.match(text, /"type":"Failed"/);
      assert.match(text, message);
    });
  }
});

test('requests that make no sense are refused by field', async () => {
  const { request } = await make('CN=x');
  const masters = await make('O=system:masters,CN=x');
  const torn = Buffer.from(
    Buffer.from(request, 'base64').toString().replace(/[a-z]/, 'A'),
  ).toString('base64');
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [
      object('b', CLIENT, 'bm90aGluZw==', CLIENT_USAGES),
      /spec\.request: Invalid value: .*PEM block type/,
    ],
    [object('b', CLIENT, torn, CLIENT_USAGES), /spec\.request: Invalid value/],
    [
      object('b', CLIENT, masters.request, CLIENT_USAGES),
      /signer with system:masters group is not allowed/,
    ],
    [object('b', '', request, CLIENT_USAGES), /spec\.signerName: Required value/],
    [object('b', 'signer', request, CLIENT_USAGES), /fully qualified domain and path/],
    [object('b', 'kubernetes.io/legacy-unknown', request, CLIENT_USAGES), /legacy-unknown/],
    [object('b', CLIENT, request, []), /spec\.usages: Required value/],
    [object('b', CLIENT, request, ['flying']), /spec\.usages\[0\]: Unsupported value: .*flying/],
    [
      object('b', CLIENT, request, CLIENT_USAGES, { expirationSeconds: 599 }),
      /less than 600 seconds/,
    ],
  ];
  for (const [body, message] of bad) {
    const answer = await ask(server.admin, 'POST', BASE, body);
    assert.equal(answer.code, 422, answer.text);
    assert.match(stringAt(answer.json, 'message'), message);
  }
});

test('verdicts stand, the spec stays, and each door leads to its part only', async () => {
  const { request } = await make('CN=x');
  const foreign = 'example.com/signer';
  await ask(server.admin, 'POST', BASE, object('doors', foreign, request, ['client auth']));
  const url = `${BASE}/doors`;
  const merge = { 'content-type': 'application/merge-patch+json' };
  const approved = { conditions: [{ type: 'Approved', status: 'True' }] };
  const patch = (path: string, body: unknown, headers = {}): Promise<Answer> =>
    call(server.plane.url, server.admin, 'PATCH', `${url}${path}`, body, { ...merge, ...headers });
  const byStatus = await patch('/status', { status: approved });
  assert.match(byStatus.text, /may not add a condition of type/);
  const spec = await patch('', { spec: { usages: ['any'] } });
  assert.deepEqual(fieldAt(spec.json, 'spec', 'usages'), ['client auth']);
  const wrong = await patch('/approval', {
    status: { conditions: [{ type: 'Denied', status: 'False' }] },
  });
  assert.match(wrong.text, /Unsupported value: \\"False\\"/);

  const somebody = { 'impersonate-user': 'somebody' };
  await call(
    server.plane.url,
    server.admin,
    'POST',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    {
      metadata: { name: 'csr' },
      rules: [
        {
          verbs: ['patch'],
          apiGroups: ['certificates.k8s.io'],
          resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
        },
        {
          verbs: ['approve'],
          apiGroups: ['certificates.k8s.io'],
          resources: ['signers'],
          resourceNames: ['example.com/*'],
        },
      ],
    },
    { 'content-type': 'application/json' },
  );
  const bind = {
    metadata: { name: 'csr' },
    roleRef: { kind: 'ClusterRole', name: 'csr' },
    subjects: [{ kind: 'User', name: 'somebody' }],
  };
  await ask(server.admin, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', bind);
  assert.equal((await patch('/approval', { status: approved }, somebody)).code, 200);
  const signed = await patch('/status', { status: { certificate: 'YQ==' } }, somebody);
  assert.equal(signed.code, 403);
  assert.match(signed.text, /user not permitted to sign requests with signerName/);
  const undone = await patch('/approval', { status: { conditions: [] } });
  assert.match(undone.text, /may not remove a condition/);
  const both = [...approved.conditions, { type: 'Denied', status: 'True' }];
  assert.match(
    (await patch('/approval', { status: { conditions: both } })).text,
    /mutually exclusive/,
  );

  await ask(server.admin, 'POST', BASE, object('ours', CLIENT, request, ['client auth']));
  const refused = await call(
    server.plane.url,
    server.admin,
    'PATCH',
    `${BASE}/ours/approval`,
    { status: approved },
    { ...merge, ...somebody },
  );
  assert.match(refused.text, /user not permitted to approve requests with signerName/);
});
