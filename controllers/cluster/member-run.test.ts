// One machine that a distribution drives, whose program does not stay up at first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { systemClock } from '#platform/clock.ts';
import { CLUSTERS, MACHINES } from '../machinery/resources.ts';
import {
  DISTRIBUTION_LABEL,
  PERMIT_ANNOTATION,
  TARGET_ANNOTATION,
} from '../machine/rollout-permit.ts';
import type { MemberDriver } from './member-driver.ts';
import { MemoryApi } from './memory-api-fixture.ts';
import { MEMBER_FINALIZER } from './member-options.ts';
import { MemberReconciler } from './member-reconciler.ts';
import { OPERATION_ANNOTATION } from './types.ts';
import type { Cluster, Machine } from './types.ts';

const { signal } = new AbortController();
const nothing = (): Promise<void> => Promise.resolve();
const VERSION = '1.30.0';

/** Time passes as fast as anybody waits for it. */
function hurried(): Clock {
  let passed = 0;
  return {
    now: () => systemClock.now() + passed,
    monotonic: () => systemClock.monotonic() + passed,
    schedule(delayMs, callback) {
      passed += delayMs;
      return systemClock.schedule(0, callback);
    },
  };
}

/** @param ends how often the program ends right after its start. @param refuses how often it cannot even be started after that */
function program(ends: number, refuses = 0) {
  const counts = { starts: 0 };
  let isInstalled = false;
  let isRunning = false;
  const driver: MemberDriver = {
    look: () =>
      Promise.resolve({
        isInstalled,
        isRunning,
        differences: [],
        ...(isInstalled ? { installedVersion: VERSION } : {}),
        ...(isRunning ? { runningVersion: VERSION } : {}),
      }),
    prepare: nothing,
    cordon: nothing,
    drain: nothing,
    uncordon: nothing,
    stop: nothing,
    async install() {
      isInstalled = true;
    },
    async start() {
      counts.starts += 1;
      if (counts.starts > ends && counts.starts <= ends + refuses)
        throw new Error('cannot start it: its port is taken');
      isRunning = counts.starts > ends + refuses;
    },
    verify: () =>
      Promise.resolve(isRunning ? undefined : { why: 'its node is stopped', hasEnded: true }),
    rollBack: () => Promise.resolve(false),
    leave: nothing,
    reset: nothing,
    endpoint: undefined,
    nodeName: 'c-w-0',
    [Symbol.asyncDispose]: nothing,
  };
  return { driver, counts };
}

async function brought(driver: MemberDriver, asked?: string): Promise<Machine> {
  const api = new MemoryApi();
  const members = new MemberReconciler({
    client: api.client('controller'),
    clock: hurried(),
    events: { record: () => undefined },
    open: () => Promise.resolve(driver),
    verifyWithinMs: 20_000,
  });
  const spec = { role: 'worker', version: VERSION };
  api.create(CLUSTERS, 'default', { metadata: { name: 'c' }, spec: { distribution: 'Windlass' } });
  api.create(MACHINES, 'default', {
    metadata: {
      name: 'c-w-0',
      finalizers: [MEMBER_FINALIZER],
      labels: { [DISTRIBUTION_LABEL]: 'Windlass' },
      annotations: {
        [TARGET_ANNOTATION]: 't',
        [PERMIT_ANNOTATION]: 't',
        ...(asked === undefined ? {} : { [OPERATION_ANNOTATION]: asked }),
      },
    },
    spec,
  });
  const [cluster] = api.list<Cluster>(CLUSTERS, 'default').items;
  for (let pass = 0; pass < 3; pass += 1) {
    const [machine] = api.list<Machine>(MACHINES, 'default').items;
    assert.ok(machine !== undefined);
    await members.reconcile(machine, cluster, [machine], signal);
  }
  const [machine] = api.list<Machine>(MACHINES, 'default').items;
  assert.ok(machine !== undefined);
  return machine;
}

/** What is left of one that shall go, and whose host cannot be reached. */
async function removed(
  status: Machine['status'],
  spec: Partial<Machine['spec']> = {},
): Promise<Machine | undefined> {
  const api = new MemoryApi();
  const client = api.client('controller');
  const members = new MemberReconciler({
    client,
    clock: hurried(),
    events: { record: () => undefined },
    open: () => Promise.reject(new Error('ssh.hostKey: "SHA256:abc": must be "SHA256:…"')),
  });
  api.create(CLUSTERS, 'default', { metadata: { name: 'c' }, spec: { distribution: 'K0s' } });
  api.create(MACHINES, 'default', {
    metadata: { name: 'c-a', finalizers: [MEMBER_FINALIZER] },
    spec: { role: 'worker', ...spec },
    status,
  });
  await client.delete(MACHINES, 'default', 'c-a', {}, signal);
  const [cluster] = api.list<Cluster>(CLUSTERS, 'default').items;
  const [machine] = api.list<Machine>(MACHINES, 'default').items;
  assert.ok(machine !== undefined);
  await members.reconcile(machine, cluster, [machine], signal);
  return api.list<Machine>(MACHINES, 'default').items[0];
}

const condition = (type: string) => ({
  type,
  status: 'False' as const,
  reason: 'x',
  message: '',
  lastTransitionTime: '',
});

test('one whose host was never reached goes, however that was to be reached', async () => {
  assert.equal(
    await removed({ conditions: [condition('Ready'), condition('Reachable')] }),
    undefined,
  );
});

test('one that waits for something that is not there goes too', async () => {
  assert.equal(await removed({ conditions: [condition('UpToDate')] }), undefined);
});

test('one that somebody began with stays until its host is clear, or may stay as it is', async () => {
  for (const status of [
    { steps: [{ name: 'Install', state: 'Running' }] },
    { goalHash: 't' },
    { runningVersion: VERSION },
  ]) {
    const left = await removed(status);
    const ready = left?.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.reason, 'RemovalFailed', JSON.stringify(status));
    assert.match(
      ready.message,
      /^ssh\.hostKey: .*; with spec\.deletionPolicy: Retain the Machine goes/,
    );
    assert.equal(await removed(status, { deletionPolicy: 'Retain' }), undefined);
  }
});

test('a program that ends soon after its start is started again', async () => {
  const { driver, counts } = program(3);
  const { status } = await brought(driver);
  assert.equal(status?.phase, 'Ready', JSON.stringify(status));
  assert.equal(counts.starts, 4);
});

test('one that cannot be started for a while is tried on, until it can', async () => {
  const { driver, counts } = program(1, 2);
  const { status } = await brought(driver);
  assert.equal(status?.phase, 'Ready', JSON.stringify(status));
  assert.equal(counts.starts, 4);
});

test('one that runs and is not ready yet is awaited, and neither looked at nor started meanwhile', async () => {
  const { driver, counts } = program(0);
  let [asked, looks] = [0, 0];
  const slow: MemberDriver = {
    ...driver,
    look: (aborted) => {
      if (asked > 0 && asked <= 5) looks += 1;
      return driver.look(aborted);
    },
    verify: () => Promise.resolve(++asked > 5 ? undefined : { why: 'node c-w-0 is not ready' }),
  };
  const { status } = await brought(slow);
  assert.equal(status?.phase, 'Ready', JSON.stringify(status));
  assert.deepEqual([counts.starts, looks], [1, 0]);
});

test('one that never stays up is given up after a while, with why', async () => {
  const { driver, counts } = program(1, 10_000);
  const { status } = await brought(driver);
  assert.equal(status?.phase, 'Failed');
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  assert.match(ready?.message ?? '', /not ready after 20 s/);
  const node = status?.conditions?.find(({ type }) => type === 'NodeReady');
  assert.match(node?.message ?? '', /cannot start it: its port is taken/);
  assert.ok(counts.starts > 10, `${counts.starts} starts`);
});

test('what nobody does to a machine of a distribution is answered at once, with what to do', async () => {
  const refused = await brought(program(0).driver, 'o-1/Reboot');
  assert.equal(refused.status?.phase, 'Ready');
  const { message = '', ...answer } = refused.status.operation ?? { uid: '' };
  assert.deepEqual(answer, { uid: 'o-1', type: 'Reboot', phase: 'Failed' });
  assert.match(
    message,
    /^Reboot: the distribution of its Cluster drives this machine: stop and start it by its spec\.powerState/,
  );
  const retried = await brought(program(0).driver, 'o-2/Retry');
  assert.equal(retried.status?.operation?.phase, 'Complete');
});
