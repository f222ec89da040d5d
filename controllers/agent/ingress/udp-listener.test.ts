import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { freePort } from '#test/support/free-ports.ts';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import { reachedAt, service, TestIngress, turns } from './ingress-fixture.ts';
import type { ServiceInstance } from '../endpoints.ts';

async function bound(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

/** Answers with its name and what it got; counts those who ask. */
async function echo(
  t: TestContext,
  name: string,
): Promise<{ readonly instance: ServiceInstance; readonly peers: Set<number> }> {
  const socket = await bound(t);
  const peers = new Set<number>();
  socket.on('message', (message, { port, address }) => {
    peers.add(port);
    socket.send(`${name} ${message.toString()}`, port, address);
  });
  return { instance: reachedAt(name, socket.address().port), peers };
}

async function asked(client: Socket, port: number, text: string): Promise<string> {
  client.send(text, port, '127.0.0.1');
  const [answer] = (await once(client, 'message')) as [Buffer];
  return answer.toString();
}

async function udp(
  t: TestContext,
): Promise<{ ingress: TestIngress; port: number; clock: FakeClock }> {
  const clock = new FakeClock();
  const ingress = new TestIngress(t, clock);
  const port = await freePort();
  await ingress.sync(service('web', { port, targetPort: 53, protocol: 'UDP' }));
  return { ingress, port, clock };
}

test('UDPListener keeps a client with one instance, and gives others to others', async (t) => {
  const { ingress, port } = await udp(t);
  const [a, b] = [await echo(t, 'a'), await echo(t, 'b')];
  ingress.lead(a.instance, b.instance);
  const [one, two] = [await bound(t), await bound(t)];
  const answers = [
    await asked(one, port, '1'),
    await asked(two, port, '2'),
    await asked(one, port, '3'),
    await asked(two, port, '4'),
  ];
  assert.deepEqual(
    answers.map((answer) => answer.slice(2)),
    ['1', '2', '3', '4'],
  );
  assert.equal(answers[0]?.[0], answers[2]?.[0]);
  assert.notEqual(answers[0]?.[0], answers[1]?.[0]);
  assert.deepEqual(await ingress.metric('windlass_ingress_connections'), [
    'windlass_ingress_connections{protocol="UDP"} 2',
  ]);
});

test('UDPListener moves clients of an instance that is to stop with their next datagram', async (t) => {
  const { ingress, port } = await udp(t);
  const [a, b] = [await echo(t, 'a'), await echo(t, 'b')];
  ingress.lead(a.instance);
  const client = await bound(t);
  assert.equal(await asked(client, port, '1'), 'a 1');
  ingress.lead(b.instance);
  await ingress.table.drain('a', 10_000);
  assert.equal(await asked(client, port, '2'), 'b 2');
});

test('UDPListener forgets clients that are silent, and has no more of them than it may', async (t) => {
  const { ingress, port, clock } = await udp(t);
  const a = await echo(t, 'a');
  ingress.lead(a.instance);
  const client = await bound(t);
  await asked(client, port, '1');
  for (let round = 0; round < 5; round += 1) clock.advance(10_000);
  await asked(client, port, '2');
  assert.equal(a.peers.size, 1);
  for (let round = 0; round < 7; round += 1) clock.advance(10_000);
  assert.deepEqual(await ingress.metric('windlass_ingress_connections'), []);
  await asked(client, port, '3');
  assert.equal(a.peers.size, 2);
});

test('UDPListener drops datagrams while there is no instance, and goes on when there is one', async (t) => {
  const { ingress, port } = await udp(t);
  const client = await bound(t);
  client.send('lost', port, '127.0.0.1');
  await turns();
  const a = await echo(t, 'a');
  ingress.lead(a.instance);
  assert.equal(await asked(client, port, 'found'), 'a found');
});
