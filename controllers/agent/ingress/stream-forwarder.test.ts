import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHTTPServer } from 'node:http';
import type { Agent } from 'node:http';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { freePort } from '#test/support/free-ports.ts';
import type { ServiceInstance } from '../endpoints.ts';
import {
  ask as askHTTP,
  instanceOf,
  keptAlive,
  reachedAt,
  service,
  TestIngress,
  turns,
  web as instance,
} from './ingress-fixture.ts';
import type { TestInstance } from './ingress-fixture.ts';

/** Answers with its name; `/slow` in two parts, the second when told. */
function web(
  t: TestContext,
  name: string,
  slow: Promise<void> = Promise.resolve(),
): Promise<TestInstance> {
  return instance(t, name, (request, response) => {
    if (request.url !== '/slow') {
      response.end(name);
      return;
    }
    response.write(`${name} `);
    void slow.then(() => response.end('slowly'));
  });
}

interface Forwarder {
  readonly ingress: TestIngress;
  readonly port: number;
}

async function forward(t: TestContext, ...ready: readonly TestInstance[]): Promise<Forwarder> {
  const ingress = new TestIngress(t);
  const port = await freePort();
  await ingress.sync(service('web', { port, targetPort: 80 }));
  ingress.lead(...ready);
  return { ingress, port };
}

async function ask(port: number, agent: Agent | false, path = '/'): Promise<string> {
  return (await askHTTP(port, { agent, path })).text;
}

test('StreamForwarder gives connections out in turn, and leaves out what does not answer', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const { ingress, port } = await forward(t);
  ingress.lead(a, reachedAt('dead', 1), b);
  const answers: string[] = [];
  for (let round = 0; round < 6; round += 1) answers.push(await ask(port, false));
  assert.deepEqual(new Set(answers), new Set(['a', 'b']));
});

test('StreamForwarder moves a client that is kept alive when its instance drains', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const { ingress, port } = await forward(t, a);
  const agent = keptAlive(t);
  assert.equal(await ask(port, agent), 'a');
  ingress.lead(b);
  await ingress.table.drain('a', 10_000);
  await Promise.all([...a.sockets].map((socket) => once(socket, 'close')));
  assert.equal(await ask(port, agent), 'b');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'on the same connection');
});

test('StreamForwarder moves a client that is kept alive when its instance dies', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const { ingress, port } = await forward(t, a);
  const agent = keptAlive(t);
  assert.equal(await ask(port, agent), 'a');
  ingress.ready = [b.instance];
  for (const socket of a.sockets) {
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  await turns(); // until the forwarder has heard of it
  assert.equal(await ask(port, agent), 'b');
});

test('StreamForwarder waits with the end of a drain for an answer under way, however slow', async (t) => {
  const slow = Promise.withResolvers<void>();
  const a = await web(t, 'a', slow.promise);
  const { ingress, port } = await forward(t, a);
  const answer = ask(port, keptAlive(t), '/slow');
  while (a.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  ingress.lead();
  let drained = false;
  const drain = ingress.table.drain('a', 10_000).then(() => (drained = true));
  await turns();
  assert.ok(!drained);
  slow.resolve();
  assert.equal(await answer, 'a slowly');
  await drain;
});

test('StreamForwarder leaves what is under way at the limit of a drain to the instance', async (t) => {
  const slow = Promise.withResolvers<void>();
  const a = await web(t, 'a', slow.promise);
  const { ingress, port } = await forward(t, a);
  const answer = ask(port, false, '/slow');
  while (a.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
  ingress.lead();
  await ingress.table.drain('a', 20);
  slow.resolve();
  assert.equal(await answer, 'a slowly');
});

test('StreamForwarder passes other protocols as they are, with half-closed connections', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('hello\n');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('end', () => socket.end(`you said ${text}`));
  });
  const a = await instanceOf(t, 'a', server);
  const { port } = await forward(t, a);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  client.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(client, 'data');
  client.end('good day');
  await once(client, 'end');
  assert.equal(text, 'hello\nyou said good day');
});

test('StreamForwarder closes the client when an instance of another protocol closes', async (t) => {
  const a = await instanceOf(
    t,
    'a',
    createServer((socket) => socket.end('bye')),
  );
  const { port } = await forward(t, a);
  const client = connect({ port, host: '127.0.0.1' });
  let text = '';
  client.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(client, 'close');
  assert.equal(text, 'bye');
});

test('StreamForwarder lets a client wait for an instance that becomes ready', async (t) => {
  const a = await web(t, 'a');
  const { ingress, port } = await forward(t);
  const answer = ask(port, false);
  await turns();
  ingress.lead(a);
  assert.equal(await answer, 'a');
});

test('StreamForwarder gives nothing more to an instance that began to drain while it was dialled', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const { ingress, port } = await forward(t);
  const slow: ServiceInstance = {
    ...a.instance,
    async connect(...how) {
      const socket = await a.instance.connect(...how);
      ingress.lead(b);
      return socket;
    },
  };
  ingress.lead(slow);
  assert.equal(await ask(port, false), 'b');
});

test('StreamForwarder moves clients from instances that nobody leads to any more', async (t) => {
  const [a, b] = [await web(t, 'a'), await web(t, 'b')];
  const { ingress, port } = await forward(t, a);
  const agent = keptAlive(t);
  assert.equal(await ask(port, agent), 'a');
  ingress.lead(b);
  await Promise.all([...a.sockets].map((socket) => once(socket, 'close')));
  assert.equal(await ask(port, agent), 'b');
});

test('StreamForwarder carries a large body both ways with a slow reader', async (t) => {
  const body = Buffer.alloc(8 << 20, 'windlass');
  const server = createHTTPServer((request, response) => void request.pipe(response));
  const a = await instanceOf(t, 'a', server);
  const { port } = await forward(t, a);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
});
