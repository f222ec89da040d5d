import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine, MachineSpec, MachineStatus } from '#controllers/machine/types.ts';
import { planOf } from './machine-plan.ts';
import { endOf, machineTree } from './machine-tree.ts';

function machine(spec: MachineSpec, status?: MachineStatus): Machine {
  const metadata = { name: 'm1', namespace: 'default', uid: 'u', resourceVersion: '1' };
  const object = { metadata: { ...metadata, creationTimestamp: '', generation: 2 }, spec };
  return status === undefined ? object : { ...object, status };
}

test('a plan says what is done and why', () => {
  const rootfs = { image: 'r.test/a:1' };
  assert.deepEqual(planOf(undefined, machine({ version: '1', rootfs })).lines, [
    '+ machine/m1  install 1 in slot a',
    '  root from r.test/a:1',
  ]);
  const more = {
    artifacts: [{ name: 'k0s' }, { name: 'tools', path: '/opt/tools' }],
    files: [{ path: '/etc/app.conf', content: 'x' }],
  };
  assert.deepEqual(planOf(undefined, machine(more)).lines, [
    '+ machine/m1  install in slot a',
    '  artifact k0s',
    '  artifact tools at /opt/tools',
    '  file /etc/app.conf',
  ]);
  const before = machine(
    { version: '1', rootfs },
    { activeSlot: 'a', runningVersion: '1', lastGood: { slot: 'a', goalHash: 'x' } },
  );
  assert.equal(planOf(before, machine({ version: '1', rootfs })).action, 'nothing');
  assert.deepEqual(planOf(before, machine({ version: '1', rootfs, paused: true })).lines, [
    '~ machine/m1  in place',
    '  spec.paused: absent → true',
  ]);
  assert.deepEqual(planOf(before, machine({ version: '2', rootfs, node: {} })).lines, [
    '~ machine/m1  upgrade 1 → 2 in slot b',
    '  spec.version: 1 → 2',
    '  spec.node: absent → {}',
    '  its node is drained before the switch',
    '  a failure goes back to what runs now',
  ]);
});

test('a tree has the machine, its steps and their tasks', () => {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const steps = [
    { name: 'RootFS', state: 'Running', attempt: 2, startedAt: at(0) },
    { name: 'ConfigureOS', state: 'Done', attempt: 1, startedAt: at(0), finishedAt: at(3) },
    { name: 'Drain', state: 'Failed', attempt: 1, message: 'no' },
  ] as const;
  assert.deepEqual(machineTree(machine({}, { phase: 'Ready', activeSlot: 'a', steps })), [
    'machine/m1  Ready, slot a',
    '  … RootFS  attempt 2',
    '    ✓ ConfigureOS  3 s',
    '  ✗ Drain  no',
  ]);
});

test('what no step says stands beside the machine', () => {
  const of = (type: string, status: 'True' | 'False', reason: string, message: string) =>
    machineTree(
      machine({}, { conditions: [{ type, status, reason, message, lastTransitionTime: '' }] }),
    );
  const gone = 'localDir.path /x: no such folder; make it first';
  assert.deepEqual(of('Reachable', 'False', 'Unreachable', gone), [`machine/m1  Pending: ${gone}`]);
  assert.deepEqual(of('Reachable', 'True', 'Answered', 'The host answers.'), [
    'machine/m1  Pending',
  ]);
  assert.deepEqual(of('InfrastructureReady', 'False', 'Pending', 'Infra is pending.'), [
    'machine/m1  Pending',
  ]);
  assert.deepEqual(of('Ready', 'False', 'Paused', 'The machine is Pending.'), [
    'machine/m1  Pending: paused',
  ]);
});

test('what has come of a machine', () => {
  const upToDate = (status: 'True' | 'False', reason: string): MachineStatus => ({
    observedGeneration: 2,
    phase: 'Ready',
    conditions: [{ type: 'UpToDate', status, reason, message: 'why', lastTransitionTime: '' }],
  });
  assert.equal(endOf(machine({}, upToDate('True', 'UpToDate'))).end, 'good');
  assert.deepEqual(endOf(machine({}, upToDate('False', 'Quarantined'))), {
    end: 'bad',
    why: 'why',
  });
  const old = { ...upToDate('True', 'UpToDate'), observedGeneration: 1 };
  assert.equal(endOf(machine({}, old)).end, 'open');
  assert.equal(endOf(machine({})).end, 'open');
});
