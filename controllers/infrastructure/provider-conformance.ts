// What every provider must do, whichever infrastructure is behind it: called by the test of each.
import assert from 'node:assert/strict';
import type { test } from 'node:test';
import { requireClusterStatus } from './cluster-status.ts';
import { throwFailures } from './each-node.ts';
import { ClusterNotFound, NoNodes, NotOwned, NotSupported } from './errors.ts';
import { labelSchemeOf, nodeLabels } from './label-scheme.ts';
import type { Labels } from './label-scheme.ts';
import type { ClusterIdentity, NodeRequest, NodeResult, Provider } from './provider.ts';
import { startCluster, stopCluster } from './power.ts';
import type { PowerSnapshot } from './power.ts';

export interface Opened {
  readonly provider: Provider;
  /** A new provider on the same infrastructure, as after a crash of the first. */
  reopen(): Promise<Provider>;
  /** Puts a node there as somebody else would, with these labels. */
  plant(name: string, labels: Labels): Promise<void>;
  /** Whether something of that name is there, whatever its labels. */
  isThere(name: string): Promise<boolean>;
  /** Of a node request of this provider, over the common one. */
  readonly request?: Partial<NodeRequest>;
}

export interface ConformanceOptions {
  readonly test: typeof test;
  readonly name: string;
  /** The same for all tests; every test uses clusters of its own. */
  readonly open: () => Promise<Opened>;
}

const signal = AbortSignal.timeout(600_000);

export function providerConformance({ test: it, name, open }: ConformanceOptions): void {
  let number = 0;
  /** A cluster that no other test has; the names of all begin alike. */
  const cluster = (suffix = ''): ClusterIdentity => {
    number += 1;
    return { name: `c${suffix}`, uid: `${process.pid}${suffix}-${number}-${name}` };
  };
  const request = (of: ClusterIdentity, index: number, opened: Opened): NodeRequest => ({
    name: `${of.name}-${of.uid}-${index}`.slice(0, 63),
    machineUID: `machine-${of.uid}-${index}`,
    pool: index === 1 ? 'first' : 'rest',
    role: index === 1 ? 'controller' : 'controller+worker',
    ...opened.request,
  });
  const make = async (
    of: ClusterIdentity,
    count: number,
    opened: Opened,
  ): Promise<readonly NodeRequest[]> => {
    const nodes = Array.from({ length: count }, (_, index) => request(of, index + 1, opened));
    throwFailures('create', await opened.provider.createNodes(of, nodes, signal));
    return nodes;
  };
  const outcomes = (results: readonly NodeResult[]): readonly string[] =>
    results.filter(({ kind }) => kind === 'node').map(({ outcome }) => outcome);

  it(`${name}: nodes are made, listed with what they are, and deleted`, async () => {
    const opened = await open();
    const { provider } = opened;
    const own = cluster();
    assert.equal(await provider.getClusterStatus(own, signal), null);
    await assert.rejects(requireClusterStatus(provider, own, signal), ClusterNotFound);
    assert.equal(await provider.nodesExist(own, signal), false);
    const expected = provider.capabilities.includes('power') ? NoNodes : NotSupported;
    await assert.rejects(provider.startNodes(own, signal), expected);
    await assert.rejects(provider.stopNodes(own, signal), expected);
    const nodes = await make(own, 2, opened);
    const listed = await provider.listNodes(own, signal);
    assert.deepEqual(
      listed.map(({ name: node, role, pool, machineUID, clusterUID, isOwned, state }) => ({
        node,
        role,
        pool,
        machineUID,
        clusterUID,
        isOwned,
        state,
      })),
      nodes.map(({ name: node, role, pool, machineUID }) => ({
        node,
        role,
        pool,
        machineUID,
        clusterUID: own.uid,
        isOwned: true,
        state: provider.readyState,
      })),
    );
    const status = await requireClusterStatus(provider, own, signal);
    assert.deepEqual(
      [status.phase, status.nodesReady, status.nodesTotal],
      [provider.readyState, 2, 2],
    );
    assert.ok((await provider.listAllClusters(signal)).includes(own.name));
    throwFailures('delete', await provider.deleteNodes(own, signal));
    assert.deepEqual(await provider.listNodes(own, signal), []);
    throwFailures('delete again', await provider.deleteNodes(own, signal));
  });

  it(`${name}: who made nodes and forgot finds them again, and makes none twice [ksail-082]`, async () => {
    const opened = await open();
    const own = cluster();
    const nodes = await make(own, 2, opened);
    const provider = await opened.reopen();
    assert.deepEqual(outcomes(await provider.createNodes(own, nodes, signal)), [
      'skipped',
      'skipped',
    ]);
    const both = await Promise.all(
      [1, 2].map(() => provider.createNodes(own, [request(own, 3, opened)], signal)),
    );
    for (const results of both) throwFailures('create at once', results);
    assert.equal((await provider.listNodes(own, signal)).length, 3);
    throwFailures('delete', await provider.deleteNodes(own, signal));
  });

  it(`${name}: a start brings back exactly what ran before the stop`, async () => {
    const opened = await open();
    const { provider } = opened;
    if (!provider.capabilities.includes('power')) return;
    const own = cluster();
    const [, second] = await make(own, 3, opened);
    assert.ok(second);
    assert.deepEqual(outcomes(await provider.startNodes(own, signal)), [
      'skipped',
      'skipped',
      'skipped',
    ]);
    assert.deepEqual(outcomes(await provider.stopNodes(own, signal, { nodes: [second.name] })), [
      'done',
    ]);
    assert.equal((await provider.getClusterStatus(own, signal))?.phase, 'degraded');
    let kept: PowerSnapshot | undefined;
    const store = {
      read: () => Promise.resolve(kept),
      save: (snapshot: PowerSnapshot) => Promise.resolve(void (kept = snapshot)),
      clear: () => Promise.resolve(void (kept = undefined)),
    };
    await stopCluster(provider, own, store, signal);
    assert.equal((await provider.getClusterStatus(own, signal))?.phase, 'stopped');
    await startCluster(await opened.reopen(), own, store, signal);
    const running = (await provider.listNodes(own, signal)).filter(
      ({ state }) => state === provider.readyState,
    );
    assert.equal(running.length, 2);
    assert.ok(running.every((node) => node.name !== second.name));
    throwFailures('delete', await provider.deleteNodes(own, signal));
  });

  it(`${name}: a name that begins with another’s is another [ksail-079] [ksail-080]`, async () => {
    const opened = await open();
    const { provider } = opened;
    const [dev, dev2, role] = [cluster(), cluster('-2'), cluster('-worker-1')];
    for (const own of [dev, dev2, role]) await make(own, 1, opened);
    const names = await provider.listAllClusters(signal);
    for (const own of [dev, dev2, role]) assert.ok(names.includes(own.name));
    throwFailures('delete', await provider.deleteNodes(dev, signal));
    assert.equal((await provider.getClusterStatus(dev2, signal))?.phase, provider.readyState);
    assert.equal((await provider.getClusterStatus(role, signal))?.phase, provider.readyState);
    for (const own of [dev2, role])
      throwFailures('delete', await provider.deleteNodes(own, signal));
  });

  it(`${name}: nothing without all of our labels is listed, taken over or deleted`, async () => {
    const opened = await open();
    const { provider } = opened;
    const own = cluster();
    const wanted = request(own, 1, opened);
    const { [labelSchemeOf('windlass').key]: _gone, ...partial } = nodeLabels(own, wanted);
    await opened.plant(wanted.name, partial);
    assert.deepEqual(await provider.listNodes(own, signal), []);
    const [result] = await provider.createNodes(own, [wanted], signal);
    assert.ok(result?.error instanceof NotOwned, String(result?.error));
    throwFailures('delete', await provider.deleteNodes(own, signal));
    assert.equal(await opened.isThere(wanted.name), true);
  });

  it(`${name}: a call that is aborted says so`, async () => {
    const { provider } = await open();
    const reason = new Error('enough');
    await assert.rejects(provider.listAllNodes(AbortSignal.abort(reason)), reason);
  });
}
