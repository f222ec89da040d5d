import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { OmniApi } from '#test/support/omni-api.ts';
import { scaledClock } from '#test/support/scaled-clock.ts';
import { throwFailures } from '../each-node.ts';
import {
  CredentialsRefused,
  InvalidRequest,
  NotOwned,
  NotSupported,
  ProviderUnavailable,
} from '../errors.ts';
import { nodeLabels } from '../label-scheme.ts';
import { LabelledProvider } from '../labelled-provider.ts';
import type { NodeRequest } from '../provider.ts';
import { providerConformance } from '../provider-conformance.ts';
import { WaitTimedOut } from '../wait-until.ts';
import { waitForCluster } from './cluster-phase.ts';
import { collectOrphans, freeMachines, NotEnoughMachines } from './machines.ts';
import { OmniClient } from './omni-client.ts';
import { OmniDriver } from './omni-driver.ts';
import { latestTalosVersion, omniSettings } from './omni-settings.ts';
import { OmniSigner } from './omni-signer.ts';

const signal = AbortSignal.timeout(600_000);
const clock = scaledClock(1_000);
const api = await OmniApi.start();
after(() => api.close());
const client = new OmniClient({
  endpoint: api.endpoint,
  clock,
  signer: new OmniSigner(api.key, clock),
});
const SETTINGS = { talosVersion: '1.11.2', kubernetesVersion: '1.34.1', machines: '*' };
const ANY = { allocation: { machines: ['*'] } };

function open(
  settings: Readonly<Record<string, string>> = {},
  key = api.key,
  endpoint = api.endpoint,
): LabelledProvider {
  return new LabelledProvider({
    driver: new OmniDriver({
      endpoint,
      credentials: key,
      clock,
      settings: { ...SETTINGS, ...settings },
    }),
    clock,
    limits: { parallel: 4, nodeTimeoutMs: 120_000_000 },
    labelScheme: 'windlass',
    adoptedClusters: [],
  });
}

const dev = { name: 'dev', uid: 'uid-of-dev' };
const request = (index: number, role = 'controller'): NodeRequest => ({
  name: `dev-${index}`,
  machineUID: `machine-dev-${index}`,
  pool: 'main',
  role,
});

describe('OmniDriver', () => {
  beforeEach(() => {
    api.resources.length = 0;
    api.faults.length = 0;
    api.calls.length = 0;
  });

  providerConformance({
    test,
    name: 'omni',
    open: () => {
      api.addMachines(6);
      api.faults.push({ method: 'List', code: 14, times: 1 });
      return Promise.resolve({
        provider: open(),
        request: { role: 'controller' },
        reopen: () => Promise.resolve(open()),
        plant: (name, labels) =>
          Promise.resolve(
            api.add('MachineSetNodes', 'machine-001', {
              ...labels,
              'windlass.dev/node-name': name,
            }),
          ),
        isThere: (name) =>
          Promise.resolve(
            api
              .of('MachineSetNodes')
              .some(({ metadata }) => metadata.labels['windlass.dev/node-name'] === name),
          ),
      });
    },
  });

  test('omni: endpoint and key must be there, and be what they should [ksail-051]', async () => {
    const options = { settings: SETTINGS, clock };
    assert.throws(
      () => new OmniDriver({ ...options, endpoint: undefined, credentials: api.key }),
      /endpoint required/,
    );
    assert.throws(
      () => new OmniDriver({ ...options, endpoint: api.endpoint, credentials: undefined }),
      /key required/,
    );
    assert.throws(
      () => open({}, 'not-a-key-and-secret'),
      (error: unknown) => {
        assert.ok(error instanceof CredentialsRefused);
        assert.ok(!error.message.includes('not-a-key-and-secret'));
        return true;
      },
    );
    const broken = Buffer.from(JSON.stringify({ name: 'x', pgp_key: 'secret-words' })).toString(
      'base64',
    );
    await assert.rejects(open({}, broken).checkCredentials(signal), (error: unknown) => {
      assert.ok(error instanceof CredentialsRefused);
      assert.ok(!error.message.includes('secret-words'));
      return true;
    });
    const other = await OmniApi.start();
    try {
      await assert.rejects(open({}, other.key).checkCredentials(signal), CredentialsRefused);
    } finally {
      await other.close();
    }
    await open().checkCredentials(signal);
    await assert.rejects(
      open({}, api.key, 'http://127.0.0.1:9').checkCredentials(signal),
      ProviderUnavailable,
    );
  });

  test('omni: running is not yet ready; a timeout says what it was, a caller’s end is the caller’s [ksail-053] [ksail-054]', async () => {
    api.add('ClusterStatuses', 'dev', {}, { phase: 3, ready: false });
    const options = { timeoutMs: 30_000, clock, signal };
    await waitForCluster(client, 'dev', { ...options, until: 'running' });
    await assert.rejects(
      waitForCluster(client, 'dev', { ...options, until: 'ready' }),
      (error: unknown) => {
        assert.ok(error instanceof WaitTimedOut);
        assert.match(
          error.message,
          /cluster dev is ready: timed out after 30 s; it was running, not ready/,
        );
        return true;
      },
    );
    const reason = new Error('cancelled by the caller');
    await assert.rejects(
      waitForCluster(client, 'dev', {
        ...options,
        until: 'ready',
        signal: AbortSignal.abort(reason),
      }),
      reason,
    );
  });

  test('omni: Omni’s own status counts where it has one, with the endpoint; else machines are counted', async () => {
    api.addMachines(2);
    throwFailures(
      'create',
      await open().createNodes(dev, [request(1), request(2, 'worker')], signal),
    );
    const counted = await open().getClusterStatus(dev, signal);
    assert.deepEqual(
      [counted?.phase, counted?.nodesReady, counted?.endpoint],
      ['running', 2, undefined],
    );
    const phases: unknown[] = [];
    api.add('ClusterStatuses', 'dev');
    const [status] = api.of('ClusterStatuses');
    assert.ok(status);
    for (const spec of [
      { phase: 1, ready: false },
      { phase: 3, ready: false },
      { phase: 3, ready: true },
    ]) {
      status.spec = spec;
      const known = await open().getClusterStatus(dev, signal);
      phases.push([known?.phase, known?.isReady, known?.endpoint === api.endpoint]);
    }
    assert.deepEqual(phases, [
      ['scaling_up', false, true],
      ['degraded', false, true],
      ['running', true, true],
    ]);
    assert.equal(await open().getClusterStatus('nowhere', signal), null);
  });

  test('omni: a delete takes nodes, sets and cluster, and is done when all is gone [ksail-055] [ksail-087]', async () => {
    api.addMachines(2);
    const provider = open();
    assert.deepEqual(await provider.deleteNodes(dev, signal), []);
    throwFailures(
      'create',
      await provider.createNodes(dev, [request(1), request(2, 'worker')], signal),
    );
    assert.deepEqual(
      api.of('MachineSets').map(({ metadata }) => metadata.id),
      ['dev-control-planes', 'dev-workers'],
    );
    throwFailures('delete', await provider.deleteNodes(dev, signal));
    for (const type of ['Clusters', 'MachineSets', 'MachineSetNodes'])
      assert.deepEqual(api.of(type), [], type);
    assert.equal(api.of('MachineStatuses').length, 2);
    assert.deepEqual(await provider.deleteNodes(dev, signal), []);
  });

  test('omni: exactly as many free machines as are wanted [ksail-056]', async () => {
    await assert.rejects(freeMachines(client, 1, ANY, signal), NotEnoughMachines);
    assert.deepEqual(await freeMachines(client, 0, ANY, signal), []);
    await assert.rejects(freeMachines(client, -1, ANY, signal), InvalidRequest);
    api.addMachines(1, { 'omni.sidero.dev/cluster': 'other' });
    api.addMachines(3);
    api.addMachines(1, { rack: 'a' });
    assert.deepEqual(await freeMachines(client, 2, ANY, signal), ['machine-002', 'machine-003']);
    api.add('MachineSetNodes', 'machine-002');
    assert.deepEqual(await freeMachines(client, 2, ANY, signal), ['machine-003', 'machine-004']);
    assert.deepEqual(await freeMachines(client, 1, { allocation: { label: 'rack' } }, signal), [
      'machine-005',
    ]);
    assert.deepEqual(
      await freeMachines(client, 1, { allocation: { machines: ['machine-004'] } }, signal),
      ['machine-004'],
    );
    await assert.rejects(
      open().createNodes(
        dev,
        [1, 2, 3, 4].map((index) => request(index)),
        signal,
      ),
      /4 machines are wanted and 3 are free/,
    );
    assert.deepEqual(api.of('Clusters'), []);
  });

  test('omni: what a dead cluster left is let go, and nothing else [ksail-057]', async () => {
    assert.deepEqual(await collectOrphans(client, signal), []);
    const ours = (cluster: string, index: number): Record<string, string> => ({
      ...nodeLabels({ name: cluster, uid: `uid-of-${cluster}` }, request(index)),
      'omni.sidero.dev/cluster': cluster,
    });
    api.add('Clusters', 'alive');
    api.add('MachineSetNodes', 'a', ours('alive', 1));
    assert.deepEqual(await collectOrphans(client, signal), []);
    api.add('MachineSetNodes', 'b', ours('dead', 2));
    api.add('MachineSetNodes', 'c', { 'omni.sidero.dev/cluster': 'dead' });
    api.add('MachineSetNodes', 'd', {});
    api.add('MachineSetNodes', 'e', ours('other', 3));
    assert.deepEqual(await collectOrphans(client, signal, 'uid-of-dead'), ['b']);
    assert.deepEqual(await collectOrphans(client, signal), ['e']);
    assert.deepEqual(
      api.of('MachineSetNodes').map(({ metadata }) => metadata.id),
      ['a', 'c', 'd'],
    );
  });

  test('omni: what Omni would refuse later is named at once [ksail-058]', async () => {
    api.addMachines(1);
    for (const [change, message] of [
      [{ talosVersion: '' }, /settings\.talosVersion: ""/],
      [{ kubernetesVersion: 'new' }, /settings\.kubernetesVersion: "new"/],
      [{ machineLabel: 'rack' }, /both machines and machineLabel are there/],
      [{ typo: '1' }, /settings\.typo/],
    ] as const)
      assert.throws(() => open(change), message);
    const { machines: _gone, ...without } = SETTINGS;
    assert.throws(() => omniSettings(without), /neither machines nor machineLabel is there/);
    await assert.rejects(
      open().createNodes(dev, [request(1, 'worker')], signal),
      /0 nodes have the role controller/,
    );
    await assert.rejects(
      open().createNodes({ name: '', uid: 'u' }, [request(1)], signal),
      InvalidRequest,
    );
    await assert.rejects(
      open().createNodes(dev, [request(1), request(2)], signal),
      NotEnoughMachines,
    );
    await assert.rejects(freeMachines(client, -1, ANY, signal), /-1 machines/);
    assert.deepEqual(api.of('Clusters'), []);
  });

  test('omni: latest is the newest that is not deprecated [ksail-059]', async () => {
    const version = (
      text: string,
      isDeprecated = false,
    ): { version: string; isDeprecated: boolean } => ({ version: text, isDeprecated });
    assert.throws(() => latestTalosVersion([]), InvalidRequest);
    assert.equal(
      latestTalosVersion([version('1.9.3'), version('v1.11.2'), version('1.10.9')]),
      '1.11.2',
    );
    assert.equal(
      latestTalosVersion([version('1.12.0', true), version('1.12.0-alpha.1'), version('1.11.2')]),
      '1.11.2',
    );
    api.addMachines(1);
    for (const [id, deprecated] of [
      ['1.12.0', true],
      ['1.11.5', false],
    ] as const)
      api.add('TalosVersions', id, {}, { version: id, deprecated });
    throwFailures(
      'create',
      await open({ talosVersion: 'latest' }).createNodes(dev, [request(1)], signal),
    );
    assert.equal(api.of('Clusters')[0]?.spec['talos_version'], '1.11.5');
  });

  test('omni: a cluster of that name that is not ours is left alone [ksail-081]', async () => {
    api.addMachines(1);
    api.add('Clusters', 'dev');
    api.add('MachineSets', 'dev-workers', { 'omni.sidero.dev/cluster': 'dev' });
    await assert.rejects(open().createNodes(dev, [request(1)], signal), NotOwned);
    assert.deepEqual(await open().deleteNodes(dev, signal), []);
    assert.equal(api.resources.length, 3);
  });

  test('omni: an answer that was lost takes no second machine [ksail-082]', async () => {
    api.addMachines(3);
    api.faults.push({ method: 'Create', type: 'MachineSetNodes', code: 'lost', times: 1 });
    await open().createNodes(dev, [request(1)], signal);
    throwFailures('create', await open().createNodes(dev, [request(1)], signal));
    assert.equal(api.of('MachineSetNodes').length, 1);
  });

  test('omni: machines are not powered through it, and that is said', async () => {
    await assert.rejects(open().startNodes(dev, signal), NotSupported);
    await assert.rejects(open().stopNodes(dev, signal), NotSupported);
  });
});
