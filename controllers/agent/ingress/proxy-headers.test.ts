import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestFields, responseFields } from './proxy-headers.ts';

function valuesOf(fields: readonly string[], name: string): readonly string[] {
  return fields.filter(
    (_value, index) => index % 2 === 1 && fields[index - 1]?.toLowerCase() === name,
  );
}

test('requestFields() believes nothing that a stranger says about where it comes from', () => {
  const said = [
    'X-Forwarded-For',
    '10.0.0.1',
    'Forwarded',
    'for=x',
    'X-Real-IP',
    '10.0.0.1',
    'X-Forwarded-Proto',
    'https',
  ];
  const stranger = { address: '::ffff:192.0.2.7', scheme: 'http', host: 'a' } as const;
  const fields = requestFields(said, stranger);
  assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), ['192.0.2.7']);
  assert.deepEqual(valuesOf(fields, 'forwarded'), ['for=192.0.2.7;host=a;proto=http']);
  assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['http']);
  assert.deepEqual(valuesOf(fields, 'x-real-ip'), []);
});

test('requestFields() goes on with what a proxy of this machine says', () => {
  const said = [
    'x-forwarded-for',
    '192.0.2.7',
    'X-Forwarded-For',
    '192.0.2.8',
    'x-forwarded-proto',
    'https',
    'forwarded',
    'for=192.0.2.7',
  ];
  const fields = requestFields(said, { address: '::1', scheme: 'http', host: 'a:80' });
  assert.deepEqual(valuesOf(fields, 'x-forwarded-for'), ['192.0.2.7, 192.0.2.8, ::1']);
  assert.deepEqual(valuesOf(fields, 'x-forwarded-proto'), ['https']);
  assert.deepEqual(valuesOf(fields, 'forwarded'), [
    'for=192.0.2.7, for="[::1]";host="a:80";proto=http',
  ]);
});

test('requestFields() and responseFields() leave out what is for one connection, also what Connection names', () => {
  const hop = [
    'Connection',
    'close, X-Mine',
    'x-mine',
    '1',
    'TE',
    'trailers',
    'Keep-Alive',
    'timeout=5',
    'Upgrade',
    'h2c',
    'Proxy-Authorization',
    'x',
  ];
  const caller = { address: '192.0.2.7', scheme: 'https', host: 'a' } as const;
  const passed = requestFields(
    [...hop, 'Expect', '100-continue', 'Accept', 'a', 'accept', 'b'],
    caller,
  );
  assert.deepEqual(passed.slice(0, 4), ['Accept', 'a', 'accept', 'b']);
  assert.deepEqual(passed.filter((_value, index) => index % 2 === 0).slice(2), [
    'host',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'forwarded',
    'via',
  ]);
  assert.deepEqual(responseFields([...hop, 'Set-Cookie', 'a', 'Set-Cookie', 'b']), [
    'Set-Cookie',
    'a',
    'Set-Cookie',
    'b',
  ]);
});
