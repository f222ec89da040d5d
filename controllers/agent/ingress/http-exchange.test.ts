import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HTTPExchange } from './http-exchange.ts';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Case {
  readonly title: string;
  readonly request: string;
  readonly response: string;
  readonly closes?: boolean;
}

/** Exchanges that end by themselves. */
const complete: readonly Case[] = [
  { title: 'a length', request: GET, response: OK },
  { title: 'no body', request: GET, response: 'HTTP/1.1 204 No Content\r\n\r\n' },
  {
    title: 'a 304 with a length',
    request: GET,
    response: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
  },
  {
    title: 'HEAD',
    request: 'HEAD / HTTP/1.1\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
  },
  {
    title: 'chunks',
    request: GET,
    response:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n',
  },
  {
    title: 'chunks and trailers',
    request: GET,
    response:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\nDigest: x\r\n\r\n',
  },
  {
    title: 'an interim response',
    request: GET,
    response: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`,
  },
  {
    title: 'a body in the request',
    request: 'POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody',
    response: OK,
  },
  {
    title: 'chunks in the request',
    request: 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    response: OK,
  },
  { title: 'pipelined requests', request: GET + GET, response: OK + OK },
  { title: 'bare line feeds', request: 'GET / HTTP/1.1\nHost: x\n\n', response: OK },
  { title: 'an empty line before', request: `\r\n${GET}`, response: OK },
  {
    title: 'close in the response',
    request: GET,
    response: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    closes: true,
  },
  {
    title: 'close in the request',
    request: 'GET / HTTP/1.1\r\nconnection: Close\r\n\r\n',
    response: OK,
    closes: true,
  },
  { title: 'HTTP/1.0', request: 'GET / HTTP/1.0\r\n\r\n', response: OK, closes: true },
  {
    title: 'HTTP/1.0 kept alive',
    request: 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    response: OK,
  },
];

for (const { title, request, response, closes = false } of complete) {
  for (const size of [1, 3, 1_000]) {
    test(`HTTPExchange is idle exactly after the answer: ${title}, ${size} bytes at a time`, () => {
      const exchange = new HTTPExchange();
      assert.ok(exchange.isIdle && exchange.isUntouched);
      for (const part of pieces(request, size)) {
        exchange.request(part);
        assert.ok(!exchange.isUntouched);
      }
      assert.ok(!exchange.isIdle);
      let left = response.length;
      for (const part of pieces(response, size)) {
        exchange.response(part);
        left -= part.length;
        if (!request.startsWith(GET + GET))
          assert.equal(exchange.isIdle, left === 0, `${left} bytes left`);
      }
      assert.ok(exchange.isIdle);
      assert.equal(exchange.closes, closes);
      exchange.request(Buffer.from(GET));
      assert.ok(!exchange.isIdle);
      exchange.response(Buffer.from(OK));
      assert.ok(exchange.isIdle, 'the next exchange is understood too');
    });
  }
}

/** Afterwards nobody knows whether something is under way. */
for (const { title, request, response } of [
  {
    title: 'a body up to the end of the connection',
    request: GET,
    response: 'HTTP/1.1 200 OK\r\n\r\nall',
  },
  {
    title: 'an upgrade',
    request: GET,
    response: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  },
  {
    title: 'CONNECT',
    request: 'CONNECT x:1 HTTP/1.1\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\n\r\n',
  },
  { title: 'another protocol of lines', request: 'PING\r\n', response: '+PONG\r\n' },
  { title: 'bytes of another protocol', request: '\u0000\u0001\u0002', response: '\u0003' },
  { title: 'a server that speaks first', request: '', response: '220 ready\r\n' },
  {
    title: 'two lengths',
    request: GET,
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  },
  {
    title: 'a length that is none',
    request: GET,
    response: 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
  },
  {
    title: 'a chunk size that is none',
    request: GET,
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  },
  {
    title: 'a head without an end',
    request: `GET / HTTP/1.1\r\nx: ${'y'.repeat(300_000)}`,
    response: '',
  },
  {
    title: 'a request that is not sent to its end',
    request: 'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc',
    response: OK,
  },
  {
    title: 'an answer that nobody asked for',
    request: '',
    response: 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n',
  },
]) {
  test(`HTTPExchange is not idle with ${title}`, () => {
    const exchange = new HTTPExchange();
    if (request !== '') exchange.request(Buffer.from(request));
    if (response !== '') exchange.response(Buffer.from(response));
    assert.ok(!exchange.isIdle);
  });
}

function pieces(text: string, size: number): Buffer[] {
  const all = Buffer.from(text, 'latin1');
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.subarray(index * size, (index + 1) * size),
  );
}
