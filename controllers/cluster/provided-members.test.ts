// Members of k0s clusters whose hosts a provider makes: reached by what it says, switched off and removed with them.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { noArtifacts } from '../binaries/host-artifact.ts';
import type { HostConnection } from '../hosts/host-connection.ts';
import { LimitGroups } from '../hosts/work-limits.ts';
import { NoHostError } from '../infra-provider/provided-host.ts';
import { CLUSTERS, MACHINES } from '../machinery/resources.ts';
import { K0sOpener } from './distributions/k0s/open-k0s.ts';
import { MemoryApi } from './memory-api-fixture.ts';
import { MEMBER_FINALIZER } from './member-options.ts';
import { MemberReconciler } from './member-reconciler.ts';
import type { Cluster, Machine } from './types.ts';

const { signal } = new AbortController();

/** A provider with one host, which is a folder of this machine. */
class OneHost {
  readonly folder = tempDir();
  readonly calls: string[] = [];
  is: 'running' | 'off' | 'gone' = 'running';

  constructor() {
    mkdirSync(join(this.folder, 'etc'));
    writeFileSync(join(this.folder, 'etc/hostname'), 'given\n');
  }

  async ensure(): Promise<HostConnection | 'off'> {
    if (this.is === 'gone') throw new NoHostError('Paused', 'its host is not there', true);
    if (this.is === 'off') return 'off';
    return { type: 'LocalDir', localDir: { path: this.folder } };
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
    this.is = 'off';
  }

  async remove(): Promise<boolean> {
    this.calls.push('remove');
    return true;
  }
}

interface Bench {
  readonly api: MemoryApi;
  readonly host: OneHost;
  readonly machine: () => Machine | undefined;
  readonly change: (patch: object) => Promise<unknown>;
  readonly reconcile: () => Promise<void>;
}

function bench(): Bench {
  const api = new MemoryApi();
  const host = new OneHost();
  const client = api.client('controller');
  const opener = new K0sOpener({
    client,
    clock: systemClock,
    ids: systemIds,
    artifacts: noArtifacts,
    hosts: host,
    limits: new LimitGroups(),
    workFolder: tempDir(),
  });
  const members = new MemberReconciler({
    client,
    clock: systemClock,
    events: { record: () => undefined },
    open: (member, until) => opener.open(member, until),
    powerOff: (machine, until) => opener.powerOff(machine, until),
    removeHost: (machine, until) => opener.removeHost(machine, until),
  });
  api.create(CLUSTERS, 'default', { metadata: { name: 'c' }, spec: { distribution: 'K0s' } });
  const spec = { role: 'worker', version: 'v1.30.1+k0s.0', providerRef: { name: 'cloud' } };
  const metadata = { name: 'c-w-0', finalizers: [MEMBER_FINALIZER] };
  api.create(MACHINES, 'default', { metadata, spec });
  const machine = (): Machine | undefined => api.list<Machine>(MACHINES, 'default').items[0];
  return {
    api,
    host,
    machine,
    change: (patch) => client.patch(MACHINES, 'default', 'c-w-0', '', 'merge', patch, signal),
    async reconcile() {
      const [cluster] = api.list<Cluster>(CLUSTERS, 'default').items;
      const found = machine();
      assert.ok(found !== undefined);
      await members.reconcile(found, cluster, [found], signal);
    },
  };
}

test('a host is switched off with its machine, and one that is off is as it shall be', async () => {
  const { host, machine, change, reconcile } = bench();
  await change({ spec: { powerState: 'Stopped' } });
  await reconcile();
  assert.deepEqual(host.calls, ['stop']);
  assert.equal(machine()?.status?.phase, 'Stopped');
  await reconcile();
  assert.deepEqual(host.calls, ['stop'], 'nobody asks a host that is off');
  assert.equal(machine()?.status?.phase, 'Stopped');
  const ready = machine()?.status?.conditions?.find(({ type }) => type === 'Ready');
  assert.match(ready?.message ?? '', /the host of c-w-0 is off/);
});

for (const is of ['running', 'off', 'gone'] as const)
  test(`a machine that goes takes its host with it: ${is}`, async () => {
    const { api, host, machine, reconcile } = bench();
    host.is = is;
    await api.client('user').delete(MACHINES, 'default', 'c-w-0', {}, signal);
    await reconcile();
    assert.deepEqual(host.calls, ['remove']);
    assert.equal(machine(), undefined);
  });
