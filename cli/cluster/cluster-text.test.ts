import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { alignRows } from '../output.ts';
import { clusterRows, endOf, planText, treeLines } from './cluster-text.ts';

function cluster(status: Cluster['status']): Cluster {
  const metadata = {
    name: 'own',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    generation: 2,
    creationTimestamp: '',
  };
  return { metadata, spec: { version: '1.2.0' }, ...(status && { status }) };
}

function machine(name: string, status: Machine['status']): Machine {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '' };
  return { metadata, spec: { role: 'worker' }, ...(status && { status }) };
}

test('a tree says of each machine what is done to it, or what it waits for', () => {
  const lines = treeLines(
    cluster({
      phase: 'degraded',
      nodesReady: 2,
      nodesTotal: 3,
      version: '1.2.0',
      rollout: {
        revision: 'r',
        total: 3,
        updated: 1,
        begun: [],
        underWay: [],
        failed: [{ machine: 'c', target: 't', reason: 'DrainTimeout', message: 'full' }],
      },
      plan: [
        {
          machine: 'b',
          action: 'update',
          reason: 'version 1.1.0 → 1.2.0',
          disruption: 'restart',
          target: 't',
        },
      ],
    }),
    [
      machine('a', {
        phase: 'Joining',
        steps: [
          { name: 'Drain', state: 'Done' },
          { name: 'Start', state: 'Running' },
        ],
      }),
      machine('b', { phase: 'Ready', runningVersion: '1.1.0' }),
      machine('c', { phase: 'Ready' }),
    ],
  );
  assert.deepEqual(
    lines.map(([, text]) => text),
    [
      'own  Windlass 1.2.0  degraded, 2 of 3 ready, 1 of 3 up to date',
      '├─ a  worker  Joining  Start …',
      '├─ b  worker  Ready  1.1.0  update: version 1.1.0 → 1.2.0',
      '└─ c  worker  Ready  DrainTimeout: full',
    ],
  );
});

test('a tree says why a machine does not go, or has not begun', () => {
  const going = machine('a', {
    phase: 'Failed',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'RemovalFailed',
        message: 'no route',
        lastTransitionTime: '',
      },
    ],
  });
  const lacking = (type: string, reason: string): string | undefined => {
    const found = {
      type,
      status: 'False',
      reason,
      message: 'no route',
      lastTransitionTime: '',
    } as const;
    return treeLines(cluster({}), [machine('a', { conditions: [found] })]).at(-1)?.[1];
  };
  assert.equal(lacking('Reachable', 'Unreachable'), '└─ a  worker  Pending  no route');
  assert.equal(lacking('UpToDate', 'Waiting'), '└─ a  worker  Pending  no route');
  assert.equal(lacking('UpToDate', 'Outdated'), '└─ a  worker  Pending');
  const deleted = { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  const lines = treeLines(cluster({}), [{ ...going, metadata: deleted }]);
  assert.equal(lines.at(-1)?.[1], '└─ a  worker  Deleting  RemovalFailed: no route');
});

test('a plan is numbered, and says how to approve it', () => {
  assert.equal(planText([], ''), 'Nothing to do.\n');
  assert.equal(
    planText(
      [{ machine: 'a', action: 'create', reason: 'new', disruption: 'none', target: 't' }],
      'h',
    ),
    '1.  + create  a    new\n\n1 changes, plan h\n',
  );
});

test('a table is as wide as what is in it', () => {
  assert.equal(
    alignRows(clusterRows([cluster(undefined)], true), '  '),
    'NAMESPACE  NAME  DISTRIBUTION  VERSION  PHASE    READY  ENDPOINT\ndefault    own   Windlass      1.2.0    Pending  0/0    -\n',
  );
});

test('following ends when the cluster is there, or will not get there by itself', () => {
  const at = (type: string, status: 'True' | 'False', reason: string): Cluster =>
    cluster({
      observedGeneration: 2,
      phase: 'running',
      plan: [],
      conditions: [{ type, status, reason, message: 'm', lastTransitionTime: '' }],
    });
  assert.deepEqual(endOf(at('Ready', 'True', 'Ready'), 'Ready'), { done: true, message: 'm' });
  assert.deepEqual(endOf(at('RolloutHalted', 'True', 'DrainTimeout'), 'Ready'), {
    done: false,
    message: 'DrainTimeout: m',
  });
  assert.deepEqual(endOf(at('PlanReady', 'False', 'Downgrade'), 'Ready'), {
    done: false,
    message: 'Downgrade: m',
  });
  assert.deepEqual(endOf(at('PlanReady', 'True', 'AwaitingApproval'), 'Ready'), {
    done: false,
    message: 'AwaitingApproval: m',
  });
  assert.deepEqual(endOf(at('Progressing', 'False', 'Paused'), 'Ready'), {
    done: false,
    message: 'Paused: m',
  });
  assert.equal(endOf(at('Progressing', 'True', 'Progressing'), 'Ready'), undefined);
  assert.equal(endOf(cluster({ observedGeneration: 1 }), 'Ready'), undefined);
  assert.equal(endOf(at('Ready', 'False', 'Stopped'), 'Stopped'), undefined);
  assert.equal(
    endOf(cluster({ observedGeneration: 2, phase: 'stopped', plan: [] }), 'Stopped')?.done,
    true,
  );
});
