import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRange } from './address-range.ts';

test('addresses come one after the other, round the range, never its ends', () => {
  const range = new AddressRange('192.0.2.77/22');
  assert.equal(range.text, '192.0.2.77/22');
  assert.deepEqual(range.nextFree(range.firstGiven, new Set()), {
    address: '192.0.1.1',
    next: 258,
  });
  const end = range.nextFree(1022, new Set(['192.0.3.254', '192.0.0.1']));
  assert.deepEqual(end, { address: '192.0.0.2', next: 3 });
});

test('a range in which all are taken has none', () => {
  const range = new AddressRange('192.0.0.0/22');
  const all = new Set<string>();
  for (let third = 0; third < 4; third += 1)
    for (let last = 0; last < 256; last += 1) all.add(`192.0.${third}.${last}`);
  assert.equal(range.nextFree(1, all), undefined);
});

test('contains() knows hosts of the range only', () => {
  const range = new AddressRange('10.96.0.0/12');
  for (const inside of ['10.96.0.1', '10.111.255.254']) assert.ok(range.contains(inside), inside);
  for (const outside of [
    '10.96.0.0',
    '10.111.255.255',
    '10.112.0.1',
    '10.95.0.1',
    '::1',
    'x',
    '',
  ]) {
    assert.ok(!range.contains(outside), outside);
  }
});

test('what is no range, or too small a one, is refused', () => {
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/24',
    '10.0.0.0/33',
    'fd00::/64',
    '/8',
    '10.0.0.0/8/8',
  ]) {
    assert.throws(() => new AddressRange(text), /Cannot give out addresses/);
  }
});
