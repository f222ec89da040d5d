// The controllers' client against servers that misbehave: HTTPS in this process, its sockets counted, its clock turned by the test.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { FakeClock, thing, THINGS } from '#controllers/machinery/machinery-fixture.ts';
import { ConnectionError, isExpired, RequestError } from '#controllers/machinery/request-error.ts';
import { CertificateStore } from '#controlplane/identity/certificate-store.ts';
import { serverNames } from '#controlplane/identity/server-names.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Bench {
  readonly client: HttpClient;
  readonly clock: FakeClock;
  /** Every socket that was ever accepted. */
  readonly sockets: readonly Socket[];
  readonly signal: AbortSignal;
}

async function start(t: TestContext, handler: Handler): Promise<Bench> {
  const store = await CertificateStore.open(join(tempDir(), 'pki'), systemClock);
  const { certificate, privateKey } = await store.ensure('server', serverNames('127.0.0.1'));
  const server = createServer({ cert: certificate, key: privateKey }, handler);
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock = new FakeClock();
  const stop = new AbortController();
  const client = new HttpClient({
    connection: {
      server: new URL(`https://127.0.0.1:${port}`),
      tls: { ca: store.authority.trusted },
      headers: () => Promise.resolve({}),
    },
    clock,
    metrics: new MetricsRegistry(),
    userAgent: 'test',
    random: () => 0,
  });
  t.after(async () => {
    stop.abort(new Error('the test is over'));
    await client[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });
  return { client, clock, sockets, signal: stop.signal };
}

function json(response: ServerResponse, code: number, body: unknown, headers = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function status(code: number, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason };
}

function event(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

const bookmark = (resourceVersion: string): string =>
  event('BOOKMARK', { metadata: { resourceVersion } });

test('requests one after another share connections', async (t) => {
  const bench = await start(t, (_, response) => json(response, 200, thing('a', '1')));
  for (let count = 0; count < 50; count += 1) {
    await bench.client.get(THINGS, 'ns', 'a', bench.signal);
  }
  // The second is opened because an answer is read a moment before its connection is free again.
  assert.ok(bench.sockets.length <= 2, `${bench.sockets.length} connections`);
});

test('a server that closes idle connections costs a new connection, not a request', async (t) => {
  const bench = await start(t, (_, response) => {
    response.shouldKeepAlive = false;
    json(response, 200, thing('a', '1'));
  });
  for (let count = 0; count < 3; count += 1) {
    await bench.client.get(THINGS, 'ns', 'a', bench.signal);
  }
  assert.equal(bench.sockets.length, 3);
});

test('a request that is not answered ends at its deadline', async (t) => {
  const bench = await start(t, () => undefined);
  const answer = bench.client.get(THINGS, 'ns', 'a', bench.signal);
  await eventually('it arrived', () => assert.equal(bench.sockets.length, 1));
  bench.clock.advance(30_000);
  await assert.rejects(answer, (error: Error) => {
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /^GET \/apis\/test\.dev.*\/a: no end of the answer within 30 s$/);
    return true;
  });
  assert.equal(bench.clock.pending, 0);
});

test('an answer that breaks off is a ConnectionError', async (t) => {
  const bench = await start(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"metadata":');
    response.socket?.destroySoon();
  });
  await assert.rejects(bench.client.get(THINGS, 'ns', 'a', bench.signal), ConnectionError);
});

test('the caller that gives up gets its own reason', async (t) => {
  const bench = await start(t, () => undefined);
  const stop = new AbortController();
  const answer = bench.client.get(THINGS, 'ns', 'a', stop.signal);
  const reason = new Error('changed my mind');
  await eventually('it arrived', () => assert.equal(bench.sockets.length, 1));
  stop.abort(reason);
  await assert.rejects(answer, (error) => error === reason);
});

test('429 with Retry-After is obeyed, without it told', async (t) => {
  let asked = 0;
  const bench = await start(t, (request, response) => {
    asked += 1;
    if (request.url?.endsWith('/b') === true) json(response, 429, status(429, 'TooManyRequests'));
    else if (asked <= 2)
      json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '3' });
    else json(response, 200, thing('a', '1'));
  });
  const answer = bench.client.create(THINGS, 'ns', thing('a', ''), bench.signal);
  for (const count of [1, 2]) {
    // The deadline of the request, and the wait.
    await eventually('it waits', () => {
      assert.equal(asked, count);
      assert.equal(bench.clock.pending, 2);
    });
    bench.clock.advance(3_000);
  }
  assert.equal((await answer).metadata.name, 'a');
  assert.equal(asked, 3);
  await assert.rejects(
    bench.client.get(THINGS, 'ns', 'b', bench.signal),
    (error) => error instanceof RequestError && error.code === 429,
  );
  assert.equal(asked, 4);
});

test('a list goes on page by page, and asks for all at once when its token expires', async (t) => {
  const asked: string[] = [];
  const bench = await start(t, (request, response) => {
    const query = new URL(request.url ?? '', 'https://x').searchParams;
    asked.push(`${query.get('limit') ?? '-'} ${query.get('continue') ?? '-'}`);
    const page = (metadata: object): object => ({ metadata, items: [thing('a', '1')] });
    if (query.get('continue') !== null) json(response, 410, status(410, 'Expired'));
    else if (query.get('limit') === null) json(response, 200, page({ resourceVersion: '9' }));
    else json(response, 200, page({ resourceVersion: '7', continue: 'token' }));
  });
  const list = await bench.client.list(THINGS, {}, bench.signal);
  assert.deepEqual(asked, ['500 -', '500 token', '- -']);
  assert.equal(list.metadata.resourceVersion, '9');
  assert.equal(list.items.length, 1);
});

test('a watch ends with what was whole, and rejects with 410 for history that is gone', async (t) => {
  const bench = await start(t, (request, response) => {
    response.writeHead(200);
    if (request.url?.includes('resourceVersion=1&') === true) {
      response.write(event('ADDED', thing('a', '2')));
      response.end(event('ADDED', thing('b', '3')).slice(0, 30));
    } else response.end(event('ERROR', status(410, 'Expired')));
  });
  const seen: string[] = [];
  for await (const change of bench.client.watch(THINGS, {}, '1', bench.signal)) {
    seen.push(change.type === 'BOOKMARK' ? change.type : change.object.metadata.name);
  }
  assert.deepEqual(seen, ['a']);
  await assert.rejects(async () => {
    for await (const _ of bench.client.watch(THINGS, {}, '0', bench.signal)) assert.fail();
  }, isExpired);
});

test('a watch that falls silent is resumed where it stood, without listing again', async (t) => {
  const asked: string[] = [];
  const bench = await start(t, (request, response) => {
    const query = new URL(request.url ?? '', 'https://x').searchParams;
    if (query.get('watch') === null) {
      asked.push('list');
      json(response, 200, { metadata: { resourceVersion: '1' }, items: [thing('a', '1')] });
      return;
    }
    asked.push(`watch ${query.get('resourceVersion') ?? ''}`);
    response.writeHead(200);
    // Then not a word, as when a router on the way forgot the connection.
    response.write(asked.length === 2 ? bookmark('5') : event('ADDED', thing('b', '6')));
  });
  const informer = new Informer<ApiObject>({
    client: bench.client,
    resource: THINGS,
    clock: bench.clock,
    logger: silentLogger,
    random: () => 0,
  });
  void informer.run(bench.signal);
  const position = (): string | undefined =>
    informer.state.name === 'Watching' ? informer.state.resourceVersion : undefined;
  await eventually('the bookmark arrived', () => assert.equal(position(), '5'));
  bench.clock.advance(60_000);
  assert.equal(informer.state.name, 'Watching');
  bench.clock.advance(30_000);
  await eventually('it backs off', () => assert.equal(informer.state.name, 'BackingOff'));
  bench.clock.advance(1_000);
  await eventually('it goes on', () => assert.equal(informer.cache.size, 2));
  assert.deepEqual(asked, ['list', 'watch 1', 'watch 5']);
});

test('deletes, which have a body, keep their connection', async (t) => {
  const bodies: string[] = [];
  const { client, signal, sockets } = await start(t, (request, response) => {
    let text = '';
    request.on('data', (data: Buffer) => (text += data.toString()));
    request.on('end', () => {
      bodies.push(text);
      response.end('{}');
    });
  });
  for (let count = 0; count < 10; count += 1)
    await client.delete(THINGS, 'ns', 'one', { uid: 'uid-one' }, signal);
  // The pool may open a second one before it knows that the first is free.
  assert.ok(sockets.length <= 2, `${sockets.length} connections for 10 deletes`);
  assert.equal(bodies.length, 10);
  assert.match(bodies[0] ?? '', /"preconditions":\{"uid":"uid-one"\}/);
});
