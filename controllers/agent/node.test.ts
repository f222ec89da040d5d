import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { RequestError } from '../machinery/request-error.ts';
import { FakeServer, START, turns } from './agent-fixture.ts';
import { keepNodeAlive, leaveNode, registerNode } from './node.ts';
import type { NodeOptions } from './node.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly lastTransitionTime: string;
}

const never = new AbortController().signal;

function fixture(): { server: FakeServer; clock: FakeClock; options: NodeOptions } {
  const server = new FakeServer();
  const clock = new FakeClock();
  clock.advance(START);
  const options: NodeOptions = {
    client: server,
    clock,
    logger: silentLogger,
    nodeName: 'node',
    hostIP: '10.0.0.1',
    runtimeVersion: 'fake://1',
    windlassVersion: '0.1.0',
    machineID: 'machine',
    bootID: 'boot',
  };
  return { server, clock, options };
}

interface Status {
  readonly conditions: readonly Condition[];
  readonly nodeInfo: Readonly<Record<string, string>>;
}

function lastStatus(server: FakeServer): Status {
  const last = server.written.findLast(({ path }) => path === 'nodes/node/status');
  assert.ok(last !== undefined);
  return last.body['status'] as Status;
}

function ready(server: FakeServer): Condition | undefined {
  const node = server.objects.get('nodes/node') as { status?: { conditions?: Condition[] } };
  return node.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Patches of the Lease so far. */
function renewals(server: FakeServer): number {
  return server.written.filter(({ path }) => path === 'leases/node').length;
}

test('registerNode() makes the Node, its Lease and its status', async () => {
  const { server, options } = fixture();
  await registerNode(options, never);
  assert.deepEqual(
    server.written.map(({ path }) => path),
    ['nodes/node', 'leases/node', 'nodes/node/status'],
  );
  const { nodeInfo } = lastStatus(server);
  assert.equal(nodeInfo['bootID'], 'boot');
  assert.equal(nodeInfo['machineID'], 'machine');
  assert.equal(ready(server)?.status, 'True');
});

test('registerNode() of a known Node touches its labels only, and keeps what others put there', async () => {
  const { server, options } = fixture();
  const foreign: Condition = {
    type: 'example.com/Disk',
    status: 'True',
    reason: '',
    lastTransitionTime: 'then',
  };
  const known = {
    metadata: { name: 'node', uid: 'n', resourceVersion: '1', creationTimestamp: '' },
    spec: { unschedulable: true },
    status: { conditions: [foreign] },
  };
  server.put('nodes', known);
  server.create = () => Promise.reject(new RequestError(409, 'AlreadyExists', 'it exists'));
  server.put('leases', {
    metadata: { name: 'node', uid: 'l', resourceVersion: '1', creationTimestamp: '' },
  });
  await registerNode(options, never);
  assert.deepEqual(
    server.written.map(({ path, body }) => [path, ...Object.keys(body)]),
    [
      ['nodes/node', 'metadata'],
      ['leases/node', 'spec'],
      ['nodes/node/status', 'status'],
    ],
  );
  const { conditions } = lastStatus(server);
  assert.deepEqual(conditions[0], foreign);
});

test('leaveNode() says that the Node is not ready, and the next start that it is again', async () => {
  const { server, clock, options } = fixture();
  await registerNode(options, never);
  clock.advance(60_000);
  await leaveNode(options, never);
  const left = ready(server);
  assert.deepEqual(
    [left?.status, left?.reason, left?.lastTransitionTime],
    ['False', 'AgentStopped', '2026-01-01T00:01:00Z'],
  );
  clock.advance(60_000);
  server.create = () => Promise.reject(new RequestError(409, 'AlreadyExists', 'it exists'));
  await registerNode(options, never);
  assert.deepEqual(
    [ready(server)?.status, ready(server)?.lastTransitionTime],
    ['True', '2026-01-01T00:02:00Z'],
  );
});

test('keepNodeAlive() renews the Lease every ten seconds and the status every five minutes', async () => {
  const { server, clock, options } = fixture();
  await registerNode(options, never);
  const before = renewals(server);
  const life = new AbortController();
  const kept = keepNodeAlive(options, life.signal);
  for (let beat = 1; beat <= 30; beat += 1) {
    clock.advance(10_000);
    await turns();
    assert.equal(renewals(server) - before, beat);
  }
  assert.equal(server.written.filter(({ path }) => path === 'nodes/node/status').length, 2);
  life.abort(new Error('the end'));
  await kept;
  assert.equal(clock.pending, 0);
});

test('keepNodeAlive() tries again every second while the server is away, and registers a Node that was deleted', async () => {
  const { server, clock, options } = fixture();
  await registerNode(options, never);
  const patch = server.patch.bind(server);
  let attempts = 0;
  server.patch = () => {
    attempts += 1;
    return Promise.reject(new Error('away'));
  };
  const life = new AbortController();
  const kept = keepNodeAlive(options, life.signal);
  for (const seconds of [10, 1, 1]) {
    clock.advance(seconds * 1_000);
    await turns();
  }
  assert.equal(attempts, 3);
  server.patch = patch;
  server.objects.clear();
  clock.advance(1_000);
  await turns();
  assert.ok(server.objects.has('leases/node'));
  life.abort(new Error('the end'));
  await kept;
});
