// What a node may have signed, and which Secrets the ingress of Services lets it read.
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { call, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

const file = path.join(import.meta.dirname, '..', 'deploy', 'crds.json');
const { items } = JSON.parse(readFileSync(file, 'utf8')) as { readonly items: readonly unknown[] };
const PATH = '/windlass/v1/nodes/n1/certificates';
const SERVICES = '/apis/windlass.dev/v1alpha1/namespaces/default/services';
const SECRETS = '/api/v1/namespaces/default/secrets';

let fixture: TestPlane;
before(async () => {
  fixture = await startTestPlane({ bootstrapObjects: items });
  const { plane, admin } = fixture;
  const https = (host: string, tls?: object) => ({
    port: 443,
    targetPort: 80,
    protocol: 'HTTPS',
    host,
    ...(tls === undefined ? {} : { tls }),
  });
  const containers = [{ name: 'main', image: 'a' }];
  const ingress = [
    https('app.example.com'),
    https('*.wild.example.com', { mode: 'Internal' }),
    https(''),
    https('own.example.com', { mode: 'Secret', secretName: 'own' }),
    https('kubernetes.default.svc'),
  ];
  const service = {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { template: { spec: { containers } }, ingress },
  };
  const made = await call(plane.url, admin, 'POST', SERVICES, service);
  assert.equal(made.code, 201, made.text);
  for (const name of ['own', 'other']) {
    const metadata = { name };
    await call(plane.url, admin, 'POST', SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata });
  }
});
after(() => fixture.close());

function publicKey(namedCurve = 'prime256v1'): string {
  return generateKeyPairSync('ec', { namedCurve }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
}

test('ControlPlane signs for a node the certificate of a host that an ingress names', async () => {
  const { plane, node } = fixture;
  const authority = new X509Certificate(await readFile(plane.caFile));
  const rows: readonly (readonly [string, string])[] = [
    ['app.example.com', 'DNS:app.example.com'],
    ['*.wild.example.com', 'DNS:*.wild.example.com'],
    ['', 'DNS:localhost, DNS:n1, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1'],
  ];
  for (const [host, names] of rows) {
    const key = publicKey();
    const answer = await call(plane.url, node, 'POST', PATH, { host, publicKey: key });
    assert.equal(answer.code, 201, answer.text);
    const chain = String(answer.json['certificate']);
    const leaf = new X509Certificate(chain);
    assert.ok(leaf.verify(authority.publicKey));
    assert.equal(leaf.subjectAltName, names);
    assert.equal(leaf.publicKey.export({ type: 'spki', format: 'pem' }), key);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'for servers, nothing else');
    assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  }
});

test('ControlPlane signs nothing else, and for nobody else', async () => {
  const { plane, node, admin, anonymous } = fixture;
  const key = publicKey();
  const ask = (body: object, agent = node, to = PATH): ReturnType<typeof call> =>
    call(plane.url, agent, 'POST', to, body);
  const rows: readonly (readonly [object, number, RegExp])[] = [
    [{ host: 'evil.example.com', publicKey: key }, 403, /no ingress has this host/],
    [{ host: 'x.wild.example.com', publicKey: key }, 403, /no ingress has this host/],
    [{ host: 'own.example.com', publicKey: key }, 403, /no ingress has this host/],
    [{ host: 'kubernetes.default.svc', publicKey: key }, 403, /name of the API server/],
    [{ host: 'app.example.com', publicKey: 'no' }, 400, /publicKey must be the PEM/],
    [{ host: 'app.example.com', publicKey: publicKey('secp384r1') }, 400, /publicKey must be/],
    [{ host: 7, publicKey: key }, 400, /host must be a string/],
    [{ host: 'app.example.com' }, 400, /publicKey must be a string/],
  ];
  for (const [body, code, message] of rows) {
    const answer = await ask(body);
    assert.equal(answer.code, code, answer.text);
    assert.match(String(answer.json['message']), message);
  }
  const body = { host: 'app.example.com', publicKey: key };
  assert.equal((await ask(body, node, PATH.replace('n1', 'n2'))).code, 403);
  assert.equal((await ask(body, anonymous)).code, 403);
  assert.equal((await ask(body, admin)).code, 201);
  assert.equal((await call(plane.url, node, 'GET', PATH)).code, 403);
});

test('ControlPlane lets a node read and watch the Secrets that an ingress names, one by one', async () => {
  const { plane, node } = fixture;
  const get = async (rest: string): Promise<number> =>
    (await call(plane.url, node, 'GET', `${SECRETS}${rest}`)).code;
  assert.equal(await get('/own'), 200);
  assert.equal(await get('?fieldSelector=metadata.name%3Down'), 200);
  assert.equal(await get('/other'), 403);
  assert.equal(await get('?fieldSelector=metadata.name%3Dother'), 403);
  assert.equal(await get(''), 403);
  const change = await call(plane.url, node, 'DELETE', `${SECRETS}/own`);
  assert.equal(change.code, 403);
});
