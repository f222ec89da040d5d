import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidRequest, NotOwned, UnknownLabelScheme } from './errors.ts';
import { clusterOf, labelsOf, never, request, simulated } from './infrastructure-fixture.ts';
import { LABELS, labelSchemeNames, labelSchemeOf, nodeLabels } from './label-scheme.ts';

test('a label scheme that nobody knows is an error of the list [ksail-019]', async () => {
  assert.throws(() => labelSchemeOf('unknown'), UnknownLabelScheme);
  assert.throws(() => labelSchemeOf('constructor'), UnknownLabelScheme);
  const { provider } = simulated({ labelScheme: 'unknown' });
  await assert.rejects(provider.listNodes('dev', never), (error: unknown) => {
    assert.ok(error instanceof UnknownLabelScheme);
    for (const name of labelSchemeNames) assert.ok(error.message.includes(name));
    return true;
  });
});

test('k3d nodes by exact labels, roles mapped; its load balancer and registry are none [ksail-015]', async () => {
  const { provider, world } = simulated({ labelScheme: 'k3d' });
  for (const [name, role] of [
    ['s', 'server'],
    ['a', 'agent'],
    ['lb', 'loadbalancer'],
    ['r', 'registry'],
  ] as const)
    world.add(`k3d-x-${name}`, { app: 'k3d', 'k3d.cluster': 'x', 'k3d.role': role });
  world.add('k3d-x-fake', { 'k3d.cluster': 'x', 'k3d.role': 'server' });
  world.add('k3d-x2-s', { app: 'k3d', 'k3d.cluster': 'x2', 'k3d.role': 'server' });
  const nodes = await provider.listNodes('x', never);
  assert.deepEqual(
    nodes.map(({ name, role, isOwned }) => [name, role, isOwned]),
    [
      ['k3d-x-a', 'worker', false],
      ['k3d-x-s', 'control-plane', false],
    ],
  );
});

test('talos nodes by exact labels [ksail-016]', async () => {
  const { provider, world } = simulated({ labelScheme: 'talos' });
  const labels = { 'talos.owned': 'true', 'talos.cluster.name': 'x' };
  world.add('x-1', { ...labels, 'talos.type': 'controlplane' });
  world.add('x-2', { ...labels, 'talos.type': 'worker' });
  world.add('x-3', { ...labels, 'talos.type': 'image-cache' });
  const nodes = await provider.listNodes('x', never);
  assert.deepEqual(
    nodes.map(({ name, role }) => [name, role]),
    [
      ['x-1', 'control-plane'],
      ['x-2', 'worker'],
    ],
  );
});

test('names of clusters are distinct and sorted [ksail-020]', async () => {
  const { provider, world } = simulated();
  for (const cluster of ['zeta', 'alpha'])
    for (const number of [1, 2]) world.add(`${cluster}-${number}`, labelsOf(cluster, number));
  assert.deepEqual(await provider.listAllClusters(never), ['alpha', 'zeta']);
});

test('what is not labelled as owned is hidden [ksail-021]', async () => {
  const { provider, world } = simulated({ labelScheme: 'talos' });
  world.add('a-1', { 'talos.owned': 'true', 'talos.cluster.name': 'a', 'talos.type': 'worker' });
  world.add('b-1', { 'talos.cluster.name': 'b', 'talos.type': 'worker' });
  world.add('c-1', { 'talos.owned': 'false', 'talos.cluster.name': 'c', 'talos.type': 'worker' });
  assert.deepEqual(await provider.listAllClusters(never), ['a']);
});

test('names with prefixes and role words are whole [ksail-022] [ksail-080]', async () => {
  const { provider, world } = simulated();
  for (const name of ['kwok-default', 'my-worker-1', 'a-control-plane'])
    world.add(`${name}-control-plane-worker`, labelsOf(name, 1));
  const names = ['a-control-plane', 'kwok-default', 'my-worker-1'];
  assert.deepEqual(await provider.listAllClusters(never), names);
  const kind = simulated({ labelScheme: 'kind' });
  const role = 'io.x-k8s.kind.role';
  kind.world.add('my-worker-1-worker', {
    'io.x-k8s.kind.cluster': 'my-worker-1',
    [role]: 'worker',
  });
  kind.world.add('my-worker-1-control-plane', {
    'io.x-k8s.kind.cluster': 'my-worker-1',
    [role]: 'control-plane',
  });
  assert.deepEqual(await kind.provider.listAllClusters(never), ['my-worker-1']);
});

test('helpers beside the nodes are no nodes [ksail-014]', async () => {
  const { provider, world } = simulated({ labelScheme: 'kind' });
  const cluster = { 'io.x-k8s.kind.cluster': 'dev' };
  world.add('dev-control-plane', { ...cluster, 'io.x-k8s.kind.role': 'control-plane' });
  world.add('dev-external-load-balancer', {
    ...cluster,
    'io.x-k8s.kind.role': 'external-load-balancer',
  });
  world.add('dev-docker.io', cluster);
  world.add('dev-quay.io', {});
  assert.deepEqual(
    (await provider.listNodes('dev', never)).map(({ name }) => name),
    ['dev-control-plane'],
  );
});

test('our labels only count when all five are there', () => {
  const scheme = labelSchemeOf('windlass');
  const labels = labelsOf('dev', 1);
  assert.equal(scheme.nodeOf(labels)?.clusterName, 'dev');
  for (const key of Object.keys(labels)) {
    assert.equal(scheme.nodeOf({ ...labels, [key]: '' }), undefined, `${key} empty`);
    const { [key]: _gone, ...rest } = labels;
    assert.equal(scheme.nodeOf(rest), undefined, `without ${key}`);
  }
});

test('a role with a plus survives the label; what cannot be one is refused by name', () => {
  const both = request('dev', 1, { role: 'controller+worker' });
  const labels = nodeLabels(clusterOf('dev'), both);
  assert.equal(labels[LABELS.role], 'controller.worker');
  assert.equal(labelSchemeOf('windlass').nodeOf(labels)?.role, 'controller+worker');
  assert.throws(
    () => nodeLabels(clusterOf('x'.repeat(64)), both),
    (error: unknown) =>
      error instanceof InvalidRequest && /windlass\.dev\/cluster/.test(error.message),
  );
});

test('a foreign cluster is listed, and acted on only once it was adopted by its exact name [ksail-079]', async () => {
  const labels = { 'io.x-k8s.kind.cluster': 'dev', 'io.x-k8s.kind.role': 'worker' };
  for (const adoptedClusters of [[], ['de', 'dev-2', 'dev*']]) {
    const { provider, world } = simulated({ labelScheme: 'kind', adoptedClusters });
    world.add('dev-worker', labels);
    assert.deepEqual(await provider.listAllClusters(never), ['dev']);
    await assert.rejects(provider.deleteNodes('dev', never), NotOwned);
    await assert.rejects(provider.stopNodes('dev', never), NotOwned);
    assert.deepEqual(world.actions, []);
  }
  const { provider, world } = simulated({ labelScheme: 'kind', adoptedClusters: ['dev'] });
  world.add('dev-worker', labels);
  world.add('dev-2-worker', { ...labels, 'io.x-k8s.kind.cluster': 'dev-2' });
  await provider.deleteNodes('dev', never);
  assert.deepEqual(world.actions, ['remove dev-worker']);
});
