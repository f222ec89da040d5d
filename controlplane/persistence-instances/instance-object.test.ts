import assert from 'node:assert/strict';
import { test } from 'node:test';
import { persistenceInstanceDefinition } from './definition.ts';
import { durationText } from './duration-text.ts';
import { instanceObject, instanceUid } from './instance-object.ts';
import { DOWN, PRIMARY, REPLICA } from './instances-fixture.ts';

const NOW = 3_000_000;

test('instanceObject() has the status in the words of the provider interface', () => {
  const { status, spec, metadata } = instanceObject(PRIMARY, 500_000, [], NOW);
  assert.equal(status['exists'], true);
  assert.equal(status['status'], true);
  assert.equal(status['meanPersistLatency'], 0.000412);
  assert.equal(metadata.creationTimestamp, '1970-01-01T00:08:20Z');
  assert.deepEqual(spec, {
    provider: 'sqlite',
    location: 'sqlite:/data/state.db',
    role: 'Primary',
    synchronous: true,
  });
});

test('conditions say what a state means, and keep the time of their last transition', () => {
  const up = instanceObject(REPLICA, 0, [], NOW).status.conditions;
  const down = instanceObject({ ...REPLICA, ...DOWN }, 0, up, NOW + 60_000).status.conditions;
  const still = instanceObject({ ...REPLICA, ...DOWN, state: 'CatchingUp' }, 0, down, NOW + 120_000)
    .status.conditions;
  const shown = (conditions: typeof up): string[] =>
    conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  assert.deepEqual(shown(up), [
    'Ready True Up',
    'Degraded False AsConfigured',
    'DurabilityDegraded False NotSynchronous',
    'Primary False Replica',
  ]);
  assert.deepEqual(shown(down).slice(0, 2), ['Ready False Down', 'Degraded True Down']);
  assert.match(down[0]?.message ?? '', /connection refused/);
  assert.equal(down[0]?.lastTransitionTime, '1970-01-01T00:51:00Z');
  assert.equal(still[0]?.lastTransitionTime, down[0]?.lastTransitionTime, 'still not ready');
  assert.equal(down[2]?.lastTransitionTime, up[2]?.lastTransitionTime);
});

test('a synchronous instance that is down degrades durability', () => {
  const { conditions } = instanceObject(
    { ...REPLICA, ...DOWN, isSynchronous: true },
    0,
    [],
    NOW,
  ).status;
  assert.equal(conditions[2]?.status, 'True');
  assert.equal(conditions[2]?.reason, 'SynchronousInstanceMissing');
});

test('the same name has the same uid, in the form of a UUID', () => {
  assert.equal(instanceUid('nfs-1'), instanceUid('nfs-1'));
  assert.notEqual(instanceUid('nfs-1'), instanceUid('nfs-2'));
  assert.match(
    instanceUid('nfs-1'),
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test('the table has a cell for each column', () => {
  const { table } = persistenceInstanceDefinition;
  const behind = { ...REPLICA, ...DOWN, lagRevisions: 12, lagSeconds: 3.25 };
  const row = table.row(instanceObject(behind, 0, [], NOW), NOW);
  assert.equal(row.length, table.columns.length);
  assert.deepEqual(row.slice(0, 9), [
    'nfs-00000002',
    'nfs',
    'Replica',
    'Down',
    true,
    false,
    '412µs',
    '12 (3.3s)',
    '50m',
  ]);
  assert.equal(row.at(-1), 'connection refused');
});

test('durationText() takes the unit that fits', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.000_34, '340µs'],
    [0.0012, '1.2ms'],
    [0.0456, '46ms'],
    [4.5, '4.5s'],
    [600, '10m'],
    [36_000, '10h'],
  ];
  for (const [seconds, text] of cases) assert.equal(durationText(seconds), text);
});
