import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer as createHTTPServer, get } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { dial } from '../local-instances.ts';
import { IngressForwarder } from './tcp-forwarder.ts';
import type { IngressTarget } from './tcp-forwarder.ts';

interface Instance {
  readonly target: IngressTarget;
  readonly sockets: Set<Socket>;
}

async function listening(t: TestContext, name: string, server: Server): Promise<Instance> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return {
    target: { podUID: name, connect: (limit) => dial({ host: '127.0.0.1', port }, limit) },
    sockets,
  };
}

/** Answers with its name; `/slow` in two parts, the second when told. */
function web(
  t: TestContext,
  name: string,
  slow: Promise<void> = Promise.resolve(),
): Promise<Instance> {
  const server = createHTTPServer((request, response) => {
    if (request.url !== '/slow') {
      response.end(name);
      return;
    }
    response.write(`${name} `);
    void slow.then(() => response.end('slowly'));
  });
  return listening(t, name, server);
}

async function forward(
  t: TestContext,
  targets: () => readonly IngressTarget[],
): Promise<IngressForwarder> {
  const forwarder = new IngressForwarder({ port: 0, clock: systemClock, targets });
  await forwarder.listen();
  t.after(() => forwarder.close());
  return forwarder;
}

/** Enough turns of the event loop for everything that is on its way on this machine. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function ask(port: number, agent: Agent | false, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    }).on('error', reject);
  });
}

function keptAlive(t: TestContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return agent;
}

test('IngressForwarder gives connections out in turn, and leaves out what does not answer', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const dead: IngressTarget = {
    podUID: 'dead',
    connect: (limit) => dial({ host: '127.0.0.1', port: 1 }, limit),
  };
  const { port } = await forward(t, () => [a.target, dead, b.target]);
  const answers: string[] = [];
  for (let round = 0; round < 6; round += 1) answers.push(await ask(port, false));
  assert.deepEqual(new Set(answers), new Set(['a', 'b']));
});

test('IngressForwarder moves a client that is kept alive when its instance drains', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  let ready = [a.target];
  const forwarder = await forward(t, () => ready);
  const agent = keptAlive(t);
  assert.equal(await ask(forwarder.port, agent), 'a');
  ready = [b.target];
  await forwarder.drain('a', 10_000);
  await Promise.all([...a.sockets].map((socket) => once(socket, 'close')));
  assert.equal(await ask(forwarder.port, agent), 'b');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'on the same connection');
});

test('IngressForwarder moves a client that is kept alive when its instance dies', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  let ready = [a.target];
  const { port } = await forward(t, () => ready);
  const agent = keptAlive(t);
  assert.equal(await ask(port, agent), 'a');
  ready = [b.target];
  for (const socket of a.sockets) {
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  await turns(); // until the forwarder has heard of it
  assert.equal(await ask(port, agent), 'b');
});

test('IngressForwarder waits with the end of a drain for an answer under way, however slow', async (t) => {
  const slow = Promise.withResolvers<void>();
  const a = await web(t, 'a', slow.promise);
  let ready = [a.target];
  const forwarder = await forward(t, () => ready);
  const answer = ask(forwarder.port, keptAlive(t), '/slow');
  while (a.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  ready = [];
  let drained = false;
  const drain = forwarder.drain('a', 10_000).then(() => (drained = true));
  await turns();
  assert.ok(!drained);
  slow.resolve();
  assert.equal(await answer, 'a slowly');
  await drain;
});

test('IngressForwarder cuts what is still under way at the limit of a drain', async (t) => {
  const a = await web(t, 'a', new Promise(() => undefined));
  const forwarder = await forward(t, () => [a.target]);
  const answer = ask(forwarder.port, false, '/slow').catch((error: unknown) => error);
  while (a.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  await forwarder.drain('a', 20);
  assert.ok((await answer) instanceof Error);
});

test('IngressForwarder passes other protocols as they are, with half-closed connections', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('hello\n');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('end', () => socket.end(`you said ${text}`));
  });
  const a = await listening(t, 'a', server);
  const { port } = await forward(t, () => [a.target]);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  client.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(client, 'data');
  client.end('good day');
  await once(client, 'end');
  assert.equal(text, 'hello\nyou said good day');
});

test('IngressForwarder closes the client when an instance of another protocol closes', async (t) => {
  const a = await listening(
    t,
    'a',
    createServer((socket) => socket.end('bye')),
  );
  const { port } = await forward(t, () => [a.target]);
  const client = connect({ port, host: '127.0.0.1' });
  let text = '';
  client.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(client, 'close');
  assert.equal(text, 'bye');
});

test('IngressForwarder lets a client wait for an instance that becomes ready', async (t) => {
  const a = await web(t, 'a');
  let asked = 0;
  const { port } = await forward(t, () => ((asked += 1) > 3 ? [a.target] : []));
  assert.equal(await ask(port, false), 'a');
});

test('IngressForwarder gives nothing more to an instance that began to drain while it was dialled', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  let asked = 0;
  const { port } = await forward(t, () => ((asked += 1) === 1 ? [a.target] : [b.target]));
  assert.equal(await ask(port, false), 'b');
});

test('IngressForwarder carries a large body both ways with a slow reader', async (t) => {
  const body = Buffer.alloc(8 << 20, 'windlass');
  const server = createHTTPServer((request, response) => void request.pipe(response));
  const a = await listening(t, 'a', server);
  const { port } = await forward(t, () => [a.target]);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
});

test('IngressForwarder refuses a port in use with the reason of the system', async (t) => {
  const { port } = await forward(t, () => []);
  const second = new IngressForwarder({ port, clock: systemClock, targets: () => [] });
  await assert.rejects(second.listen(), { code: 'EADDRINUSE' });
});
