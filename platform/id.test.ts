import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from './id.ts';

test('suffix() has the asked length and no vowels', () => {
  for (const length of [1, 5, 40]) {
    assert.match(
      systemIds.suffix(length),
      new RegExp(`^[bcdfghjklmnpqrstvwxz2456789]{${length}}$`),
    );
  }
});

test('suffix() uses all letters about equally often', () => {
  const counts = new Map<string, number>();
  for (const letter of systemIds.suffix(27_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  assert.equal(counts.size, 27);
  // 1,000 expected each; six standard deviations is about 190.
  for (const [letter, count] of counts)
    assert.ok(Math.abs(count - 1000) < 200, `${letter}: ${count}`);
});

test('ids are not repeated, however many are drawn', () => {
  const drawn = Array.from({ length: 2_000 }, () => [systemIds.hex(16), systemIds.suffix(12)]);
  assert.equal(new Set(drawn.flat()).size, 4_000);
  assert.match(systemIds.hex(5_000), /^[0-9a-f]{5000}$/);
});

test('hex() has the asked length, odd ones too', () => {
  assert.match(systemIds.hex(32), /^[0-9a-f]{32}$/);
  assert.match(systemIds.hex(5), /^[0-9a-f]{5}$/);
});
