import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { throwFailures } from './each-node.ts';
import { InvalidRequest, NotOwned, NotSupported, ProviderUnavailable } from './errors.ts';
import { clusterOf, labelsOf, never, request, simulated } from './infrastructure-fixture.ts';
import { LABELS } from './label-scheme.ts';
import { LabelledProvider } from './labelled-provider.ts';
import { UnavailableDriver } from './unavailable-driver.ts';

const dev = clusterOf('dev');

test('infrastructure that is not set up answers every call with ProviderUnavailable [ksail-026]', async () => {
  const provider = new LabelledProvider({
    driver: new UnavailableDriver('hetzner', 'no token'),
    clock: new FakeClock(),
    limits: { parallel: 1, nodeTimeoutMs: 1 },
    labelScheme: 'windlass',
    adoptedClusters: [],
  });
  assert.equal(provider.isAvailable(), false);
  for (const call of [
    () => provider.listNodes('dev', never),
    () => provider.listAllClusters(never),
    () => provider.listAllNodes(never),
    () => provider.nodesExist('dev', never),
    () => provider.startNodes('dev', never),
    () => provider.stopNodes('dev', never),
    () => provider.deleteNodes('dev', never),
    () => provider.createNodes(dev, [request('dev', 1)], never),
    () => provider.getClusterStatus('dev', never),
    () => provider.checkCredentials(never),
  ])
    await assert.rejects(call, (error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return cause instanceof ProviderUnavailable && /no token/.test(cause.message);
    });
});

test('an error of the list is an error, and none is none [ksail-018]', async () => {
  const { provider, world } = simulated();
  assert.deepEqual(await provider.listNodes('dev', never), []);
  world.fault = () => new Error('API error');
  await assert.rejects(provider.listNodes('dev', never), /API error/);
});

test('a node that was made and not written down is adopted by its labels [ksail-082]', async () => {
  const { provider, world } = simulated();
  world.fault = (action) => (action === 'create' ? 'lost' : undefined);
  const first = await provider.createNodes(dev, [request('dev', 1)], never);
  assert.throws(() => throwFailures('create', first));
  world.fault = () => undefined;
  const again = await provider.createNodes(dev, [request('dev', 1)], never);
  assert.deepEqual(
    again.map(({ outcome }) => outcome),
    ['skipped'],
  );
  assert.deepEqual([...world.nodes.keys()], ['dev-1']);
});

test('a name that others have is not ours, and is left alone', async () => {
  const { provider, world } = simulated();
  world.add('dev-1', { [LABELS.cluster]: 'dev' });
  const [result] = await provider.createNodes(dev, [request('dev', 1)], never);
  assert.ok(result?.error instanceof NotOwned);
  assert.deepEqual(await provider.deleteNodes(dev, never), [
    { kind: 'network', name: 'dev-network', outcome: 'done' },
  ]);
  assert.deepEqual([...world.nodes.keys()], ['dev-1']);
});

test('two clusters of one name are told apart by UID, and a name alone is refused', async () => {
  const { provider, world } = simulated();
  const other = { name: 'dev', uid: 'uid-of-another' };
  await provider.createNodes(dev, [request('dev', 1)], never);
  await provider.createNodes(other, [request('other', 1)], never);
  assert.equal((await provider.listNodes('dev', never)).length, 2);
  assert.deepEqual(
    (await provider.listNodes(other, never)).map(({ name }) => name),
    ['other-1'],
  );
  await assert.rejects(provider.deleteNodes('dev', never), NotOwned);
  await provider.deleteNodes(other, never);
  assert.deepEqual([...world.nodes.keys()], ['dev-1']);
});

test('a machine of another cluster is not taken over', async () => {
  const { provider } = simulated();
  await provider.createNodes(clusterOf('one'), [request('dev', 1)], never);
  const [result] = await provider.createNodes(clusterOf('two'), [request('dev', 1)], never);
  assert.ok(result?.error instanceof NotOwned);
});

test('what has the name and only some of our labels is named and left alone, at once', async () => {
  const { provider, world, clock } = simulated();
  const { [LABELS.pool]: _pool, ...labels } = labelsOf('dev', 1);
  world.add('dev-1', labels);
  const [result] = await provider.createNodes(dev, [request('dev', 1)], never);
  assert.ok(result?.error instanceof NotOwned);
  assert.match(result.error.message, /but without windlass\.dev\/pool; it was left alone$/);
  assert.equal(clock.now(), 0);
});

test('a delete goes on after a failure, and keeps what nodes may still need [ksail-087]', async () => {
  const { provider, world } = simulated();
  await provider.createNodes(dev, [request('dev', 1), request('dev', 2)], never);
  world.fault = (action, name) =>
    action === 'remove' && name === 'dev-1' ? new Error('locked') : undefined;
  const first = await provider.deleteNodes(dev, never);
  assert.deepEqual(
    first.map(({ name, outcome }) => `${name} ${outcome}`),
    ['dev-1 failed', 'dev-2 done'],
  );
  assert.deepEqual([...world.resources.keys()], ['dev-network']);
  world.fault = (action) => (action === 'removeResource' ? new Error('in use') : undefined);
  const second = await provider.deleteNodes(dev, never);
  assert.deepEqual(
    second.map(({ name, outcome }) => `${name} ${outcome}`),
    ['dev-1 done', 'dev-network failed'],
  );
  world.fault = () => undefined;
  await provider.deleteNodes(dev, never);
  assert.deepEqual([world.nodes.size, world.resources.size], [0, 0]);
  assert.deepEqual(await provider.deleteNodes(dev, never), []);
});

test('requests that cannot be are refused before anything is made', async () => {
  const { provider, world } = simulated();
  const twice = [request('dev', 1), request('dev', 2, { name: 'dev-1' })];
  await assert.rejects(provider.createNodes(dev, twice, never), InvalidRequest);
  await assert.rejects(
    provider.createNodes(dev, [request('dev', 1, { pool: '' })], never),
    InvalidRequest,
  );
  await assert.rejects(provider.deleteNodes('', never), InvalidRequest);
  assert.deepEqual([...world.nodes.keys(), ...world.resources.keys()], []);
});

test('nodes are made only with our own labels', async () => {
  const { provider } = simulated({ labelScheme: 'kind', adoptedClusters: ['dev'] });
  assert.ok(!provider.capabilities.includes('createNodes'));
  await assert.rejects(provider.createNodes(dev, [request('dev', 1)], never), NotSupported);
});

test('a choice acts on those nodes only; a name that is none of them is told', async () => {
  const { provider, world } = simulated();
  for (const number of [1, 2]) world.add(`dev-${number}`, labelsOf('dev', number));
  world.add('dev-3', labelsOf('other', 3));
  const results = await provider.stopNodes(dev, never, { nodes: ['dev-2', 'dev-3'] });
  assert.deepEqual(
    results.map(({ name, outcome }) => `${name} ${outcome}`),
    ['dev-2 done', 'dev-3 failed'],
  );
  assert.deepEqual(world.actions, ['stop dev-2']);
});
