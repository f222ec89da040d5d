import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHTTPServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from '#test/support/free-ports.ts';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import type { IngressEntry } from './entry.ts';
import {
  ask,
  http,
  instanceOf,
  keptAlive,
  raw,
  reachedAt,
  service,
  TestIngress,
  turns,
  web,
} from './ingress-fixture.ts';

test('HTTPFront tells the instance who asks, and takes out what is for one connection only', async (t) => {
  const a = await web(t, 'a', (request, response) => {
    response.setHeader('x-own', 'yes');
    response.setHeader('connection', 'x-hop');
    response.setHeader('x-hop', 'no');
    response.end(JSON.stringify(request.headers));
  });
  const { port } = await http(t, a);
  const answer = await ask(port, {
    headers: {
      host: 'app.example.com:80',
      connection: 'x-secret',
      'x-secret': '1',
      'x-forwarded-for': '192.0.2.1',
      'x-other': 'kept',
    },
  });
  const seen = JSON.parse(answer.text) as Record<string, string>;
  assert.equal(seen['host'], 'app.example.com:80');
  // From this machine, so it is believed.
  assert.equal(seen['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
  assert.equal(seen['x-forwarded-host'], 'app.example.com:80');
  assert.equal(seen['x-forwarded-proto'], 'http');
  assert.equal(seen['forwarded'], 'for=127.0.0.1;host="app.example.com:80";proto=http');
  assert.equal(seen['x-other'], 'kept');
  assert.equal(seen['x-secret'], undefined);
  assert.equal(answer.headers['x-own'], 'yes');
  assert.equal(answer.headers['x-hop'], undefined);
});

test('HTTPFront routes by host and path, each to its Service', async (t) => {
  const ingress = new TestIngress(t);
  const port = await freePort();
  const entry = (more: Partial<IngressEntry>): IngressEntry => ({
    port,
    targetPort: 80,
    protocol: 'HTTP',
    ...more,
  });
  await ingress.sync(
    service('all', entry({})),
    service('app', entry({ host: 'app.example.com' })),
    service('api', entry({ host: 'app.example.com', path: '/api' })),
    service('wild', entry({ host: '*.example.com', path: '/w/' })),
  );
  const instances = ['all', 'app', 'api', 'wild'].map(async (name) =>
    instanceOf(
      t,
      name,
      createHTTPServer((_request, response) => response.end(name)),
      name,
    ),
  );
  ingress.lead(...(await Promise.all(instances)));
  const rows: readonly (readonly [string, string, string])[] = [
    ['app.example.com', '/', 'app'],
    ['APP.example.com.:80', '/', 'app'],
    ['app.example.com', '/api', 'api'],
    ['app.example.com', '/api/x?y=/z', 'api'],
    ['app.example.com', '/apix', 'app'],
    ['b.example.com', '/w', 'wild'],
    ['b.example.com', '/w/x', 'wild'],
    ['b.example.com', '/x', 'all'],
    ['a.b.example.com', '/w', 'all'],
    ['127.0.0.1', '/', 'all'],
  ];
  for (const [host, path, expected] of rows)
    assert.equal((await ask(port, { path, headers: { host } })).text, expected, `${host}${path}`);
});

test('HTTPFront says 404 where no Service has the host', async (t) => {
  const ingress = new TestIngress(t);
  const port = await freePort();
  const entry = { port, targetPort: 80, protocol: 'HTTP', host: 'app.example.com' } as const;
  await ingress.sync(service('web', entry));
  const { status, text } = await ask(port);
  assert.deepEqual([status, text], [404, '404 Not Found: no service has this host and path\n']);
});

test('HTTPFront sends a request on to another instance when the first refuses it, and leaves that one alone', async (t) => {
  const a = await web(t, 'a', (request, response) => void request.pipe(response));
  // How long it is left alone is counted by this clock, which stands still.
  const ingress = new TestIngress(t, new FakeClock());
  const port = await freePort();
  await ingress.sync(service('web', { port, targetPort: 80, protocol: 'HTTP' }));
  ingress.lead(reachedAt('dead', 1), a);
  for (let round = 0; round < 6; round += 1) {
    const answer = await ask(port, { method: 'POST' }, `body ${round}`);
    assert.deepEqual([answer.status, answer.text], [200, `body ${round}`]);
  }
  const errors = await ingress.metric('windlass_ingress_upstream_errors_total');
  assert.equal(errors.length, 1);
  assert.match(errors[0] ?? '', /reason="connect"\} 1$/);
  assert.match((await ingress.metric('windlass_ingress_retries_total')).join(), / 1$/);
});

test('HTTPFront repeats what may be repeated when an instance closes without an answer, nothing else', async (t) => {
  let reached = 0;
  const broken = await web(t, 'broken', (request) => {
    reached += 1;
    request.socket.destroy();
  });
  const a = await web(t, 'a');
  const { ingress, port } = await http(t);
  ingress.lead(broken, a);
  const statuses: string[] = [];
  for (const method of ['GET', 'GET', 'POST', 'POST', 'PUT', 'PUT']) {
    const { status } = await ask(port, { method }, method === 'PUT' ? 'body' : undefined);
    statuses.push(`${method} ${status}`);
  }
  assert.deepEqual(statuses.slice(0, 2), ['GET 200', 'GET 200']);
  // In turn: one of each two met the broken one.
  assert.deepEqual(statuses.slice(2, 4).toSorted(), ['POST 200', 'POST 502']);
  assert.deepEqual(statuses.slice(4).toSorted(), ['PUT 200', 'PUT 502']);
  assert.equal(reached, 3);
});

test('HTTPFront says 502 when no instance takes a connection, 503 when there is none', async (t) => {
  const { ingress, port } = await http(t);
  ingress.lead(reachedAt('dead', 1));
  const refused = await ask(port, { method: 'POST' }, 'body');
  assert.deepEqual(
    [refused.status, refused.text],
    [502, '502 Bad Gateway: no instance took the connection\n'],
  );
  ingress.lead();
  const none = await ask(port);
  assert.deepEqual([none.status, none.headers['retry-after']], [503, '1']);
});

test('HTTPFront lets a request wait for an instance that becomes ready', async (t) => {
  const a = await web(t, 'a');
  const { ingress, port } = await http(t);
  const answer = ask(port);
  await turns();
  ingress.lead(a);
  assert.equal((await answer).text, 'a');
});

test('HTTPFront gives requests to the instance with the fewest, in turn among equals', async (t) => {
  const held = Promise.withResolvers<void>();
  const slowly = (name: string) =>
    web(t, name, (request, response) => {
      if (request.url === '/slow') void held.promise.then(() => response.end(name));
      else response.end(name);
    });
  const [a, b] = [await slowly('a'), await slowly('b')];
  const { port } = await http(t, a, b);
  const turnsTaken = [await ask(port), await ask(port), await ask(port), await ask(port)];
  assert.deepEqual(turnsTaken.map(({ text }) => text).toSorted(), ['a', 'a', 'b', 'b']);
  const slow = ask(port, { path: '/slow' });
  while (a.sockets.size === 0 && b.sockets.size === 0) await turns();
  await turns();
  const others = new Set<string>();
  for (let round = 0; round < 4; round += 1) others.add((await ask(port)).text);
  held.resolve();
  const busy = (await slow).text;
  assert.deepEqual([...others], [busy === 'a' ? 'b' : 'a']);
});

test('HTTPFront drains: answers under way are completed, kept-alive clients go elsewhere on the same connection', async (t) => {
  const reached = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const a = await web(t, 'a', (request, response) => {
    if (request.url !== '/slow') response.end('a');
    else {
      reached.resolve();
      response.write('a ');
      void held.promise.then(() => response.end('slowly'));
    }
  });
  const b = await web(t, 'b');
  const { ingress, port } = await http(t, a);
  const agent = keptAlive(t);
  assert.equal((await ask(port, { agent })).text, 'a');
  const slow = ask(port, { path: '/slow' });
  await reached.promise;
  ingress.lead(b);
  let drained = false;
  const drain = ingress.table.drain('a', 10_000).then(() => (drained = true));
  const next = await ask(port, { agent });
  assert.deepEqual([next.text, next.headers.connection], ['b', 'keep-alive']);
  await turns();
  assert.ok(!drained);
  held.resolve();
  assert.equal((await slow).text, 'a slowly');
  await drain;
  await Promise.all([...a.sockets].map((socket) => once(socket, 'close')));
});

test('HTTPFront tells clients to leave when its port closes', async (t) => {
  const held = Promise.withResolvers<void>();
  const a = await web(
    t,
    'a',
    (_request, response) => void held.promise.then(() => response.end('a')),
  );
  const { ingress, port } = await http(t, a);
  const agent = keptAlive(t);
  const answer = ask(port, { agent });
  while (a.sockets.size === 0) await turns();
  await ingress.table.refuse();
  held.resolve();
  const { text, headers } = await answer;
  assert.deepEqual([text, headers.connection], ['a', 'close']);
  await assert.rejects(ask(port), { code: 'ECONNREFUSED' });
});

test('HTTPFront streams both ways at the pace of the slower side', async (t) => {
  const body = Buffer.alloc(16 << 20, 'windlass');
  const a = await web(t, 'a', (request, response) => void request.pipe(response));
  const { port } = await http(t, a);
  const echoed = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
  assert.ok(Buffer.from(await echoed.arrayBuffer()).equals(body));

  let written = 0;
  const endless = await web(t, 'endless', (_request, response) => {
    const chunk = Buffer.alloc(16 << 10);
    const more = (): void => {
      do written += chunk.length;
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  });
  const other = await http(t, endless);
  const reader = connect(other.port, '127.0.0.1').pause();
  reader.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  let before = -1;
  const isStill = (): boolean => written > 0 && written === before;
  while (!isStill()) {
    before = written;
    for (let round = 0; round < 20; round += 1) await turns();
  }
  assert.ok(written < 64 << 20, `${written} bytes for somebody who reads none`);
  reader.destroy();
});

test('HTTPFront passes chunked bodies, trailers, HEAD and codes without a body', async (t) => {
  const a = await web(t, 'a', (request, response) => {
    if (request.url === '/none') response.writeHead(204).end();
    else if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 5 }).end();
    else {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('part ');
      response.addTrailers({ 'x-sum': '1' });
      response.end('two');
    }
  });
  const { port } = await http(t, a);
  const get = (line: string): Promise<string> =>
    raw(port, `${line}\r\nhost: a\r\nconnection: close\r\n\r\n`);
  assert.match(
    await get('GET / HTTP/1.1'),
    /transfer-encoding: chunked[^]*part [^]*two[^]*x-sum: 1/i,
  );
  assert.match(await get('HEAD / HTTP/1.1'), /^HTTP\/1\.1 200 [^]*content-length: 5[^]*\r\n\r\n$/i);
  assert.match(await get('GET /none HTTP/1.1'), /^HTTP\/1\.1 204 [^]*\r\n\r\n$/);
  assert.match(await get('GET http://b/ HTTP/1.1'), /part/);
  assert.match(await get('GET / HTTP/1.0'), /^HTTP\/1\.1 200 (?![^]*chunked)[^]*part two$/);
});

test('HTTPFront answers in the place of an instance that speaks no HTTP', async (t) => {
  const server = createServer((socket) => void socket.end('hello\r\n\r\n'));
  const a = await instanceOf(t, 'a', server);
  const { port } = await http(t, a);
  assert.equal((await ask(port, { method: 'POST' })).status, 502);
});

test('HTTPFront cuts the answer when the instance dies in the middle of it', async (t) => {
  const a = await web(t, 'a', (request, response) => {
    response.write('half', () => request.socket.resetAndDestroy());
  });
  const { ingress, port } = await http(t, a);
  await assert.rejects(ask(port));
  await turns();
  assert.match(
    (await ingress.metric('windlass_ingress_requests_total')).join(),
    /code="canceled"\} 1/,
  );
});

test('HTTPFront tells the instance when the client has left', async (t) => {
  const left = Promise.withResolvers<void>();
  const a = await web(t, 'a', (_request, response) => {
    response.write('begun');
    response.once('close', () => left.resolve());
  });
  const { port } = await http(t, a);
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(client, 'data');
  client.destroy();
  await left.promise;
});

test('HTTPFront closes idle connections to an instance that nobody leads to any more, and completes what is under way', async (t) => {
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const a = await web(t, 'a', (request, response) => {
    if (request.url !== '/slow') return void response.end('a');
    reached.resolve();
    return void held.promise.then(() => response.end('a slowly'));
  });
  const { ingress, port } = await http(t, a);
  const slow = ask(port, { path: '/slow' });
  await reached.promise;
  ingress.lead();
  ingress.lead(a);
  assert.equal((await ask(port)).text, 'a');
  ingress.lead();
  while (a.sockets.size > 1) await turns();
  held.resolve();
  assert.equal((await slow).text, 'a slowly');
  while (a.sockets.size > 0) await turns();
});

test('HTTPFront cuts a client that takes nothing of an answer for too long', async (t) => {
  const clock = new FakeClock();
  const ingress = new TestIngress(t, clock);
  const port = await freePort();
  await ingress.sync(service('web', { port, targetPort: 80, protocol: 'HTTP' }));
  const written = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const chunk = Buffer.alloc(1 << 20);
  const a = await web(t, 'a', (_request, response) => {
    response.once('close', () => left.resolve());
    const more = (): void => {
      for (let count = 0; count < 64; count += 1) response.write(chunk);
      written.resolve();
    };
    more();
  });
  ingress.lead(a);
  const reader = connect(port, '127.0.0.1').pause();
  reader.on('error', () => undefined);
  reader.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await written.promise;
  // Until it has heard of the cut: what was written must have come to a standstill first.
  const gone = left.promise.then(() => true);
  const notYet = async (): Promise<boolean> => {
    await turns();
    clock.advance(130_000);
    return false;
  };
  while (!(await Promise.race([gone, notYet()])));
  reader.destroy();
});
