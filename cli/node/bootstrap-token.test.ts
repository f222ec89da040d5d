import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '#platform/id.ts';
import { newToken, parseAuthorityHash, parseToken, tokenSecret } from './bootstrap-token.ts';

const HASH = 'a'.repeat(64);

test('tokens are read with and without a hash; what is none is not repeated', () => {
  assert.deepEqual(parseToken('abc123.0123456789abcdef\n'), {
    id: 'abc123',
    secret: '0123456789abcdef',
    authorityHash: undefined,
  });
  assert.equal(parseToken(`abc123.0123456789abcdef.${HASH}`).authorityHash, HASH);
  for (const text of ['', 'abc123', 'ABC123.0123456789abcdef', `abc123.0123456789abcdef.${HASH}0`])
    assert.throws(
      () => parseToken(text),
      ({ message }: Error) =>
        message.startsWith('--token must be') && (text === '' || !message.includes(text)),
    );
  assert.equal(parseAuthorityHash(`sha256:${HASH}`), HASH);
  assert.throws(() => parseAuthorityHash('md5:1'), /--ca-hash must be sha256: and 64 .*"md5:1"/);
});

test('new tokens are of the form that is read, and differ', () => {
  const made = Array.from({ length: 50 }, () => newToken(systemIds));
  for (const { id, secret } of made) assert.equal(parseToken(`${id}.${secret}`).id, id);
  assert.equal(new Set(made.map(({ secret }) => secret)).size, made.length);
});

test('a token without an end has none in its Secret', () => {
  const { stringData } = tokenSecret({ id: 'abc123', secret: 's' }, undefined, undefined) as {
    readonly stringData: Readonly<Record<string, string>>;
  };
  assert.deepEqual(Object.keys(stringData).toSorted(), [
    'auth-extra-groups',
    'token-id',
    'token-secret',
    'usage-bootstrap-authentication',
  ]);
});
