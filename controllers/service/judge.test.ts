// For how long an instance is watched: never less than its monitor period, although times of the API are whole seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestamp } from '../machinery/timestamps.ts';
import { watchedUntil } from './judge.ts';

test('a monitor period has passed whenever in its second an instance became ready', () => {
  const second = Date.parse('2026-01-01T00:00:00Z');
  for (const ms of [0, 1, 500, 999]) {
    const written = Date.parse(timestamp(second + ms));
    assert.ok(watchedUntil(written, 5_000) >= second + ms + 5_000, `${ms} ms into the second`);
  }
});

test('without a monitor period nothing is waited for', () => {
  assert.equal(watchedUntil(7_000, 0), 7_000);
});
