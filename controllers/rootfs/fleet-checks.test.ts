import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkClockSkew, checkHostname, checkMachineId } from './fleet-checks.ts';
import type { FleetMember } from './fleet-checks.ts';

const member = (machine: string, change: Partial<FleetMember> = {}): FleetMember => ({
  machine,
  hostname: machine,
  machineId: machine,
  clockOffsetMillis: 0,
  ...change,
});

/** What each of them is told of itself and the others. */
function verdicts(check: typeof checkHostname, fleet: readonly FleetMember[]): readonly string[] {
  return fleet.map(
    (own) =>
      check(
        own,
        fleet.filter((other) => other !== own),
      ).severity,
  );
}

test('a clock far from the median fails, the others do not [k0sctl-018]', () => {
  const fleet = [-10, 10, 60].map((seconds, at) =>
    member(`w${at}`, { clockOffsetMillis: seconds * 1000 }),
  );
  assert.deepEqual(verdicts(checkClockSkew, fleet), ['ok', 'ok', 'error']);
  const [, , late] = fleet;
  assert.ok(late);
  assert.match(
    checkClockSkew(late, fleet.slice(0, 2)).message,
    /exceeds the maximum of 30 s: it is 50\.0 s/,
  );
  assert.deepEqual(verdicts(checkClockSkew, [member('alone', { clockOffsetMillis: 1e9 })]), ['ok']);
});

test('a host name that is there twice fails [k0sctl-019]', () => {
  const twice = [
    member('a', { hostname: 'worker-1' }),
    member('b', { hostname: 'worker-1' }),
    member('c'),
  ];
  assert.deepEqual(verdicts(checkHostname, twice), ['error', 'error', 'ok']);
});

test('also when only the case of letters differs [k0sctl-020]', () => {
  const twice = [member('a', { hostname: 'Worker-1' }), member('b', { hostname: 'worker-1' })];
  assert.deepEqual(verdicts(checkHostname, twice), ['error', 'error']);
});

test('copied hosts have one machine id; hosts without one are not told apart by it', () => {
  assert.deepEqual(
    verdicts(checkMachineId, [member('a', { machineId: 'x' }), member('b', { machineId: 'x' })]),
    ['error', 'error'],
  );
  assert.deepEqual(
    verdicts(checkMachineId, [member('a', { machineId: '' }), member('b', { machineId: '' })]),
    ['ok', 'ok'],
  );
});
