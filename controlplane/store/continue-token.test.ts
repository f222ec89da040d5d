import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../api/errors.ts';
import { decodeContinueToken, encodeContinueToken, INCONSISTENT } from './continue-token.ts';

const name = fc.stringMatching(/^[a-z0-9:.-]{1,40}$/);

test('a continue token comes back as it was', () => {
  const namespace = fc.oneof(fc.constant(''), name);
  const revision = fc.oneof(
    fc.constant(INCONSISTENT),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(
    fc.property(namespace, name, revision, (ns, n, rv) => {
      const token = { revision: rv, startAfter: { namespace: ns, name: n } };
      const encoded = encodeContinueToken(token);
      assert.match(encoded, /^[A-Za-z0-9_-]+$/);
      assert.deepEqual(decodeContinueToken(encoded), token);
    }),
  );
});

test('a continue token is what upstream sends', () => {
  const token = encodeContinueToken({ revision: 7, startAfter: { namespace: 'ns', name: 'a' } });
  assert.equal(
    Buffer.from(token, 'base64url').toString(),
    '{"v":"meta.k8s.io/v1","rv":7,"start":"ns/a\\u0000"}',
  );
});

const coded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const good = { v: 'meta.k8s.io/v1', rv: 7, start: 'ns/a\0' };

for (const [what, token] of [
  ['nothing', ''],
  ['no base64url', '%%%'],
  ['no JSON', Buffer.from('{"v"').toString('base64url')],
  ['null', coded(null)],
  ['another version', coded({ ...good, v: 'meta.k8s.io/v2' })],
  ['revision 0', coded({ ...good, rv: 0 })],
  ['a revision below -1', coded({ ...good, rv: -2 })],
  ['a revision that is no integer', coded({ ...good, rv: 1.5 })],
  ['a revision beyond 2^53', coded({ ...good, rv: 2 ** 60 })],
  ['no start', coded({ v: good.v, rv: 7 })],
  ['a start without end mark', coded({ ...good, start: 'ns/a' })],
  ['a start that climbs', coded({ ...good, start: '../../etc\0' })],
  ['an empty start', coded({ ...good, start: '\0' })],
] as const) {
  test(`decodeContinueToken() refuses ${what} with 400`, () => {
    assert.throws(
      () => decodeContinueToken(token),
      (error: unknown) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.code, 400);
        assert.match(error.message, /^continue key is not valid: /);
        return true;
      },
    );
  });
}

test('decodeContinueToken() answers 400 to any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.throws(() => decodeContinueToken(text), ApiError);
    }),
  );
});
