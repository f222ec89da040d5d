// What a proxy and an instance could understand in two ways is refused before any instance sees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http, raw, web } from './ingress-fixture.ts';

const SMUGGLED: readonly (readonly [string, string])[] = [
  [
    'two lengths',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
  ],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['an odd coding', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n'],
  [
    'a chunk without its end',
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n',
  ],
  ['space before a colon', 'GET / HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n'],
  ['a bare line feed', 'GET / HTTP/1.1\nhost: a\n\n'],
  ['a folded line', 'GET / HTTP/1.1\r\nhost: a\r\nx-a: b\r\n c\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
  ['a target that is no path', 'GET admin HTTP/1.1\r\nhost: a\r\n\r\n'],
];

for (const [what, request] of SMUGGLED) {
  test(`HTTPFront refuses ${what}, and no instance hears of what follows`, async (t) => {
    const seen: string[] = [];
    const a = await web(t, 'a', (asked, response) => {
      asked.resume();
      seen.push(asked.url ?? '');
      asked.on('error', () => undefined);
      response.end('a');
    });
    const { port } = await http(t, a);
    const answer = await raw(
      port,
      `${request}GET /smuggled HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, answer);
    assert.ok(!seen.includes('/smuggled'), seen.join());
  });
}

test('HTTPFront limits the head of a request', async (t) => {
  const { port } = await http(t, await web(t, 'a'));
  const answer = await raw(port, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40 << 10)}\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 431 /);
});

test('HTTPFront refuses CONNECT, and takes an offer of h2c for the request that it is', async (t) => {
  const { port } = await http(t, await web(t, 'a'));
  assert.match(await raw(port, 'CONNECT b:80 HTTP/1.1\r\nhost: b:80\r\n\r\n'), /^HTTP\/1\.1 405 /);
  const offer =
    'connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\n';
  assert.match(
    await raw(port, `GET / HTTP/1.1\r\nhost: a\r\n${offer}\r\n`),
    /^HTTP\/1\.1 200 [^]*a$/,
  );
});
