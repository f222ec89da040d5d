import assert from 'node:assert/strict';
import { test } from 'node:test';

import { systemIds } from '#platform/id.ts';

import type { UserInfo } from '../api/user.ts';
import type { TokenUser } from '../identity/token-authenticator.ts';

import { ConsoleSessions } from './console-sessions.ts';

const ann: UserInfo = { name: 'ann', groups: ['team', 'system:authenticated'] };
const HOUR_MS = 3_600_000;

function sessionsAt(start: number) {
  const time = { now: start };
  const valid = new Map<string, UserInfo>();
  const clock = { now: () => time.now, monotonic: () => time.now, schedule: () => () => undefined };
  const authenticate = (token: string): TokenUser | undefined => {
    const user = valid.get(token);
    return user === undefined ? undefined : { user, audiences: ['us'] };
  };
  const tokens = { authenticate };
  const sessions = new ConsoleSessions({ clock, ids: systemIds, audience: 'us', tokens });
  return { sessions, time, valid };
}

const CERTIFICATE = { token: undefined, validUntil: 1e15 };

test('ConsoleSessions exchanges a code once, for a token of the same user', () => {
  const { sessions } = sessionsAt(0);
  const { code, id } = sessions.offer(ann, CERTIFICATE);
  assert.equal(sessions.stateOf(id, ann), 'Open');
  assert.equal(sessions.authenticate(code, []), undefined, 'a code is no token');
  const session = sessions.redeem(code);
  assert.deepEqual(session?.user, ann);
  assert.equal(sessions.stateOf(id, ann), 'Used');
  assert.equal(sessions.stateOf(id, { ...ann, name: 'bob' }), 'Gone', 'nobody else learns of it');
  assert.equal(sessions.redeem(code), undefined);
  assert.deepEqual(sessions.authenticate(session?.token ?? '', []), {
    user: ann,
    audiences: ['us'],
  });
});

test('ConsoleSessions refuses a code after a minute, and what never was one', () => {
  const { sessions, time } = sessionsAt(0);
  const { code, id, expires } = sessions.offer(ann, CERTIFICATE);
  assert.equal(expires, 60_000);
  time.now = 60_000;
  assert.equal(sessions.redeem(code), undefined);
  assert.equal(sessions.stateOf(id, ann), 'Gone');
  assert.equal(sessions.redeem(id), undefined);
  assert.equal(sessions.redeem(''), undefined);
});

test('ConsoleSessions ends a session by its age, by signing out, and with all others', () => {
  const { sessions, time } = sessionsAt(0);
  const begin = (): string =>
    sessions.redeem(sessions.offer(ann, CERTIFICATE).code)?.token ?? assert.fail('no session');
  const first = begin();
  time.now = 11 * HOUR_MS;
  const second = begin();
  const third = begin();
  assert.ok(sessions.authenticate(first, []));
  time.now = 12 * HOUR_MS;
  assert.equal(sessions.authenticate(first, []), undefined);
  sessions.end(second);
  assert.equal(sessions.authenticate(second, []), undefined);
  assert.ok(sessions.authenticate(third, []));
  const { code } = sessions.offer(ann, CERTIFICATE);
  sessions.endAll();
  assert.equal(sessions.authenticate(third, []), undefined);
  assert.equal(sessions.redeem(code), undefined);
});

test('ConsoleSessions lets a session live no longer than what was shown for it', () => {
  const { sessions, time, valid } = sessionsAt(0);
  const { code } = sessions.offer(ann, { token: undefined, validUntil: HOUR_MS });
  const session = sessions.redeem(code);
  assert.equal(session?.expires, HOUR_MS);
  time.now = HOUR_MS;
  assert.equal(sessions.authenticate(session.token, []), undefined, 'the certificate has ended');

  valid.set('t', ann);
  const shown = sessions.offer(ann, { token: 't', validUntil: Infinity });
  const token = sessions.redeem(shown.code)?.token ?? assert.fail('no session');
  valid.set('t', { ...ann, groups: ['fewer'] });
  assert.deepEqual(sessions.authenticate(token, []), {
    user: { ...ann, groups: ['fewer'] },
    audiences: ['us'],
  });
  valid.delete('t');
  assert.equal(sessions.authenticate(token, []), undefined, 'the token has ended');
});

test('ConsoleSessions is for this server, and keeps so many of one user', () => {
  const { sessions } = sessionsAt(0);
  const tokens = Array.from({ length: 17 }, () => {
    const { code } = sessions.offer(ann, CERTIFICATE);
    return sessions.redeem(code)?.token ?? assert.fail('no session');
  });
  const alive = tokens.filter((token) => sessions.authenticate(token, []) !== undefined);
  assert.deepEqual(alive, tokens.slice(1));
  assert.equal(sessions.authenticate(tokens[16] ?? '', ['others']), undefined);
  assert.ok(sessions.authenticate(tokens[16] ?? '', ['others', 'us']));
});
