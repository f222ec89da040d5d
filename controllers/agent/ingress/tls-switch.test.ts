import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer as createHTTPSServer, request } from 'node:https';
import { connect as connectTCP } from 'node:net';
import { connect } from 'node:tls';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { issueAuthority, issueCertificate } from '#controlplane/identity/issuer.ts';
import type { KeyPair } from '#controlplane/identity/issuer.ts';
import { freePort } from '#test/support/free-ports.ts';
import { loadCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import type { IngressEntry } from './entry.ts';
import { instanceOf, service, TestIngress, web } from './ingress-fixture.ts';

const validity = { notBefore: Date.now() - 1_000, notAfter: Date.now() + 86_400_000 };
let authority: KeyPair;
before(async () => {
  authority = await issueAuthority('test', validity);
});

async function pairFor(...dnsNames: readonly string[]): Promise<KeyPair> {
  const commonName = dnsNames[0] ?? '';
  return issueCertificate(
    authority,
    { usage: 'server', commonName, dnsNames, ipAddresses: [] },
    validity,
  );
}

async function certificateFor(...dnsNames: readonly string[]): Promise<Certificate> {
  const { certificate, privateKey } = await pairFor(...dnsNames);
  return loadCertificate(certificate, privateKey);
}

interface Answer {
  readonly text: string;
  readonly serial: string;
}

function ask(port: number, servername: string, path = '/', agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        port,
        servername,
        path,
        headers: { host: servername },
        ca: authority.certificate,
        agent: agent ?? false,
      },
      (response) => {
        const { serialNumber: serial } = (
          response.socket as ReturnType<typeof connect>
        ).getPeerCertificate();
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ text, serial }));
      },
    );
    asked.on('error', reject).end();
  });
}

function https(port: number, host: string, more: Partial<IngressEntry> = {}): IngressEntry {
  return { port, targetPort: 443, protocol: 'HTTPS', host, ...more };
}

async function open(t: TestContext): Promise<{ ingress: TestIngress; port: number }> {
  return { ingress: new TestIngress(t), port: await freePort() };
}

test('TLSSwitch ends TLS with the certificate of the host, tells the instance https, and passes others through', async (t) => {
  const { ingress, port } = await open(t);
  await ingress.sync(
    service('web', https(port, 'a.example.com'), https(port, '*.wild.example.com')),
    service('own', https(port, 'own.example.com', { tls: { mode: 'Passthrough' } })),
  );
  assert.deepEqual(
    ingress.wanted.map(({ host }) => host),
    ['a.example.com', '*.wild.example.com'],
  );
  const a = await certificateFor('a.example.com');
  ingress.certificates.set('a.example.com', a);
  ingress.certificates.set('*.wild.example.com', await certificateFor('*.wild.example.com'));
  const own = await pairFor('own.example.com');
  const passed = createHTTPSServer(
    { cert: own.certificate, key: own.privateKey },
    (asked, response) => response.end(`own ${String(asked.headers['x-forwarded-proto'])}`),
  );
  ingress.lead(
    await web(t, 'web', (asked, response) =>
      response.end(`web ${asked.headers.host} ${String(asked.headers['x-forwarded-proto'])}`),
    ),
    await instanceOf(t, 'own', passed, 'own'),
  );
  const answer = await ask(port, 'a.example.com');
  assert.equal(answer.text, 'web a.example.com https');
  assert.equal((await ask(port, 'x.wild.example.com')).text, 'web x.wild.example.com https');
  assert.equal((await ask(port, 'own.example.com')).text, 'own undefined');
  await assert.rejects(ask(port, 'unknown.example.com'));
  await assert.rejects(ask(port, 'a.b.wild.example.com'));
});

test('TLSSwitch takes a new certificate for new connections and leaves open ones alone', async (t) => {
  const { ingress, port } = await open(t);
  await ingress.sync(service('web', https(port, 'a.example.com')));
  ingress.lead(await web(t, 'web'));
  ingress.certificates.set('a.example.com', await certificateFor('a.example.com'));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const first = await ask(port, 'a.example.com', '/', agent);
  ingress.certificates.set('a.example.com', await certificateFor('a.example.com'));
  const kept = await ask(port, 'a.example.com', '/', agent);
  const fresh = await ask(port, 'a.example.com');
  assert.equal(kept.serial, first.serial);
  assert.notEqual(fresh.serial, first.serial);
});

test('TLSSwitch serves who names no host with the certificate of the port', async (t) => {
  const { ingress, port } = await open(t);
  await ingress.sync(service('web', https(port, '')));
  ingress.lead(await web(t, 'web'));
  ingress.certificates.set('', await certificateFor('localhost'));
  for (let round = 0; round < 2; round += 1) {
    const client = connect({
      port,
      host: '127.0.0.1',
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
    });
    client.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n');
    let text = '';
    client.setEncoding('utf8').on('data', (part: string) => (text += part));
    await once(client, 'end');
    assert.match(text, /^HTTP\/1\.1 200 [^]*web$/);
  }
});

test('TLSSwitch ends connections that speak no TLS, or nothing', async (t) => {
  const { ingress, port } = await open(t);
  await ingress.sync(service('web', https(port, 'a.example.com')));
  const plain = connectTCP(port, '127.0.0.1');
  plain.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(plain.resume(), 'close');
  const silent = connectTCP(port, '127.0.0.1');
  silent.end();
  await once(silent.resume(), 'close');
});

test('loadCertificate() says what is wrong, and nothing of the key', async () => {
  const [one, other] = [await pairFor('a'), await pairFor('b')];
  assert.throws(() => loadCertificate('no', one.privateKey), /the certificate is not in PEM form/);
  assert.throws(
    () => loadCertificate(one.certificate, other.privateKey),
    /the key is not that of the certificate/,
  );
  assert.throws(() => loadCertificate(one.certificate, 'no'), /the key is not in PEM form/);
});
