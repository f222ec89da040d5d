// A Machine that gets its host from an InfraProvider, against the real server: made, found again, switched off and on, removed. The host
// is a process of this machine with a folder, the machine on it a root that is built there and runs.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InfraProvider } from '#controllers/infra-provider/types.ts';
import { LocalDriver } from '#controllers/infrastructure/local/local-driver.ts';
import { LabelledProvider } from '#controllers/infrastructure/labelled-provider.ts';
import { DEFAULT_LIMITS } from '#controllers/infrastructure/each-node.ts';
import { INFRA_PROVIDERS, MACHINES } from '#controllers/machinery/resources.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import type { MachineStatus } from '#controllers/machine/types.ts';
import { MACHINE_OPERATIONS } from '#controllers/machine-operation/types.ts';
import type { MachineOperation } from '#controllers/machine-operation/types.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { eventually } from '../support/eventually.ts';
import { MachineBench } from '../support/machine-bench.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';

const MISSING = process.platform === 'linux' ? false : 'nodes as processes need Linux';

function conditionOf(status: MachineStatus, type: string): string {
  const { status: is = '', reason = '' } =
    status.conditions?.find((condition) => condition.type === type) ?? {};
  return `${is} ${reason}`;
}

const isReady = (status: MachineStatus): void => {
  assert.equal(status.phase, 'Ready');
  assert.equal(status.run, undefined);
};

test(
  'a machine gets its host from its provider, and takes it along when it goes',
  { skip: MISSING },
  async (t) => {
    const bench = await MachineBench.start(t);
    const { client, signal } = bench.plane;
    const stateDirectory = join(tempDir(), 'nodes');
    await mkdir(stateDirectory);
    const settings = { stateDirectory, command: '["/bin/sleep", "100000"]', stopGraceSeconds: '1' };
    const provider = new LabelledProvider({
      driver: new LocalDriver({ settings, clock: systemClock, ids: systemIds }),
      clock: systemClock,
      limits: DEFAULT_LIMITS,
      labelScheme: 'windlass',
      adoptedClusters: [],
    });
    t.after(async () => {
      for (const name of ['m1', 'm2'])
        await provider.deleteNodes(name, new AbortController().signal);
      for (const pid of processesBelow(stateDirectory)) process.kill(pid, 'SIGKILL');
    });
    const stop = await bench.controllers();
    const image = await bench.image('one');
    await bench.createProvided('m1', 'here', { version: '1', rootfs: { image } });
    const lost = await bench.until('m1', 'says what it lacks', (status) =>
      assert.equal(conditionOf(status, 'InfrastructureReady'), 'False NotFound'),
    );
    assert.match(
      lost.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '',
      /spec\.providerRef: InfraProvider default\/here is not there/,
    );
    await stop();

    // As a controller that died right after it had the host made: what is there is found by the UID of the Machine.
    const body = { metadata: { name: 'here' }, spec: { type: 'Local', settings } };
    await client.create(INFRA_PROVIDERS, 'default', body, signal);
    const { uid } = lost.metadata;
    const node = { name: 'm1', machineUID: uid, pool: 'machine', role: 'worker' };
    await provider.createNodes({ name: 'm1', uid }, [node], signal);
    const before = processesBelow(stateDirectory);
    assert.equal(before.length, 1);
    await bench.controllers(['infra-provider']);
    const first = await bench.until('m1', 'runs', isReady);
    assert.equal(conditionOf(first.status ?? {}, 'InfrastructureReady'), 'True Done');
    assert.deepEqual(await readdir(stateDirectory), ['m1']);
    const root = join(stateDirectory, 'm1/data/var/lib/machines/m1-a');
    assert.ok(existsSync(join(root, 'etc/release')));
    assert.ok(processesBelow(stateDirectory).includes(before[0] ?? 0), 'the host is the same');

    // It belongs to a Machine: it is no orphan.
    await eventually('the provider counts it', async () => {
      const { status } = await client.get<InfraProvider>(
        INFRA_PROVIDERS,
        'default',
        'here',
        signal,
      );
      assert.deepEqual(
        status?.clusters?.map(({ name, owned, nodesReady }) => [name, owned, nodesReady]),
        [['m1', true, 1]],
      );
      assert.deepEqual(status?.orphans, []);
    });

    const logs = { type: 'CollectLogs', machineRef: { name: 'm1' } };
    const operation = { metadata: { name: 'logs' }, spec: logs };
    await client.create(MACHINE_OPERATIONS, 'default', operation, signal);
    await eventually('its logs are there', async () => {
      const { status } = await client.get<MachineOperation>(
        MACHINE_OPERATIONS,
        'default',
        'logs',
        signal,
      );
      assert.equal(status?.phase, 'Complete', JSON.stringify(status));
    });

    await bench.change('m1', { spec: { powerState: 'Stopped' } });
    await bench.until('m1', 'is off', (status) => assert.equal(status.phase, 'Stopped'));
    assert.deepEqual(processesBelow(stateDirectory), []);
    await bench.change('m1', { spec: { powerState: 'Running' } });
    await bench.until('m1', 'runs again', isReady);
    await eventually('its host and what is on it run', () =>
      assert.ok(processesBelow(stateDirectory).length >= 2),
    );

    await assert.rejects(
      bench.change('m1', { spec: { providerRef: { name: 'there' } } }),
      /providerRef cannot be changed/,
    );
    await client.delete(MACHINES, 'default', 'm1', {}, signal);
    await eventually('it is gone', () => assert.rejects(bench.get('m1'), isNotFound));
    assert.deepEqual(await readdir(stateDirectory), []);
    await eventually('nothing of it runs', () =>
      assert.deepEqual(processesBelow(stateDirectory), []),
    );
  },
);
