import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsEncoding } from './accept-encoding.ts';

const cases: readonly (readonly [string | undefined, boolean])[] = [
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['GZip', true],
  ['deflate, gzip, br', true],
  ['gzip;q=0.5', true],
  ['br, gzip ; q=0.001', true],
  ['gzip;q=0', false],
  ['br;q=1, gzip; q=0.000', false],
  ['x-gzip', false],
  ['identity', false],
];
for (const [header, expected] of cases) {
  test(`Accept-Encoding: ${header ?? '(absent)'} takes gzip: ${expected}`, () => {
    assert.equal(acceptsEncoding(header, 'gzip'), expected);
  });
}
