import assert from 'node:assert/strict';
import { test } from 'node:test';

import { authorizationOf, offeredProtocols } from './web-socket-token.ts';

const PREFIX = 'base64url.bearer.authorization.k8s.io.';
const token = `${PREFIX}${Buffer.from('se.cr-et_').toString('base64url')}`;

function headers(protocols: string, more: Record<string, string> = {}): Record<string, string> {
  return { upgrade: 'WebSocket', 'sec-websocket-protocol': protocols, ...more };
}

test('a token among the subprotocols of a WebSocket stands for the header', () => {
  assert.equal(authorizationOf(headers(`${token}, base64.binary.k8s.io`)), 'Bearer se.cr-et_');
  assert.deepEqual(offeredProtocols(headers(`${token}, a,b`)), ['a', 'b']);
});

test('the header itself comes first, and requests that are no WebSocket have no other', () => {
  assert.equal(authorizationOf(headers(`${token}, a`, { authorization: 'Bearer x' })), 'Bearer x');
  assert.equal(authorizationOf({ 'sec-websocket-protocol': `${token}, a` }), undefined);
  assert.equal(authorizationOf(headers('a')), undefined);
});

test('a token without another subprotocol, or a second one, is refused rather than passed over', () => {
  for (const protocols of [token, `${token}, ${token}, a`]) {
    assert.equal(authorizationOf(headers(protocols)), 'Bearer');
  }
});
