import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evictionTime, NOT_READY, taintsFor, UNREACHABLE } from './judge.ts';
import type { NoExecute, Readiness } from './judge.ts';

const NOW = '2026-01-01T00:00:00Z';
const mine = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
const unreachable = (['NoSchedule', 'NoExecute'] as const).map((effect) => ({
  key: UNREACHABLE,
  effect,
  timeAdded: NOW,
}));

test('taintsFor() says what a node is by two taints and leaves those of others', () => {
  const earlier = unreachable.map((taint) => ({ ...taint, timeAdded: '2025-12-31T23:00:00Z' }));
  const notReady = unreachable.map((taint) => ({ ...taint, key: NOT_READY }));
  const table: readonly [
    Parameters<typeof taintsFor>[0],
    Readiness,
    NoExecute,
    ReturnType<typeof taintsFor>,
  ][] = [
    [[mine], 'True', 'keep', [mine]],
    [[mine, ...earlier], 'True', 'add', [mine]],
    [[mine], 'Unknown', 'add', [mine, ...unreachable]],
    [[mine], 'Unknown', 'keep', [mine, ...unreachable.slice(0, 1)]],
    [[...earlier, mine], 'Unknown', 'keep', [mine, ...earlier]],
    [[...earlier, mine], 'Unknown', 'remove', [mine, ...earlier.slice(0, 1)]],
    [earlier, 'False', 'keep', notReady],
    [earlier.slice(0, 1), 'False', 'keep', notReady.slice(0, 1)],
  ];
  for (const [taints, readiness, noExecute, expected] of table) {
    assert.deepEqual(taintsFor(taints, readiness, noExecute, NOW), expected);
  }
});

test('evictionTime() waits as long as the Pod tolerates, five minutes where it says nothing', () => {
  const [, noExecute] = unreachable;
  assert.ok(noExecute);
  const other = { key: 'leave', effect: 'NoExecute' };
  const tolerates = (tolerationSeconds?: number, key = UNREACHABLE): object => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });
  const table: readonly [object[], Parameters<typeof evictionTime>[1], number | undefined][] = [
    [[], [], undefined],
    [[], [mine], undefined],
    [[], [noExecute], 301_000],
    [[], [other], 1_000],
    [[tolerates()], [noExecute], undefined],
    [[tolerates(10)], [noExecute], 11_000],
    [[tolerates(10), tolerates(20)], [noExecute], 11_000],
    [[tolerates(-5)], [noExecute], 1_000],
    [[tolerates(10)], [noExecute, other], 1_000],
    [[{ operator: 'Exists' }], [noExecute, other], undefined],
  ];
  for (const [tolerations, taints, expected] of table) {
    assert.equal(
      evictionTime(tolerations, taints, () => 1_000),
      expected,
    );
  }
});
