import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHTTPServer } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { http, instanceOf, raw, reachedAt } from './ingress-fixture.ts';
import type { TestInstance } from './ingress-fixture.ts';

function upgrading(t: TestContext, name: string): Promise<TestInstance> {
  const server = createHTTPServer((_request, response) => response.writeHead(426).end('no'));
  server.on('upgrade', (request, socket: Socket, head: Buffer) => {
    if (request.url === '/refuse') {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno!');
      return;
    }
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\nx-own: yes\r\n\r\nhello ',
    );
    socket.write(head);
    socket.pipe(socket);
  });
  return instanceOf(t, name, server);
}

test('UpgradedStream passes upgrades and the bytes both ways, to an instance that takes connections', async (t) => {
  const a = await upgrading(t, 'a');
  const { ingress, port } = await http(t);
  ingress.lead(reachedAt('dead', 1), a);
  for (let round = 0; round < 3; round += 1) {
    const client = connect(port, '127.0.0.1');
    let text = '';
    client.setEncoding('latin1').on('data', (part: string) => (text += part));
    client.write(
      'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nfirst',
    );
    while (!text.endsWith('hello first')) await once(client, 'data');
    assert.match(text, /^HTTP\/1\.1 101 [^]*x-own: yes/);
    client.write(' second');
    while (!text.endsWith('first second')) await once(client, 'data');
    client.end();
    await once(client, 'close');
  }
});

test('UpgradedStream passes the refusal of an upgrade', async (t) => {
  const { port } = await http(t, await upgrading(t, 'a'));
  const answer = await raw(
    port,
    'GET /refuse HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n[^]*no!$/);
});

test('HTTP ingress waits for upgraded streams only so long, and leaves them to the instance', async (t) => {
  const a = await upgrading(t, 'a');
  const { ingress, port } = await http(t, a);
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  await once(client, 'data');
  ingress.lead();
  await ingress.table.drain('a', 20);
  assert.equal(client.readyState, 'open');
  for (const socket of a.sockets) socket.destroy();
  client.resume();
  await once(client, 'close');
});
