import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBlackout, Pace, paceMs, zoneOf, zonesOf } from './zones.ts';
import type { ZoneState } from './zones.ts';

const nodes = (ready: number, unready: number, zone = ''): { zone: string; ready: boolean }[] =>
  Array.from({ length: ready + unready }, (_, index) => ({ zone, ready: index < ready }));

test('a zone is disturbed when more than half of it, and more than two nodes, are silent', () => {
  const table: readonly [number, number, ZoneState, number][] = [
    [1, 0, 'Normal', 10_000],
    [1, 1, 'Normal', 10_000],
    [1, 2, 'Normal', 10_000],
    [3, 3, 'Normal', 10_000],
    [2, 3, 'PartialDisruption', Number.POSITIVE_INFINITY],
    [1, 49, 'PartialDisruption', Number.POSITIVE_INFINITY],
    [1, 50, 'PartialDisruption', 100_000],
    [0, 1, 'FullDisruption', 10_000],
    [0, 9, 'FullDisruption', 10_000],
  ];
  for (const [ready, unready, state, pace] of table) {
    const zone = zonesOf(nodes(ready, unready)).get('') ?? assert.fail('no zone');
    assert.deepEqual([zone.state, paceMs(zone)], [state, pace], `${ready} and ${unready}`);
  }
});

test('a blackout is when no zone has a node that answers', () => {
  assert.ok(!isBlackout(zonesOf([])));
  assert.ok(isBlackout(zonesOf([...nodes(0, 1, 'a'), ...nodes(0, 3, 'b')])));
  assert.ok(!isBlackout(zonesOf([...nodes(0, 9, 'a'), ...nodes(1, 0, 'b')])));
});

test('zones come from the region and the zone that a node names', () => {
  const region = 'topology.kubernetes.io/region';
  const zone = 'topology.kubernetes.io/zone';
  assert.equal(zoneOf(undefined), '');
  assert.equal(zoneOf({ [zone]: 'z' }), 'z');
  assert.equal(zoneOf({ [region]: 'r', [zone]: 'z' }), 'r/z');
});

test('a pace lets one pass for each interval and zone', () => {
  const pace = new Pace();
  assert.equal(pace.take('a', 10_000, 1_000), 0);
  assert.equal(pace.take('a', 10_000, 4_000), 7_000);
  assert.equal(pace.take('b', 10_000, 4_000), 0);
  assert.equal(pace.take('a', 10_000, 11_000), 0);
  assert.equal(pace.take('a', Number.POSITIVE_INFINITY, 99_000), Number.POSITIVE_INFINITY);
});
