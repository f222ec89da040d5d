import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, disruptionsOf, isInstance } from './judge.ts';
import type { BudgetPod, BudgetSpec } from './judge.ts';

function pod(name: string, ready = true, more: Partial<BudgetPod['metadata']> = {}): BudgetPod {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '', ...more };
  return {
    metadata,
    status: {
      conditions: [{ type: 'Ready', status: String(ready)[0] === 't' ? 'True' : 'False' }],
    },
  };
}

const three = [pod('a'), pod('b'), pod('c')];

test('count() takes counts and percentages of either kind, rounded up', () => {
  const table: readonly [BudgetSpec, number, readonly BudgetPod[], readonly number[]][] = [
    // spec, scale, Pods → expected, desired, healthy, allowed
    [{ minAvailable: 1 }, 99, three, [3, 1, 3, 2]],
    [{ minAvailable: 0 }, 0, three, [3, 0, 3, 3]],
    [{ minAvailable: 5 }, 0, three, [3, 5, 3, 0]],
    [{ minAvailable: 1 }, 0, [], [0, 1, 0, 0]],
    [{ minAvailable: '50%' }, 3, three, [3, 2, 3, 1]],
    [{ minAvailable: '100%' }, 3, three, [3, 3, 3, 0]],
    [{ minAvailable: '0%' }, 3, three, [3, 0, 3, 3]],
    [{ maxUnavailable: 1 }, 3, three, [3, 2, 3, 1]],
    [{ maxUnavailable: 1 }, 5, three, [5, 4, 3, 0]],
    [{ maxUnavailable: '34%' }, 3, three, [3, 1, 3, 2]],
    [{ maxUnavailable: 9 }, 3, three, [3, 0, 3, 3]],
    [{ maxUnavailable: 1 }, 0, three, [0, 0, 3, 0]],
    [{}, 0, three, [0, 0, 3, 3]],
  ];
  for (const [spec, scale, pods, expected] of table) {
    const counts = count(spec, scale, pods, {});
    assert.deepEqual(
      [
        counts.expectedPods,
        counts.desiredHealthy,
        counts.currentHealthy,
        counts.disruptionsAllowed,
      ],
      expected,
      JSON.stringify(spec),
    );
  }
});

test('count() takes for healthy what is ready, stays, and was not promised away', () => {
  const pods = [
    pod('a'),
    pod('sick', false),
    pod('leaving', true, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    pod('promised'),
  ];
  const counts = count({ minAvailable: 1 }, 0, pods, { promised: '2026-01-01T00:00:00Z' });
  assert.equal(counts.currentHealthy, 1);
  assert.equal(counts.disruptionsAllowed, 0);
});

test('disruptionsOf() forgets what is gone, going, or did not go within two minutes', () => {
  const since = '2026-01-01T00:00:00Z';
  const pods = [
    pod('waiting'),
    pod('going', true, { deletionTimestamp: since }),
    pod('stuck'),
    pod('other'),
  ];
  const disrupted = {
    waiting: '2026-01-01T00:01:30Z',
    going: since,
    stuck: since,
    gone: since,
  };
  const result = disruptionsOf(disrupted, pods, Date.parse(since) + 120_000);
  assert.deepEqual(result.disrupted, { waiting: '2026-01-01T00:01:30Z' });
  assert.deepEqual(
    result.overdue.map(({ metadata }) => metadata.name),
    ['stuck'],
  );
  assert.equal(result.recheckMs, 90_000);
});

test('hooks are no instances', () => {
  assert.ok(isInstance(pod('a')));
  assert.ok(!isInstance(pod('h', true, { labels: { 'windlass.dev/hook': 'preDeploy' } })));
});
