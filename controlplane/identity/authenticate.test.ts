import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';

import { systemClock } from '#platform/clock.ts';

import { ApiError } from '../api/errors.ts';
import { Authenticator } from './authenticate.ts';
import type { PeerSocket } from './authenticate.ts';

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';

function socketWith(authorized: boolean, fields: Readonly<Record<string, unknown>>): PeerSocket {
  return {
    authorized,
    getPeerCertificate: () => fields as unknown as PeerCertificate & { raw: Buffer },
  } as PeerSocket;
}

function certificate(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    subject: { CN: 'admin', O: ['system:masters', 'operators'] },
    ext_key_usage: [CLIENT],
    valid_to: 'Jan  1 00:00:00 2040 GMT',
    ...changes,
  };
}

const at = (now: number): Authenticator => new Authenticator({ ...systemClock, now: () => now });
const NOW = Date.UTC(2030, 0, 1);

function userOf(socket: PeerSocket, authorization?: string): string {
  const user = at(NOW).authenticate(socket, authorization);
  if (user instanceof Promise) throw new TypeError('nobody is asked');
  return user instanceof ApiError ? String(user.code) : `${user.name} ${user.groups.join(',')}`;
}

test('Authenticator takes user and groups from the certificate', () => {
  assert.equal(
    userOf(socketWith(true, certificate())),
    'admin system:masters,operators,system:authenticated',
  );
  assert.equal(
    userOf(socketWith(true, certificate({ subject: { CN: 'x' } }))),
    'x system:authenticated',
  );
});

test('Authenticator calls a connection without certificate anonymous', () => {
  assert.equal(userOf(socketWith(false, {})), 'system:anonymous system:unauthenticated');
});

test('Authenticator answers 401 to what it cannot believe', () => {
  assert.equal(userOf(socketWith(false, certificate())), '401', 'another authority');
  assert.equal(
    userOf(socketWith(true, certificate({ ext_key_usage: [SERVER] }))),
    '401',
    'server certificate',
  );
  assert.equal(
    userOf(socketWith(true, certificate({ ext_key_usage: undefined }))),
    '401',
    'no usage',
  );
  assert.equal(userOf(socketWith(true, certificate({ subject: { O: 'x' } }))), '401', 'no name');
  assert.equal(
    userOf(socketWith(false, {}), 'Bearer x'),
    '401',
    'a token, which nobody checks yet',
  );
});

test('Authenticator stops believing when the certificate ends, on an open connection too', () => {
  let now = NOW;
  const authenticator = new Authenticator({ ...systemClock, now: () => now });
  const socket = socketWith(true, certificate());
  assert.ok(!(authenticator.authenticate(socket, undefined) instanceof ApiError));
  now = Date.UTC(2040, 0, 1);
  assert.ok(authenticator.authenticate(socket, undefined) instanceof ApiError);
});
