import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError } from '../../api/errors.ts';
import { commandOptions, forwardedPorts } from './command-options.ts';
import { negotiateProtocol } from './protocols.ts';

const webSocket = (offered?: string): Record<string, string> => ({
  upgrade: 'websocket',
  ...(offered === undefined ? {} : { 'sec-websocket-protocol': offered }),
});
const spdy = (offered?: string): Record<string, string> => ({
  upgrade: 'SPDY/3.1',
  ...(offered === undefined ? {} : { 'x-stream-protocol-version': offered }),
});

for (const [headers, stream, expected] of [
  [spdy('v5.channel.k8s.io, v4.channel.k8s.io,v3.channel.k8s.io'), 'exec', 'v4.channel.k8s.io'],
  [spdy('channel.k8s.io'), 'attach', 'channel.k8s.io'],
  [spdy(), 'exec', 'channel.k8s.io'],
  [spdy('portforward.k8s.io'), 'portforward', 'portforward.k8s.io'],
  [webSocket('v5.channel.k8s.io'), 'exec', 'v5.channel.k8s.io'],
  [
    webSocket('base64url.bearer.authorization.k8s.io.x, v4.base64.channel.k8s.io'),
    'exec',
    'v4.base64.channel.k8s.io',
  ],
  [webSocket(), 'exec', ''],
  [webSocket('v5.channel.k8s.io, v4.channel.k8s.io'), 'portforward', 'v4.channel.k8s.io'],
  [webSocket('SPDY/3.1+portforward.k8s.io'), 'portforward', 'SPDY/3.1+portforward.k8s.io'],
] as const) {
  test(`${stream} with ${JSON.stringify(headers)} is spoken as ${JSON.stringify(expected)}`, () => {
    assert.equal(negotiateProtocol(headers, stream).name, expected);
  });
}

for (const [headers, stream, code, message] of [
  [spdy('v9.channel.k8s.io'), 'exec', 403, /client supports \[v9.channel.k8s.io\], server accepts/],
  [spdy('v4.channel.k8s.io'), 'portforward', 403, /server accepts \[portforward.k8s.io\]/],
  [webSocket('chat'), 'exec', 403, /client supports \[chat\]/],
  [webSocket('v5.channel.k8s.io'), 'portforward', 403, /SPDY\/3.1\+portforward.k8s.io/],
  [{ upgrade: 'h2c' }, 'exec', 400, /cannot upgrade to "h2c"/],
  [{}, 'exec', 400, /cannot upgrade to ""/],
] as const) {
  test(`${stream} with ${JSON.stringify(headers)} is refused with ${code}`, () => {
    assert.throws(
      () => negotiateProtocol(headers, stream),
      (error) => error instanceof ApiError && error.code === code && message.test(error.message),
    );
  });
}

test('a command keeps its words in order; a terminal has one output', () => {
  const query = new URLSearchParams(
    'command=sh&command=-c&command=a+b&stdin=1&stdout=true&stderr=true',
  );
  const expected = { command: ['sh', '-c', 'a b'], stdin: true, stdout: true, stderr: true };
  assert.deepEqual(commandOptions(query, 'exec'), { ...expected, tty: false });
  query.set('tty', 'true');
  assert.deepEqual(commandOptions(query, 'exec'), { ...expected, stderr: false, tty: true });
});

for (const [stream, query, message] of [
  ['exec', 'stdout=true', /at least one command/],
  ['exec', 'command=&stdout=true', /at least one command/],
  ['exec', 'command=ls', /at least 1 of stdin, stdout, stderr/],
  ['exec', 'command=a%00b&stdout=true', /zero byte/],
  ['exec', `command=${'x'.repeat(140_000)}&stdout=true`, /Too long/],
  ['attach', 'stdout=false&stdin=0', /at least 1 of stdin, stdout, stderr/],
] as const) {
  test(`${stream}?${query.slice(0, 40)} is refused`, () => {
    assert.throws(() => commandOptions(new URLSearchParams(query), stream), message);
  });
}

test('ports come repeated or with commas, and only real ones', () => {
  assert.deepEqual(forwardedPorts(new URLSearchParams('ports=80,443&ports=1')), [80, 443, 1]);
  for (const query of ['', 'ports=', 'ports=0', 'ports=65536', 'ports=http', 'ports=-1']) {
    assert.throws(() => forwardedPorts(new URLSearchParams(query)), /"ports"/);
  }
  const many = `ports=${Array.from({ length: 65 }, () => 80).join(',')}`;
  assert.throws(() => forwardedPorts(new URLSearchParams(many)), /at most 64/);
});
