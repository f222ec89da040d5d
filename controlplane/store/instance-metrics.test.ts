// Series come and go with the instances that a migration attaches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from '#platform/metrics.ts';
import { FakeLog, PRIMARY, REPLICA } from '../persistence-instances/instances-fixture.ts';
import { instanceMetrics } from './instance-metrics.ts';

test('an instance that comes later has all its series, and leaves none when it goes', async () => {
  const [metrics, log] = [new MetricsRegistry(), new FakeLog(PRIMARY)];
  instanceMetrics(metrics, log);
  const series = async (name: string): Promise<readonly string[]> => {
    const text = await metrics.expose();
    return text.split('\n').filter((line) => line.includes(`instance="${name}"`));
  };
  const ofPrimary = await series(PRIMARY.name);
  log.reports = [PRIMARY, REPLICA];
  const ofReplica = await series(REPLICA.name);
  assert.equal(ofReplica.length, ofPrimary.length);
  assert.ok(ofReplica.some((line) => /^windlass_persistence_failures_total\{.*\} 0$/.test(line)));
  log.change(REPLICA.name, { state: 'Down' });
  log.reports = [PRIMARY];
  assert.deepEqual(await series(REPLICA.name), []);
  assert.equal((await series(PRIMARY.name)).length, ofPrimary.length);
});
