import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidRequest, NodesFailed, NoNodes, NotRestored, NotSupported } from './errors.ts';
import { clusterOf, never, request, simulated } from './infrastructure-fixture.ts';
import type { Sim } from './infrastructure-fixture.ts';
import { MockProvider } from './mock-provider.ts';
import { startCluster, stopCluster } from './power.ts';
import type { PowerSnapshot, SnapshotStore } from './power.ts';

class Kept implements SnapshotStore {
  snapshot: PowerSnapshot | undefined;
  saves = 0;

  read(): Promise<PowerSnapshot | undefined> {
    return Promise.resolve(this.snapshot);
  }

  save(snapshot: PowerSnapshot): Promise<void> {
    this.saves += 1;
    this.snapshot = snapshot;
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this.snapshot = undefined;
    return Promise.resolve();
  }
}

const cluster = clusterOf('dev');

/** Pools `a` of two and `b` of one. */
async function threeNodes(): Promise<Sim & { readonly kept: Kept }> {
  const sim = simulated();
  const nodes = [
    request('dev', 1, { pool: 'a' }),
    request('dev', 2, { pool: 'a' }),
    request('dev', 3, { pool: 'b' }),
  ];
  await sim.provider.createNodes(cluster, nodes, never);
  sim.world.actions.length = 0;
  return { ...sim, kept: new Kept() };
}

function states({ world }: Sim): readonly string[] {
  return [...world.nodes.values()].map(({ name, state }) => `${name} ${state}`);
}

test('a stop stops every pool, after what ran was saved [ksail-060]', async () => {
  const sim = await threeNodes();
  await stopCluster(sim.provider, cluster, sim.kept, never);
  assert.deepEqual(states(sim), ['dev-1 stopped', 'dev-2 stopped', 'dev-3 stopped']);
  assert.deepEqual(sim.kept.snapshot, {
    clusterUID: cluster.uid,
    running: ['dev-1', 'dev-2', 'dev-3'],
    pools: [
      { name: 'a', replicas: 2 },
      { name: 'b', replicas: 1 },
    ],
  });
});

test('a start brings back exactly what ran and clears the snapshot [ksail-061] [ksail-076]', async () => {
  const sim = await threeNodes();
  await sim.provider.stopNodes(cluster, never, { nodes: ['dev-2'] });
  await stopCluster(sim.provider, cluster, sim.kept, never);
  await startCluster(sim.provider, cluster, sim.kept, never);
  assert.deepEqual(states(sim), ['dev-1 running', 'dev-2 stopped', 'dev-3 running']);
  assert.equal(sim.kept.snapshot, undefined);
});

test('a second stop keeps the first snapshot [ksail-063]', async () => {
  const sim = await threeNodes();
  await stopCluster(sim.provider, cluster, sim.kept, never);
  const first = sim.kept.snapshot;
  await stopCluster(sim.provider, cluster, sim.kept, never);
  assert.equal(sim.kept.snapshot, first);
  assert.equal(sim.kept.saves, 1);
  await startCluster(sim.provider, cluster, sim.kept, never);
  assert.deepEqual(states(sim), ['dev-1 running', 'dev-2 running', 'dev-3 running']);
});

test('a cluster that runs nowhere is never saved, and a start brings it back [ksail-064] [ksail-066]', async () => {
  const sim = await threeNodes();
  await sim.provider.stopNodes(cluster, never);
  await stopCluster(sim.provider, cluster, sim.kept, never);
  assert.equal(sim.kept.saves, 0);
  await startCluster(sim.provider, cluster, sim.kept, never);
  assert.deepEqual(states(sim), ['dev-1 running', 'dev-2 running', 'dev-3 running']);
});

test('a start that was accepted and did nothing is not restored, and keeps the snapshot [ksail-068]', async () => {
  const sim = await threeNodes();
  await stopCluster(sim.provider, cluster, sim.kept, never);
  sim.world.start = () => Promise.resolve();
  await assert.rejects(startCluster(sim.provider, cluster, sim.kept, never), (error: unknown) => {
    assert.ok(error instanceof NotRestored);
    assert.match(error.message, /not restored: node dev-1 is stopped/);
    return true;
  });
  assert.notEqual(sim.kept.snapshot, undefined);
});

test('a node that is gone is not restored either', async () => {
  const sim = await threeNodes();
  await stopCluster(sim.provider, cluster, sim.kept, never);
  sim.world.nodes.delete('dev-3');
  await assert.rejects(startCluster(sim.provider, cluster, sim.kept, never), /node dev-3 is gone/);
});

test('a snapshot that cannot be right is refused before any call [ksail-070]', async () => {
  const sim = await threeNodes();
  for (const snapshot of [
    { clusterUID: 'another', running: ['dev-1'], pools: [{ name: 'a', replicas: 1 }] },
    { clusterUID: cluster.uid, running: ['dev-1'], pools: [{ name: 'a', replicas: 2 }] },
    { clusterUID: cluster.uid, running: [], pools: [] },
  ]) {
    sim.kept.snapshot = snapshot;
    await assert.rejects(startCluster(sim.provider, cluster, sim.kept, never), InvalidRequest);
    await assert.rejects(stopCluster(sim.provider, cluster, sim.kept, never), InvalidRequest);
  }
  assert.deepEqual(sim.world.actions, []);
});

test('a cluster must prove its exact name and UID [ksail-071]', async () => {
  const sim = await threeNodes();
  await assert.rejects(
    stopCluster(sim.provider, { name: 'dev', uid: '' }, sim.kept, never),
    /did not prove its exact name and UID/,
  );
  await assert.rejects(
    stopCluster(sim.provider, { name: 'dev', uid: 'of another' }, sim.kept, never),
    NoNodes,
  );
  assert.deepEqual(sim.world.actions, []);
});

test('a start acts only on what is not right yet [ksail-072]', async () => {
  const sim = await threeNodes();
  await stopCluster(sim.provider, cluster, sim.kept, never);
  await sim.provider.startNodes(cluster, never, { nodes: ['dev-1'] });
  sim.world.actions.length = 0;
  await startCluster(sim.provider, cluster, sim.kept, never);
  assert.deepEqual(sim.world.actions, ['start dev-2', 'start dev-3']);
});

test('stop and start are one call where the state differs, none otherwise; errors pass through [ksail-074]', async () => {
  const sim = await threeNodes();
  const one = { nodes: ['dev-1'] };
  const outcomes: string[] = [];
  for (const act of ['startNodes', 'stopNodes', 'stopNodes', 'startNodes'] as const) {
    const [result] = await sim.provider[act](cluster, never, one);
    outcomes.push(result?.outcome ?? '');
  }
  assert.deepEqual(outcomes, ['skipped', 'done', 'skipped', 'done']);
  assert.deepEqual(sim.world.actions, ['stop dev-1', 'start dev-1']);
  const refused = new Error('refused');
  sim.world.fault = (action) => (action === 'stop' ? refused : undefined);
  const [result] = await sim.provider.stopNodes(cluster, never, one);
  assert.equal(result?.error, refused);
});

test('no nodes is an error, and a node that fails is named [ksail-076]', async () => {
  const sim = await threeNodes();
  await assert.rejects(stopCluster(sim.provider, clusterOf('empty'), sim.kept, never), NoNodes);
  await assert.rejects(sim.provider.startNodes('empty', never), NoNodes);
  await assert.rejects(sim.provider.stopNodes('empty', never), NoNodes);
  sim.world.fault = (action, name) =>
    action === 'stop' && name === 'dev-2' ? new Error('busy') : undefined;
  await assert.rejects(stopCluster(sim.provider, cluster, sim.kept, never), (error: unknown) => {
    assert.ok(error instanceof NodesFailed);
    assert.match(error.message, /stop cluster dev: 1 of 3 failed: node dev-2: busy/);
    return true;
  });
});

test('a provider without power says so before anything', async () => {
  const provider = new MockProvider({ capabilities: ['createNodes'] });
  await assert.rejects(stopCluster(provider, cluster, new Kept(), never), NotSupported);
  assert.deepEqual(provider.calls, []);
});
