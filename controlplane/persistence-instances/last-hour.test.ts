import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOWN, PRIMARY, REPLICA } from './instances-fixture.ts';
import { LastHour } from './last-hour.ts';

const MINUTE = 60_000;

test('a look a minute is kept, for an hour, and no more often', () => {
  const hour = new LastHour();
  for (let at = 0; at < 90 * MINUTE; at += 5_000)
    hour.look([{ ...PRIMARY, lagRevisions: at / MINUTE }], at, at);
  const samples = hour.of(PRIMARY.name);
  assert.deepEqual(
    samples.map(({ lagRevisions }) => lagRevisions),
    Array.from({ length: 60 }, (_, index) => index + 30),
  );
  assert.deepEqual(samples[0], {
    time: '1970-01-01T00:30:00Z',
    state: 'Up',
    meanPersistLatency: 0.000412,
    lagSeconds: 0,
    lagRevisions: 30,
  });
});

test('an instance that is detached is forgotten, one that comes has what there is of it', () => {
  const hour = new LastHour();
  hour.look([PRIMARY, REPLICA], 0, 0);
  hour.look([PRIMARY], MINUTE, MINUTE);
  assert.deepEqual(hour.of(REPLICA.name), []);
  hour.look([PRIMARY, { ...REPLICA, ...DOWN }], 2 * MINUTE, 2 * MINUTE);
  assert.deepEqual(
    hour.of(REPLICA.name).map(({ state }) => state),
    ['Down'],
  );
  assert.equal(hour.of(PRIMARY.name).length, 3);
});
