import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTLS } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { issueAuthority, issueCertificate } from '#controlplane/identity/issuer.ts';
import type { CertificateRequest, KeyPair } from '#controlplane/identity/issuer.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '#test/support/eventually.ts';
import type { ServiceInstance } from '../endpoints.ts';
import { dial } from '../local-instances.ts';
import { encode } from './messages.ts';
import { PEER_PROTOCOL, peerCredentials } from './peer-identity.ts';
import type { PeerCredentials } from './peer-identity.ts';
import { PeerLink } from './peer-link.ts';
import { peerMetrics } from './peer-metrics.ts';
import { PeerServer } from './peer-server.ts';

const NOW = systemClock.now();
const validity = { notBefore: NOW - 60_000, notAfter: NOW + 3_600_000 };
const authority = await issueAuthority('test', validity);

function nodeRequest(name: string): CertificateRequest {
  return { usage: 'node', commonName: `system:node:${name}`, organizations: ['system:nodes'] };
}

async function credentialsOf(name: string, ca: KeyPair = authority): Promise<PeerCredentials> {
  const { certificate, privateKey } = await issueCertificate(ca, nodeRequest(name), validity);
  return peerCredentials({ tls: { ca: ca.certificate, cert: certificate, key: privateKey } }, name);
}

/** Answers every line with its name and the line, and says goodbye after the client's end. */
async function echo(t: TestContext, podUID: string, service = 'web'): Promise<ServiceInstance> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('utf8');
    socket.write(`${podUID} greets\n`);
    socket.on('data', (text: string) => void socket.write(`${podUID}: ${text}`));
    socket.on('end', () => socket.end(`${podUID}: bye`));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const endpoint = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  return {
    podUID,
    pod: podUID,
    namespace: 'default',
    service,
    revision: 'r1',
    node: 'b',
    address: () => endpoint,
    connect: (_port, timeoutMs) => dial(endpoint, timeoutMs),
  };
}

interface Machine {
  readonly server: PeerServer;
  readonly port: number;
  ready: ServiceInstance[];
  known: string[];
}

async function machineB(t: TestContext, ...ready: ServiceInstance[]): Promise<Machine> {
  const machine = { ready, known: ['a'] };
  const server = new PeerServer({
    credentials: await credentialsOf('b'),
    clock: systemClock,
    logger: silentLogger,
    metrics: peerMetrics(new MetricsRegistry()),
    ready: () => machine.ready,
    find: (podUID) => machine.ready.find((instance) => instance.podUID === podUID),
    offers: (_instance, port) => port === 8080 || port === 'http',
    isKnown: (node) => machine.known.includes(node),
  });
  const port = await server.listen('127.0.0.1', 0);
  t.after(() => server.close());
  return Object.assign(machine, { server, port });
}

interface LinkFromA {
  readonly link: PeerLink;
  readonly drained: [string, number][];
  readonly stop: () => Promise<void>;
  readonly metrics: MetricsRegistry;
}

async function linkFromA(t: TestContext, port: number, node = 'b'): Promise<LinkFromA> {
  const lifetime = new AbortController();
  const drained: [string, number][] = [];
  const metrics = new MetricsRegistry();
  const link = new PeerLink({
    address: { node, host: '127.0.0.1', port },
    credentials: await credentialsOf('a'),
    clock: systemClock,
    logger: silentLogger,
    metrics: peerMetrics(metrics),
    random: () => 0,
    changed: () => undefined,
    drain: (podUID, limitMs) => void drained.push([podUID, limitMs]),
  });
  const ended = link.run(lifetime.signal);
  const stop = (): Promise<void> => {
    lifetime.abort(new Error('the test is over'));
    return ended;
  };
  t.after(stop);
  return { link, drained, stop, metrics };
}

const names = (link: PeerLink): string[] => [...link.ready()].map(({ podUID }) => podUID);

function only(link: PeerLink): Promise<ServiceInstance> {
  return eventually('one instance is known', () => {
    const [instance, ...more] = link.ready();
    assert.ok(instance !== undefined && more.length === 0);
    return instance;
  });
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket as AsyncIterable<string>) text += chunk;
  return text;
}

test('a peer learns what is ready, what is not any more, and what drains', async (t) => {
  const [one, two] = [await echo(t, 'one'), await echo(t, 'two')];
  const b = await machineB(t, one);
  const { link, drained } = await linkFromA(t, b.port);
  const instance = await only(link);
  assert.deepEqual(
    [instance.namespace, instance.service, instance.revision, instance.node],
    ['default', 'web', 'r1', 'b'],
  );
  b.ready = [one, two];
  b.server.announce();
  await eventually('two are known', () => assert.deepEqual(names(link), ['one', 'two']));
  b.ready = [two];
  b.server.announce();
  await eventually('one is gone', () => assert.deepEqual(names(link), ['two']));
  assert.deepEqual(drained, []);
  b.ready = [];
  b.server.announce();
  await b.server.drain('two', 5_000);
  await eventually('the drain is told', () => assert.deepEqual(drained, [['two', 5_000]]));
  assert.deepEqual(names(link), []);
});

test('bytes pass both ways, the server may speak first, and each direction ends by itself', async (t) => {
  const b = await machineB(t, await echo(t, 'one'));
  const { link } = await linkFromA(t, b.port);
  const socket = await (await only(link)).connect('http', 5_000);
  socket.write('hello\n');
  socket.end('more\n');
  const text = await textOf(socket);
  assert.match(text, /^one greets\none: hello\n/);
  assert.match(text, /more\none: bye$/);
});

test('much data passes unchanged with a slow reader', async (t) => {
  const b = await machineB(t);
  const payload = Buffer.alloc(8 << 20, 'windlass ');
  const server = createServer((socket) => void socket.end(payload));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  b.ready = [
    { ...(await echo(t, 'one')), connect: (_port, ms) => dial({ host: '127.0.0.1', port }, ms) },
  ];
  const { link } = await linkFromA(t, b.port);
  const socket = await (await only(link)).connect(8080, 5_000);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (chunks.length % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(Buffer.concat(chunks).equals(payload));
});

test('only declared ports of ready instances are given', async (t) => {
  const one = await echo(t, 'one');
  const b = await machineB(t, one);
  const { link } = await linkFromA(t, b.port);
  const instance = await only(link);
  await assert.rejects(instance.connect(22, 5_000), /node b refused: it declares no port 22/);
  b.ready = [];
  await assert.rejects(instance.connect(8080, 5_000), /node b refused: it is not ready/);
  b.ready = [{ ...one, connect: () => Promise.reject(new Error('refused')) }];
  await assert.rejects(instance.connect(8080, 5_000), /node b refused: it does not answer/);
});

test('drain waits for what is open, and cuts it after the limit', async (t) => {
  const one = await echo(t, 'one');
  const b = await machineB(t, one);
  const { link } = await linkFromA(t, b.port);
  const socket = await (await only(link)).connect(8080, 5_000);
  b.ready = [];
  let isDrained = false;
  const drained = b.server.drain('one', 60_000).then(() => (isDrained = true));
  socket.write('still here\n');
  await new Promise((resolve) => socket.once('data', resolve));
  assert.equal(isDrained, false);
  socket.destroy();
  await drained;

  b.ready = [one];
  b.server.announce();
  const stubborn = await (await only(link)).connect(8080, 5_000);
  stubborn.on('error', () => undefined).resume();
  const ended = new Promise((resolve) => stubborn.once('end', resolve));
  await b.server.drain('one', 20);
  await ended;
});

test('when the agent of a peer dies, nothing of it is offered, and it is found again', async (t) => {
  const one = await echo(t, 'one');
  const first = await machineB(t, one);
  const { link } = await linkFromA(t, first.port);
  await only(link);
  await first.server.close();
  await eventually('nothing is offered', () => assert.deepEqual(names(link), []));
  assert.equal(link.isUp, false);
  const again = new PeerServer({
    credentials: await credentialsOf('b'),
    clock: systemClock,
    logger: silentLogger,
    metrics: peerMetrics(new MetricsRegistry()),
    ready: () => [one],
    find: () => one,
    offers: () => true,
    isKnown: () => true,
  });
  t.after(() => again.close());
  await again.listen('127.0.0.1', first.port);
  await only(link);
});

test('a link to another node than the one meant offers nothing', async (t) => {
  const b = await machineB(t, await echo(t, 'one'));
  const { link, stop, metrics } = await linkFromA(t, b.port, 'c');
  await eventually('it was tried twice', async () => {
    assert.match(await metrics.expose(), /windlass_peer_link_failures_total\{peer="c"\} [2-9]/);
  });
  assert.deepEqual(names(link), []);
  await stop();
});

/** What is read of the server after saying `line` with these credentials; undefined when it cuts the connection. */
function answerTo(port: number, options: ConnectionOptions, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTLS({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: [PEER_PROTOCOL],
      ...options,
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined).on('close', () => resolve(text));
    socket.on('secureConnect', () => void socket.end(line));
  });
}

test('who is not a node of the cluster gets nothing', async (t) => {
  const b = await machineB(t, await echo(t, 'one'));
  b.known = ['a', 'admin', 'c'];
  const ask = encode({ open: 'connect', podUID: 'one', port: 8080 });
  const keyPair = async (
    request: CertificateRequest,
    ca = authority,
  ): Promise<ConnectionOptions> => {
    const { certificate, privateKey } = await issueCertificate(ca, request, validity);
    return { cert: certificate, key: privateKey };
  };
  const admin: CertificateRequest = {
    usage: 'client',
    commonName: 'system:node:a',
    organizations: ['system:masters'],
  };
  const stranger = await issueAuthority('test', validity);
  const cases: Readonly<Record<string, ConnectionOptions>> = {
    'no certificate': {},
    'an administrator': await keyPair(admin),
    'a server': await keyPair({
      ...nodeRequest('a'),
      usage: 'server',
      dnsNames: [],
      ipAddresses: [],
    }),
    'a node of another cluster': await keyPair(nodeRequest('a'), stranger),
    'a node that does not exist': await keyPair(nodeRequest('z')),
    'another protocol': { ...(await keyPair(nodeRequest('a'))), ALPNProtocols: ['http/1.1'] },
    'TLS 1.2': { ...(await keyPair(nodeRequest('a'))), maxVersion: 'TLSv1.2' },
  };
  for (const [who, options] of Object.entries(cases))
    assert.equal(await answerTo(b.port, options, ask), '', who);
  const good = await keyPair(nodeRequest('a'));
  assert.match(await answerTo(b.port, good, ask), /^\{"status":"ok"\}\none greets/);
  for (const line of [
    'nonsense\n',
    '{}\n',
    '[1]\n',
    'x'.repeat(10_000),
    '{"open":"connect"}\n',
    '',
  ])
    assert.equal(await answerTo(b.port, good, line), '', line.slice(0, 20));
  // Not even TLS.
  const plain = connect(b.port, '127.0.0.1', () => plain.end(ask));
  plain.on('error', () => undefined);
  assert.doesNotMatch(await textOf(plain).catch(() => ''), /greets/);
});

test('peerCredentials() refuses what other agents would not know', async () => {
  const make = async (request: CertificateRequest): Promise<() => PeerCredentials> => {
    const { certificate, privateKey } = await issueCertificate(authority, request, validity);
    const tls = { ca: authority.certificate, cert: certificate, key: privateKey };
    return () => peerCredentials({ tls }, 'a');
  };
  assert.throws(() => peerCredentials({ tls: {} }, 'a'), /holds no client certificate/);
  assert.throws(
    await make({ ...nodeRequest('a'), usage: 'client' } as CertificateRequest),
    /for clients only/,
  );
  assert.throws(await make(nodeRequest('b')), /not that of node a/);
  assert.equal((await make(nodeRequest('a')))().minVersion, 'TLSv1.3');
});
