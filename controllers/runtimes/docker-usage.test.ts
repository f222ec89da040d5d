import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageIn } from './docker-usage.ts';

type Stats = Parameters<typeof usageIn>[1];

/** What Engines say, as far as it is read. */
function stats(memory: object, cpu: object = { total_usage: 5e9 }): Stats {
  return { cpu_stats: { cpu_usage: cpu }, memory_stats: memory } as Stats;
}

test('usageIn() counts memory without files that the kernel may drop, in both versions of cgroups', () => {
  for (const details of [{ inactive_file: 300 }, { total_inactive_file: 300, inactive_file: 1 }])
    assert.deepEqual(usageIn('docker://a', stats({ usage: 1000, stats: details })), {
      id: 'docker://a',
      cpuNanoseconds: 5e9,
      memoryBytes: 700,
    });
  assert.equal(usageIn('a', stats({ usage: 1000 }))?.memoryBytes, 1000);
});

test('usageIn() knows nothing of a container that has just ended', () => {
  assert.equal(usageIn('a', stats({})), undefined);
  assert.equal(usageIn('a', stats({ usage: 1 }, {})), undefined);
});
