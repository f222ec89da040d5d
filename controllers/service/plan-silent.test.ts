// A node that does not answer for a moment: nothing is replaced for it, and no rollout fails for it before its deadline.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeFacts } from '../machinery/node-fit.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { instanceOf } from './instance.ts';
import type { Instance, Pod } from './instance.ts';
import { brief, input, node, NOW, revision, settings } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { PlanInput } from './plan-types.ts';

const HOUR = 3_600_000;
const SILENT = node('n2', {
  ready: false,
  taints: [
    { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
  ],
});
const nodes = [node('n1'), SILENT];
const probe = { readinessProbe: { exec: { command: ['true'] } } };

interface PodChange {
  readonly node?: string;
  readonly revision?: string;
  readonly replaces?: string;
  /** Of the Ready condition. */
  readonly ready?: readonly ['True' | 'False', reason: string, since: number];
  readonly probed?: boolean;
}

function pod(name: string, change: PodChange = {}): Pod {
  const { ready: [status, reason, since] = ['True', '', NOW - HOUR] as const } = change;
  const annotations =
    change.replaces === undefined ? {} : { 'windlass.dev/replaces': change.replaces };
  // client-node types times as Date; on the wire they are text.
  const lastTransitionTime = timestamp(since) as unknown as Date;
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: timestamp(NOW - HOUR),
      labels: { 'windlass.dev/revision': change.revision ?? 'v1' },
      annotations,
    },
    spec: {
      nodeName: change.node ?? 'n1',
      containers: [{ name: 'c', ...(change.probed === false ? {} : probe) }],
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status, reason, lastTransitionTime }],
    },
  };
}

function read(pods: readonly Pod[], of: readonly NodeFacts[] = nodes): readonly Instance[] {
  return pods.map((one) => instanceOf(one, new Map(of.map((facts) => [facts.name, facts]))));
}

const toV2 = { target: revision('v2'), current: revision('v1') };
const plan = (change: Partial<PlanInput>): ReturnType<typeof planService> =>
  planService(input({ nodes, ...change }));

for (const { title, ready } of [
  { title: 'before anybody noted it', ready: ['True', '', NOW - HOUR] },
  { title: 'once it is noted', ready: ['False', 'NodeNotReady', NOW - HOUR / 2] },
] as const) {
  test(`a silent node is no reason to replace what is there, ${title}`, () => {
    const instances = read([pod('a'), pod('b', { node: 'n2', ready }), pod('c')]);
    const { operations, failure, available, complete } = plan({ instances });
    assert.deepEqual(operations.map(brief), ['run n2 wait'], 'it is waited for');
    assert.deepEqual([failure, available, complete], [undefined, 2, false]);
  });
}

for (const { title, ready, fails } of [
  { title: 'before anybody noted it', ready: ['True', '', NOW - HOUR], fails: false },
  { title: 'for a moment', ready: ['False', 'NodeNotReady', NOW - 59_000], fails: false },
  { title: 'for the deadline', ready: ['False', 'NodeNotReady', NOW - 60_000], fails: true },
] as const) {
  test(`a rollout with an instance on a node that is silent ${title} ${fails ? 'fails' : 'waits'}`, () => {
    const instances = read([
      pod('x', { node: 'n2', revision: 'v2', replaces: 'uid-a', ready }),
      pod('b'),
      pod('c'),
    ]);
    const { operations, failure, wakeInMs } = plan({ ...toV2, instances });
    assert.deepEqual(
      operations.filter(({ step }) => step !== 'wait').map(brief),
      [],
      'nothing else goes while one is not there',
    );
    assert.equal(failure?.message, fails ? 'x: its node n2 is not ready' : undefined);
    if (!fails) assert.ok(wakeInMs !== undefined && wakeInMs > 0);
  });
}

test('an instance that is ready again when its node is back has its monitor period before it', () => {
  const back = pod('x', { revision: 'v2', ready: ['True', '', NOW - 1_000], probed: false });
  const instances = read([back, pod('b'), pod('c')]);
  const { failure, wakeInMs, operations } = plan({ ...toV2, nodes: [node('n1')], instances });
  assert.equal(failure, undefined);
  // What was written as this second may have happened at its end.
  assert.equal(wakeInMs, 4_999);
  assert.deepEqual(
    operations.filter(({ step }) => step !== 'wait'),
    [],
  );
});

test('what was never ready fails at its own deadline, silent node or not', () => {
  const ready = ['False', 'ContainersNotReady', NOW - HOUR] as const;
  const never = pod('x', { node: 'n2', revision: 'v2', ready });
  const { failure } = plan({ ...toV2, instances: read([never, pod('b'), pod('c')]) });
  assert.equal(failure?.message, 'x: its node n2 is not ready');
});

const kept = revision('v1', {
  data: {
    template: {
      spec: {
        containers: [{ name: 'c', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      },
    },
    volumes: [{ name: 'data' }],
  },
});
const one = { settings: settings({ replicas: 1 }), target: kept, current: kept };

test('a volume whose claim went with its node is made anew elsewhere, and the instance follows', () => {
  const instances = read([pod('a', { node: 'n3' })]);
  const claim = { name: 'data', claimName: 'data', where: { node: 'n3' }, driver: undefined };
  const held = plan({ ...one, instances, claims: [claim], nodes: [node('n1')] });
  assert.deepEqual(held.operations.map(brief), ['run - wait', 'remove a delete']);
  assert.match(held.placementProblem, /\(data is on n3\)/);

  const freed = plan({ ...one, instances, claims: [], nodes: [node('n1')] });
  assert.deepEqual(freed.operations.map(brief), [
    'createVolume data n1',
    'run n1 create',
    'remove a delete',
  ]);
});

test('a volume on a node that is only silent stays there, with its instance', () => {
  const claim = { name: 'data', claimName: 'data', where: { node: 'n2' }, driver: undefined };
  const ready = ['False', 'NodeNotReady', NOW - HOUR] as const;
  const instances = read([pod('a', { node: 'n2', ready })]);
  const { operations } = plan({ ...one, instances, claims: [claim] });
  assert.deepEqual(operations.map(brief), ['run n2 wait'], 'it is waited for');
});
