// What is read without client-node is exactly what client-node reads; everything else is left to it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { connectionOf } from './kubeconfig.ts';
import { plainConnection } from './plain-kubeconfig.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const CLUSTER = {
  server: 'https://127.0.0.1:6443',
  'certificate-authority-data': base64('authority'),
};
const CERTIFICATE = {
  'client-certificate-data': base64('certificate'),
  'client-key-data': base64('key'),
};

function kubeconfig(cluster: object, user: object, more: object = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'other', cluster: { server: 'https://other', 'proxy-url': 'http://proxy' } },
      { name: 'c', cluster },
    ],
    users: [
      { name: 'u', user },
      { name: 'other', user: { exec: { command: 'false' } } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'mine' } }],
    'current-context': 'x',
    ...more,
  });
}

suite('plainConnection()', () => {
  const plain: Readonly<Record<string, string>> = {
    'a certificate': kubeconfig(CLUSTER, CERTIFICATE),
    'a token': kubeconfig(CLUSTER, { token: 'a.b' }),
    'both, behind a path': kubeconfig(
      { ...CLUSTER, server: 'https://example.test/clusters/one/' },
      { ...CERTIFICATE, token: 'a.b' },
    ),
    nobody: kubeconfig(CLUSTER, {}),
    JSON: JSON.stringify(parse(kubeconfig(CLUSTER, CERTIFICATE, { preferences: {} }))),
  };
  for (const [name, text] of Object.entries(plain))
    test(`reads what client-node reads: ${name}`, async () => {
      const config = new KubeConfig();
      config.loadFromString(text);
      const theirs = await connectionOf(config, 'test');
      const ours = plainConnection(text);
      assert.ok(ours);
      assert.equal(ours.server.href, theirs.server.href);
      assert.deepEqual(ours.tls, theirs.tls);
      assert.equal(theirs.proxy, undefined);
      assert.deepEqual(await ours.headers(), await theirs.headers());
    });

  const left: Readonly<Record<string, string>> = {
    'no YAML': 'a: [',
    'no object': '7',
    nothing: '',
    'no current context': kubeconfig(CLUSTER, CERTIFICATE, { 'current-context': 'y' }),
    'no such user': kubeconfig(CLUSTER, CERTIFICATE, { users: [] }),
    'no clusters': kubeconfig(CLUSTER, CERTIFICATE, { clusters: undefined }),
    'files beside it': kubeconfig(
      { server: CLUSTER.server, 'certificate-authority': 'ca.crt' },
      {},
    ),
    'the authorities of the system': kubeconfig({ server: CLUSTER.server }, CERTIFICATE),
    'plain HTTP': kubeconfig({ ...CLUSTER, server: 'http://127.0.0.1' }, CERTIFICATE),
    'no URL': kubeconfig({ ...CLUSTER, server: 'https://' }, CERTIFICATE),
    'a proxy': kubeconfig({ ...CLUSTER, 'proxy-url': 'http://proxy' }, CERTIFICATE),
    'another server name': kubeconfig({ ...CLUSTER, 'tls-server-name': 'other' }, CERTIFICATE),
    'unchecked certificates': kubeconfig({ ...CLUSTER, 'insecure-skip-tls-verify': true }, {}),
    'a command to ask': kubeconfig(CLUSTER, { exec: { command: 'login' } }),
    'a provider': kubeconfig(CLUSTER, { 'auth-provider': { name: 'oidc' } }),
    'a password': kubeconfig(CLUSTER, { username: 'me', password: 'secret' }),
    'somebody else': kubeconfig(CLUSTER, { ...CERTIFICATE, as: 'other' }),
    'a number for a token': kubeconfig(CLUSTER, { token: 7 }),
  };
  for (const [name, text] of Object.entries(left))
    test(`leaves to client-node: ${name}`, () => {
      assert.equal(plainConnection(text), undefined);
    });
});
