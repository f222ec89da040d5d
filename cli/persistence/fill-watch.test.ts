import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FillWatch } from './fill-watch.ts';

test('a place that stays down for a minute is given up, one that comes back in time is not', () => {
  const watch = new FillWatch();
  assert.equal(watch.look({ state: 'Down', revision: 0 }, 0), false);
  assert.equal(watch.look({ state: 'Down', revision: 0 }, 60_000), false);
  assert.equal(watch.look({ state: 'CatchingUp', revision: 0 }, 60_001), false);
  assert.equal(watch.look({ state: 'Down', revision: 0 }, 60_002), false);
  assert.equal(watch.look({ state: 'Down', revision: 0 }, 120_003), true);
});

test('one that goes down each time it is begun with, as a full disk, is given up; one that gets on is not', () => {
  const watch = new FillWatch();
  const fall = (revision: number, now: number): boolean => {
    watch.look({ state: 'NeedsFullSync', revision }, now);
    return watch.look({ state: 'Down', revision }, now + 1);
  };
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((count) => fall(0, count * 10_000)),
    [false, false, false, false, true],
  );
  const slow = new FillWatch();
  for (let revision = 0; revision < 50; revision += 1) {
    slow.look({ state: 'CatchingUp', revision }, revision * 10_000);
    assert.equal(slow.look({ state: 'Down', revision }, revision * 10_000 + 1), false);
  }
});
