import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Agent } from 'undici';
import { certifyKey, issueAuthority, issueCertificate } from '#controlplane/identity/issuer.ts';
import type { KeyPair } from '#controlplane/identity/issuer.ts';
import { silentLogger } from '#platform/logging.ts';
import type { ApiObject, ClientWatchEvent } from '../../machinery/client-types.ts';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import { FakeServer } from '../agent-fixture.ts';
import { Certificates } from './certificates.ts';
import type { Route } from './entry.ts';
import { service, turns } from './ingress-fixture.ts';
import { InternalCertificates } from './internal-certificates.ts';
import { SecretCertificates } from './secret-certificates.ts';
import { signCertificate } from './sign-certificate.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);
let authority: KeyPair;
before(async () => {
  authority = await issueAuthority('test', {
    notBefore: START - DAY_MS,
    notAfter: START + 3650 * DAY_MS,
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !isSo(); round += 1) await turns();
  assert.ok(isSo());
}

interface Internal {
  readonly folder: string;
  readonly clock: FakeClock;
  readonly asked: string[];
  problem: Error | undefined;
  readonly open: () => InternalCertificates;
}

async function internal(t: TestContext): Promise<Internal> {
  const folder = join(await mkdtemp(join(tmpdir(), 'windlass-ingress-')), 'ingress');
  t.after(() => rm(join(folder, '..'), { recursive: true, force: true }));
  const clock = new FakeClock();
  clock.advance(START);
  const stop = new AbortController();
  t.after(() => stop.abort(new Error('the test is over')));
  const made: Internal = {
    folder,
    clock,
    asked: [],
    problem: undefined,
    open: () =>
      new InternalCertificates(
        {
          folder,
          clock,
          random: () => 0,
          authority: authority.certificate,
          sign: async (host, publicKey) => {
            made.asked.push(host);
            if (made.problem !== undefined) throw made.problem;
            const names = { commonName: host, dnsNames: [host], ipAddresses: [] };
            const validity = {
              notBefore: clock.now() - 1_000,
              notAfter: clock.now() + 90 * DAY_MS,
            };
            return certifyKey(authority, { usage: 'server', ...names }, validity, publicKey);
          },
          changed: () => undefined,
        },
        stop.signal,
      ),
  };
  return made;
}

test('InternalCertificates has one made once, keeps it over a restart, and has it renewed in time', async (t) => {
  const made = await internal(t);
  const first = made.open();
  first.want(new Set(['a.example.com']));
  await until(() => first.find('a.example.com') !== undefined);
  const [file = ''] = await readdir(made.folder);
  assert.equal((await stat(join(made.folder, file))).mode & 0o777, 0o600);
  const again = made.open();
  again.want(new Set(['a.example.com']));
  await until(() => again.find('a.example.com') !== undefined);
  assert.equal(again.find('a.example.com')?.cert, first.find('a.example.com')?.cert);
  assert.deepEqual(made.asked, ['a.example.com']);
  const before = again.find('a.example.com')?.cert;
  first.want(new Set());
  made.clock.advance(61 * DAY_MS);
  await until(() => again.find('a.example.com')?.cert !== before);
  assert.deepEqual(made.asked, ['a.example.com', 'a.example.com']);
});

test('InternalCertificates says why there is none, and tries again', async (t) => {
  const made = await internal(t);
  made.problem = new Error('no ingress has this host');
  const certificates = made.open();
  certificates.want(new Set(['a']));
  await until(() => certificates.problemOf('a') !== undefined);
  assert.equal(certificates.problemOf('a'), 'no certificate for a: no ingress has this host');
  made.problem = undefined;
  made.clock.advance(10_000);
  await until(() => certificates.find('a') !== undefined);
  assert.equal(certificates.problemOf('a'), undefined);
});

class SecretServer extends FakeServer {
  items: ApiObject[] = [];
  readonly selectors: unknown[] = [];
  #push: (event: ClientWatchEvent<never>) => void = () => undefined;

  override list = ((_resource: unknown, selectors: unknown) => {
    this.selectors.push(selectors);
    return Promise.resolve({ metadata: { resourceVersion: '1' }, items: this.items });
  }) as never;

  override watch = async function* (this: SecretServer): AsyncGenerator<never> {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<ClientWatchEvent<never>>();
      this.#push = resolve;
      yield (await promise) as never;
    }
  }.bind(this) as never;

  tell(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ApiObject): void {
    this.#push({ type, object: object as never });
  }
}

let version = 1;

async function secret(type = 'kubernetes.io/tls', wrong = ''): Promise<ApiObject> {
  const names = { commonName: 'a', dnsNames: ['a'], ipAddresses: [] };
  const validity = { notBefore: START, notAfter: START + DAY_MS };
  const pair = await issueCertificate(authority, { usage: 'server', ...names }, validity);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const data = { 'tls.crt': base64(pair.certificate), 'tls.key': base64(wrong || pair.privateKey) };
  version += 1;
  const metadata = {
    name: 'own',
    namespace: 'default',
    uid: 'u',
    resourceVersion: String(version),
    creationTimestamp: '',
  };
  return { metadata, type, data } as ApiObject;
}

test('SecretCertificates follows a Secret, keeps what works when it breaks, and says what is wrong', async (t) => {
  const server = new SecretServer();
  const stop = new AbortController();
  t.after(() => stop.abort(new Error('the test is over')));
  const certificates = new SecretCertificates(
    {
      client: server,
      clock: new FakeClock(),
      logger: silentLogger,
      random: () => 0,
      changed: () => undefined,
    },
    stop.signal,
  );
  const key = 'default/own';
  const problem = (): string | undefined => certificates.problemOf(key);
  certificates.want(new Set([key]));
  await until(() => problem() !== undefined);
  assert.equal(problem(), 'Secret default/own does not exist');
  assert.deepEqual(server.selectors, [
    { namespace: 'default', fieldSelector: 'metadata.name=own' },
  ]);
  server.tell('ADDED', await secret());
  await until(() => certificates.find(key) !== undefined);
  const first = certificates.find(key);
  server.tell('MODIFIED', await secret());
  await until(() => certificates.find(key) !== first);
  const second = certificates.find(key);
  server.tell('MODIFIED', await secret('kubernetes.io/tls', 'nonsense'));
  await until(() => problem() !== undefined);
  assert.match(problem() ?? '', /^Secret default\/own cannot be used: the key is not in PEM form/);
  assert.equal(certificates.find(key), second);
  server.tell('MODIFIED', await secret('Opaque'));
  await until(() => problem()?.includes('type') === true);
  assert.match(problem() ?? '', /has type Opaque: it must be kubernetes.io\/tls$/);
  server.tell('DELETED', await secret());
  await until(() => certificates.find(key) === undefined);
  certificates.want(new Set());
  assert.equal(problem(), undefined);
});

test('Certificates tells each Service once what is wrong with its certificate', () => {
  const problems = new Map([['a', 'no certificate for a']]);
  const source = { want: () => undefined, find: () => undefined };
  const told: string[] = [];
  const certificates = new Certificates({
    internal: { ...source, problemOf: (key) => problems.get(key) },
    secrets: { ...source, problemOf: (key) => `Secret ${key} does not exist` },
    warn: ({ metadata }, reason, message) =>
      void told.push(`${metadata.name} ${reason} ${message}`),
  });
  const [web, api] = [service('web'), service('api')];
  const route = (of: typeof web, more: Partial<Route>): Route => ({
    service: of,
    namespace: 'default',
    name: of.metadata.name,
    targetPort: 80,
    host: 'a',
    path: '',
    ...more,
  });
  const routes = [
    route(web, { certificate: { type: 'Internal' } }),
    route(web, { certificate: { type: 'Internal' }, path: '/x' }),
    route(api, { certificate: { type: 'Secret', namespace: 'default', name: 's' } }),
  ];
  certificates.want(routes);
  certificates.want(routes);
  assert.deepEqual(told.splice(0), [
    'web IngressCertificate no certificate for a',
    'api IngressCertificate Secret default/s does not exist',
  ]);
  problems.clear();
  certificates.changed();
  problems.set('a', 'no certificate for a');
  certificates.changed();
  assert.deepEqual(told, ['web IngressCertificate no certificate for a']);
});

test('signCertificate() gives what the server signed, or its reason', async (t) => {
  const answers = [
    { code: 201, body: '{"certificate":"PEM"}' },
    { code: 403, body: '{"message":"no certificate for \\"a\\": no ingress has this host"}' },
    { code: 502, body: '<html>' },
  ];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    request
      .setEncoding('utf8')
      .on('data', (part: string) => seen.push(`${request.method} ${request.url} ${part}`));
    request.on('end', () => {
      const { code = 500, body = '' } = answers.shift() ?? {};
      response.writeHead(code).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispatcher = new Agent();
  t.after(async () => {
    await dispatcher.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const connection = {
    server: new URL(`http://127.0.0.1:${port}/prefix`),
    tls: {},
    headers: () => Promise.resolve({}),
  };
  const ask = (): Promise<string> =>
    signCertificate(
      { connection, dispatcher, nodeName: 'n1' },
      'a',
      'KEY',
      new AbortController().signal,
    );
  assert.equal(await ask(), 'PEM');
  assert.deepEqual(seen, [
    'POST /prefix/windlass/v1/nodes/n1/certificates {"host":"a","publicKey":"KEY"}',
  ]);
  await assert.rejects(ask(), { message: 'no certificate for "a": no ingress has this host' });
  await assert.rejects(ask(), /the server answered 502 without a reason/);
});
