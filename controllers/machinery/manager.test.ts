import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { Client } from './client-types.ts';
import { FakeClock, ScriptedClient, THINGS } from './machinery-fixture.ts';
import { Manager } from './manager.ts';
import { PODS, SECRETS } from './resources.ts';

test('Manager hands an informer of all objects to those who need no more than metadata', () => {
  const manager = new Manager({
    // Nothing is run, so nothing is asked.
    client: new ScriptedClient([], []) as unknown as Client,
    clock: new FakeClock(),
    ids: systemIds,
    logger: silentLogger,
    metrics: new MetricsRegistry(),
    random: () => 0,
  });
  const pods = manager.informer(PODS);
  const secrets = manager.informer(SECRETS, { selectors: { metadataOnly: true } });
  manager.informer(THINGS, { selectors: { namespace: 'ns' } });
  assert.equal(manager.existingInformer(PODS), pods);
  assert.equal(manager.existingInformer(SECRETS), secrets);
  assert.equal(manager.existingInformer(THINGS), undefined);
  assert.equal(manager.existingInformer({ ...PODS, version: 'v2' }), undefined);
});
