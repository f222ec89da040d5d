import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { readClientHello } from './client-hello.ts';

/** The first flight of Node's own client. */
async function helloFor(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ...(servername === '' ? {} : { servername }) });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [first] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return first;
}

test('readClientHello() reads the name that a client asks for, however the bytes come', async () => {
  const hello = await helloFor('App.example.com');
  assert.deepEqual(readClientHello(hello), { type: 'hello', serverName: 'app.example.com' });
  for (let length = 0; length < hello.length; length += 1)
    assert.deepEqual(readClientHello(hello.subarray(0, length)), { type: 'more' }, `${length}`);
  // In records of 40 bytes.
  const records: Buffer[] = [];
  for (let at = 5; at < hello.length; at += 40) {
    const part = hello.subarray(at, at + 40);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  assert.deepEqual(readClientHello(Buffer.concat(records)), {
    type: 'hello',
    serverName: 'app.example.com',
  });
});

test('readClientHello() knows who names nobody, and what is not TLS', async () => {
  assert.deepEqual(readClientHello(await helloFor('')), { type: 'hello', serverName: '' });
  assert.deepEqual(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')), { type: 'invalid' });
  assert.deepEqual(readClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), { type: 'invalid' });
});

test('readClientHello() takes whatever bytes come', async () => {
  const hello = await helloFor('app.example.com');
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, value, cut) => {
      const broken = Buffer.from(hello.subarray(0, Math.max(1, cut)));
      broken[at % broken.length] = value;
      assert.ok(['more', 'invalid', 'hello'].includes(readClientHello(broken).type));
    }),
    { numRuns: 2_000 },
  );
});
