import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { archive } from './archive.ts';
import { redact } from './redact.ts';

test('what looks like a secret is taken out, what does not stays', () => {
  const key =
    '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAsecretline\n-----END OPENSSH PRIVATE KEY-----';
  const cases: readonly (readonly [string, string])[] = [
    ['password=hunter2 next', 'password=[redacted] next'],
    ['"token": "abc def", "name": "x"', '"token": [redacted], "name": "x"'],
    ['https://user:pa55@host/path', 'https://user:[redacted]@host/path'],
    ['Authorization: Bearer abcdefghijkl', 'Authorization: Bearer [redacted]'],
    ['join abcdef.0123456789abcdef now', 'join [redacted] now'],
    ['jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2ln end', 'jwt [redacted] end'],
    ['GET /x?X-Amz-Signature=deadbeef&a=1', 'GET /x?X-Amz-Signature=[redacted]&a=1'],
    ['run --token s3cr3t --verbose', 'run --token [redacted] --verbose'],
    ['a plain line: ready after 1.3 s', 'a plain line: ready after 1.3 s'],
  ];
  for (const [text, wanted] of cases) assert.equal(redact(text), wanted);
  assert.ok(!redact(`before\n${key}\nafter`).includes('secretline'));
  assert.ok(redact(`before\n${key}\nafter`).endsWith('after'));
  assert.ok(!redact(key.slice(0, 50)).includes('secretline'));
});

test('an archive fits into a Secret whatever it is made of, keeping the ends', async () => {
  const noise = (bytes: number): string => randomBytes(bytes).toString('base64');
  const files = [
    { name: 'large.log', text: `${noise(2 << 20)}\nthe end` },
    { name: 'small.log', text: 'all of it' },
  ];
  const bytes = await archive('folder', files, 0);
  assert.ok(bytes.length <= 900 << 10, `${bytes.length}`);
  const text = gunzipSync(bytes).toString('latin1');
  assert.ok(
    text.includes('the end') && text.includes('all of it') && text.includes('folder/large.log'),
  );
  assert.deepEqual(await archive('folder', files, 0), bytes);
});
