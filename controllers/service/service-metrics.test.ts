import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from '#platform/metrics.ts';
import { Cache } from '../machinery/cache.ts';
import { ServiceMetrics } from './service-metrics.ts';
import type { Service, ServiceStatus } from './types.ts';

function service(status: ServiceStatus): Service {
  const metadata = { namespace: 'team', name: 'web', uid: '1', resourceVersion: '1' };
  return { metadata, spec: {}, status } as unknown as Service;
}

const failed = (status: 'True' | 'False'): ServiceStatus => ({
  conditions: [
    { type: 'Degraded', status, reason: 'RolloutFailed', message: '', lastTransitionTime: '' },
  ],
});

test('ServiceMetrics shows what is there, and forgets what is gone', async () => {
  const registry = new MetricsRegistry();
  const cache = new Cache<Service>();
  const metrics = new ServiceMetrics(registry, cache);
  const seen = service({ desiredReplicas: 3, readyReplicas: 2 });
  cache.set(seen);
  const text = await registry.expose();
  assert.match(text, /windlass_service_desired_replicas\{namespace="team",service="web"\} 3/);
  assert.match(text, /windlass_service_ready_replicas\{namespace="team",service="web"\} 2/);
  assert.match(text, /windlass_service_rollouts_total\{result="failed"\} 0/);
  cache.delete(seen);
  metrics.changed({ type: 'Deleted', object: seen });
  assert.doesNotMatch(await registry.expose(), /service="web"/);
});

const rows: readonly (readonly [string, ServiceStatus, ServiceStatus, string])[] = [
  ['a first rollout', {}, { currentRevision: 'a' }, '1 0'],
  ['the next one', { currentRevision: 'a' }, { currentRevision: 'b' }, '1 0'],
  ['a step of one', { currentRevision: 'a' }, { currentRevision: 'a', readyReplicas: 1 }, '0 0'],
  ['one that failed', failed('False'), failed('True'), '0 1'],
  ['one that has failed before', failed('True'), failed('True'), '0 0'],
];
for (const [what, before, after, expected] of rows) {
  test(`ServiceMetrics counts ${what}`, async () => {
    const registry = new MetricsRegistry();
    const metrics = new ServiceMetrics(registry, new Cache<Service>());
    metrics.changed({ type: 'Updated', previous: service(before), object: service(after) });
    const text = await registry.expose();
    const [completed, failures] = ['completed', 'failed'].map(
      (result) => new RegExp(`rollouts_total\\{result="${result}"\\} (\\d)`).exec(text)?.[1],
    );
    assert.equal(`${completed} ${failures}`, expected);
  });
}
