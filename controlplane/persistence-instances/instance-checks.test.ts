import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceChecks } from './instance-checks.ts';
import { DOWN, FakeLog, PRIMARY, REPLICA } from './instances-fixture.ts';

function failing(log: FakeLog): string[] {
  return instanceChecks(log)
    .filter((one) => one.check() !== undefined)
    .map(({ name }) => name);
}

test('a primary that is down makes the server unready', () => {
  const log = new FakeLog(PRIMARY, REPLICA);
  assert.deepEqual(failing(log), []);
  log.change(PRIMARY.name, DOWN);
  assert.deepEqual(failing(log), [`persistence-${PRIMARY.name}`]);
});

test('a replica that is down does so only while writes are refused for it', () => {
  const log = new FakeLog(PRIMARY, { ...REPLICA, isSynchronous: true });
  log.change(REPLICA.name, DOWN);
  assert.deepEqual(failing(log), []);
  log.refusal = 'nfs-00000002 is missing';
  assert.deepEqual(failing(log), ['persistence-acknowledgement', `persistence-${REPLICA.name}`]);
});
