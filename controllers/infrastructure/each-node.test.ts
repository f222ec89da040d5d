import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { eachNode, throwFailures } from './each-node.ts';
import { NodesFailed, NodeTimeout, SkipAction } from './errors.ts';
import { clusterOf, never, request, simulated } from './infrastructure-fixture.ts';

const ten = Array.from({ length: 10 }, (_, index) => ({ name: `node-${index + 1}` }));

test('one slow node does not use up the others’ time: a deadline each, a cap, a result per node [ksail-083]', async () => {
  const clock = new FakeClock();
  const { promise: forever } = Promise.withResolvers<void>();
  const started: string[] = [];
  let atOnce = 0;
  let most = 0;
  const running = eachNode(
    ten,
    { limits: { parallel: 3, nodeTimeoutMs: 30_000 }, clock, signal: never },
    async ({ name }) => {
      started.push(name);
      atOnce += 1;
      most = Math.max(most, atOnce);
      if (name === 'node-1') await forever;
      await turn();
      atOnce -= 1;
    },
  );
  while (started.length < 10) await turn();
  await turn();
  await turn();
  assert.ok(most <= 3, `${most} at once`);
  clock.advance(29_999);
  await turn();
  clock.advance(1);
  const results = await running;
  assert.deepEqual(
    results.map(({ name }) => name),
    ten.map(({ name }) => name),
  );
  assert.ok(results[0]?.error instanceof NodeTimeout);
  assert.match(results[0].error.message, /node-1: not done within 30 s/);
  assert.ok(results.slice(1).every(({ outcome }) => outcome === 'done'));
  assert.equal(clock.pending, 0);
});

test('an action that skips goes on without waiting, one that fails hides no other', async () => {
  const clock = new FakeClock();
  const results = await eachNode(
    ten.slice(0, 3),
    { limits: { parallel: 1, nodeTimeoutMs: 1_000 }, clock, signal: never },
    async ({ name }) => {
      await Promise.resolve();
      if (name === 'node-1') throw new SkipAction();
      if (name === 'node-2') throw new Error('broken');
    },
  );
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['skipped', 'failed', 'done'],
  );
  assert.equal(clock.now(), 0);
  assert.throws(
    () => throwFailures('start', results),
    (error: unknown) => {
      assert.ok(error instanceof NodesFailed);
      assert.equal(error.message, 'start: 1 of 3 failed: node node-2: broken');
      return true;
    },
  );
});

test('a cancelled call ends with the caller’s reason, and tells what was under way', async () => {
  const caller = new AbortController();
  const told: unknown[] = [];
  const running = eachNode(
    ten,
    {
      limits: { parallel: 2, nodeTimeoutMs: 1_000 },
      clock: new FakeClock(),
      signal: caller.signal,
    },
    (_node, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          told.push(signal.reason);
          reject(signal.reason as Error);
        });
      }),
  );
  const reason = new Error('enough');
  caller.abort(reason);
  await assert.rejects(running, reason);
  assert.deepEqual(told, [reason, reason]);
});

test('a start that fails at one of three is degraded, names it, and goes on with that one only [ksail-084]', async () => {
  const { provider, world } = simulated();
  const cluster = clusterOf('dev');
  await provider.createNodes(
    cluster,
    [1, 2, 3].map((number) => request('dev', number)),
    never,
  );
  await provider.stopNodes(cluster, never);
  world.fault = (action, name) =>
    action === 'start' && name === 'dev-2' ? new Error('no capacity') : undefined;
  const results = await provider.startNodes(cluster, never);
  assert.deepEqual(
    results.map(({ name, outcome }) => `${name} ${outcome}`),
    ['dev-1 done', 'dev-2 failed', 'dev-3 done'],
  );
  const status = await provider.getClusterStatus(cluster, never);
  assert.deepEqual([status?.phase, status?.nodesReady, status?.nodesTotal], ['degraded', 2, 3]);
  assert.throws(() => throwFailures('start', results), /node dev-2: no capacity/);
  world.fault = () => undefined;
  world.actions.length = 0;
  await provider.startNodes(cluster, never);
  assert.deepEqual(world.actions, ['start dev-2']);
  assert.equal((await provider.getClusterStatus(cluster, never))?.phase, 'running');
});
