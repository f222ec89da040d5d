// deploy/envtest as controller-runtime's envtest uses it: the same flags, files, checks and signals, recorded with v0.25.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { CertificateStore } from '#controlplane/identity/certificate-store.ts';
import { eventually } from '#test/support/eventually.ts';
import { freePort } from '#test/support/free-ports.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { projectRoot } from '#test/support/windlass.ts';

const assets = join(projectRoot, 'deploy', 'envtest');

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function start(t: TestContext, name: string, flags: readonly string[]): Program {
  const child = spawn(join(assets, name), flags, { detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  t.after(() => child.exitCode === null && child.kill('SIGKILL'));
  return { child, output: () => output };
}

async function stop({ child, output }: Program): Promise<void> {
  const ended = child.exitCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGTERM');
  await ended;
  assert.equal(child.exitCode, 0, output());
}

interface Reply {
  readonly code: number;
  readonly text: string;
}

function call(
  port: number,
  path: string,
  user: { readonly cert?: string; readonly key?: string; readonly ca?: string },
  body?: object,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const url = `https://127.0.0.1:${port}${path}`;
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json' };
    // Health is asked without a look at the certificate; the rest trusts only the authority of envtest.
    const trust = user.ca === undefined ? { rejectUnauthorized: false } : {};
    const sent = request(url, { ...user, ...trust, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Of a service account that is made for it. */
async function tokenOf(
  port: number,
  user: Parameters<typeof call>[2],
  name: string,
): Promise<string> {
  const path = '/api/v1/namespaces/default/serviceaccounts';
  await call(port, path, user, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { code, text } = await call(port, `${path}/${name}/token`, user, asked);
  assert.equal(code, 201, text);
  return (JSON.parse(text) as { readonly status: { readonly token: string } }).status.token;
}

test('an API server with the certificates and users of envtest, whose state is in the folder of its etcd', async (t) => {
  const folder = tempDir();
  const certDir = join(folder, 'certs');
  const etcdDir = join(folder, 'etcd');
  mkdirSync(certDir);
  const serving = await CertificateStore.open(join(folder, 'serving'), systemClock);
  const clients = await CertificateStore.open(join(folder, 'clients'), systemClock);
  const own = await serving.issue({
    usage: 'server',
    commonName: 'localhost',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  });
  const joe = await clients.issue({
    usage: 'client',
    commonName: 'joe',
    organizations: ['system:masters'],
  });
  writeFileSync(join(certDir, 'apiserver.crt'), own.certificate);
  writeFileSync(join(certDir, 'apiserver.key'), own.privateKey);
  writeFileSync(join(certDir, 'client-cert-auth-ca.crt'), clients.authority.trusted);
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signer = accounts.privateKey.export({ type: 'pkcs1', format: 'pem' });
  writeFileSync(join(certDir, 'sa-signer.key'), signer);
  const user = { cert: joe.certificate, key: joe.privateKey, ca: serving.authority.trusted };

  const etcdURL = `http://127.0.0.1:${await freePort()}`;
  const etcd = start(t, 'etcd', [
    `--advertise-client-urls=${etcdURL}`,
    `--data-dir=${etcdDir}`,
    `--listen-client-urls=${etcdURL}`,
    `--listen-peer-urls=http://127.0.0.1:${await freePort()}`,
    '--unsafe-no-fsync=true',
  ]);
  await eventually('etcd is healthy', async () =>
    assert.equal((await fetch(`${etcdURL}/health`)).status, 200),
  );

  const port = await freePort();
  const flags = [
    '--allow-privileged=true',
    '--authorization-mode=RBAC',
    '--bind-address=127.0.0.1',
    `--cert-dir=${certDir}`,
    `--client-ca-file=${join(certDir, 'client-cert-auth-ca.crt')}`,
    '--disable-admission-plugins=ServiceAccount',
    `--etcd-servers=${etcdURL}`,
    `--secure-port=${port}`,
    `--service-account-issuer=https://127.0.0.1:${port}/`,
    `--service-account-key-file=${join(certDir, 'sa-signer.crt')}`,
    `--service-account-signing-key-file=${join(certDir, 'sa-signer.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
  ];
  for (const round of ['first', 'second']) {
    const server = start(t, 'kube-apiserver', flags);
    await eventually('the API server is healthy', async () => {
      assert.equal(server.child.exitCode, null, server.output());
      assert.equal((await call(port, '/healthz', {})).code, 200);
    });
    const created = await call(port, '/api/v1/namespaces/default/configmaps', user, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: round },
    });
    assert.equal(created.code, 201, created.text);
    const list = await call(port, '/api/v1/namespaces/default/configmaps', user);
    assert.equal(list.text.includes('"first"'), true, 'what the server before this one kept');
    const kinds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    assert.match((await call(port, kinds, user)).text, /"items":\[\]/);
    const token = await tokenOf(port, user, round);
    const [header = '', claims = '', signature = ''] = token.split('.');
    const signed = createVerify('sha256').update(`${header}.${claims}`);
    assert.ok(signed.verify(accounts.publicKey, signature, 'base64url'));
    const { iss } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iss: string };
    assert.equal(iss, `https://127.0.0.1:${port}/`);
    assert.match(server.output(), /flags=.*service-cluster-ip-range/);
    await stop(server);
  }
  await stop(etcd);
  assert.ok(readFileSync(join(etcdDir, 'windlass', 'state.db')).length > 0);
  rmSync(folder, { recursive: true });
});

test('what envtest looks for in --help is there, and what is wrong is told', async (t) => {
  const help = (name: string): string =>
    execFileSync(join(assets, name), ['--help'], { encoding: 'utf8' });
  assert.match(help('etcd'), /--unsafe-no-fsync /);
  assert.match(help('kube-apiserver'), /--client-ca-file /);
  assert.doesNotMatch(help('kube-apiserver'), /insecure-port/);

  const nothing = `http://127.0.0.1:${await freePort()}`;
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--secure-port=0', `--etcd-servers=${nothing}`], 2, /--secure-port must be 1 to 65535/],
    [[`--etcd-servers=${nothing}`], 1, /--etcd-servers .*Let envtest start the etcd/s],
    [[], 1, /--etcd-servers ""/],
  ];
  for (const [flags, code, message] of wrong) {
    const server = start(t, 'kube-apiserver', flags);
    await once(server.child, 'close');
    assert.deepEqual(
      [server.child.exitCode, message.test(server.output())],
      [code, true],
      server.output(),
    );
  }
});
