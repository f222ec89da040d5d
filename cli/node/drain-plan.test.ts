import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#controllers/service/instance.ts';
import type { Service } from '#controllers/service/types.ts';
import { formatDrain, planDrain } from './drain-plan.ts';
import type { DrainRules } from './drain-plan.ts';
import type { NodeContent } from './node-content.ts';
import type { Node } from './node-object.ts';

const meta = (name: string, more: object = {}): Pod['metadata'] => ({
  name,
  namespace: 'default',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

function service(name: string, spec: object = {}): Service {
  const template = { spec: { containers: [{ name: 'c', image: 'i' }] } };
  return { metadata: meta(name), spec: { replicas: 2, template, ...spec } };
}

interface PodChange {
  readonly owner?: string;
  readonly node?: string;
  readonly spec?: object;
  readonly phase?: string;
  readonly metadata?: object;
}

function pod(
  name: string,
  { owner, node = 'n1', spec, phase = 'Running', metadata }: PodChange = {},
): Pod {
  const [kind, ofName = ''] = owner?.includes('/') === true ? owner.split('/') : ['Service', owner];
  const reference = { apiVersion: 'v1', kind, name: ofName, uid: ofName, controller: true };
  return {
    metadata: meta(name, {
      ...(owner === undefined ? {} : { ownerReferences: [reference] }),
      ...metadata,
    }),
    spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }], ...spec },
    status: { phase, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function node(name: string, spec: object = {}): Node {
  return {
    metadata: meta(name),
    spec,
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

const RULES: DrainRules = {
  force: false,
  deleteEmptyDirData: false,
  ignoreGlobal: false,
  ignoreVolumes: false,
};

function content(pods: readonly Pod[], change: Partial<NodeContent> = {}): NodeContent {
  return {
    pods,
    nodes: [node('n1', { unschedulable: true }), node('n2')],
    others: [pod('web-2', { owner: 'web', node: 'n2' })],
    services: [service('web'), service('solo'), service('agents', { mode: 'Global' })],
    claims: [{ metadata: meta('data') }],
    ...change,
  };
}

const EMPTY_DIR = { volumes: [{ name: 'v', emptyDir: {} }] };
const CLAIM = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] };

const TABLE: readonly (readonly [string, Pod, Partial<DrainRules>, string, RegExp])[] = [
  [
    'one of several',
    pod('a', { owner: 'web' }),
    {},
    'evict',
    /^moves: 1 of the 1 other instances of web/,
  ],
  ['the only one', pod('a', { owner: 'solo' }), {}, 'evict', /away until it is ready elsewhere/],
  ['bare', pod('a'), {}, 'refuse', /pass --force/],
  ['bare, forced', pod('a'), { force: true }, 'evict', /gone for good/],
  ['bare and over', pod('a', { phase: 'Succeeded' }), {}, 'evict', /has ended/],
  ['going', pod('a', { metadata: { deletionTimestamp: 'x' } }), {}, 'wait', /stopping already/],
  ['emptyDir', pod('a', { owner: 'web', spec: EMPTY_DIR }), {}, 'refuse', /--delete-emptydir-data/],
  [
    'emptyDir, agreed',
    pod('a', { owner: 'web', spec: EMPTY_DIR }),
    { deleteEmptyDirData: true },
    'evict',
    /^moves/,
  ],
  [
    'a volume',
    pod('a', { owner: 'web', spec: CLAIM }),
    {},
    'evict',
    /^cannot move: the data of its volume data is here/,
  ],
  [
    'a volume, left',
    pod('a', { owner: 'web', spec: CLAIM }),
    { ignoreVolumes: true },
    'leave',
    /volume data is here/,
  ],
  ['Global', pod('a', { owner: 'agents' }), {}, 'evict', /comes back with the node/],
  [
    'Global, left',
    pod('a', { owner: 'agents' }),
    { ignoreGlobal: true },
    'leave',
    /agents is Global/,
  ],
  ['DaemonSet', pod('a', { owner: 'DaemonSet/d' }), {}, 'refuse', /--ignore-global/],
  [
    'DaemonSet, left',
    pod('a', { owner: 'DaemonSet/d' }),
    { ignoreGlobal: true },
    'leave',
    /DaemonSet/,
  ],
  [
    'another controller',
    pod('a', { owner: 'ReplicaSet/r' }),
    {},
    'evict',
    /ReplicaSet r makes it again/,
  ],
  [
    'of the node itself',
    pod('a', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }),
    {},
    'leave',
    /the node itself/,
  ],
];

for (const [what, one, rules, action, note] of TABLE) {
  test(`a Pod that is ${what}: ${action}`, () => {
    const [step] = planDrain('n1', content([one]), { ...RULES, ...rules });
    assert.equal(step?.action, action);
    assert.match(step.note, note);
  });
}

test('what cannot move says which node refuses it, and why', () => {
  const cordoned = { nodes: [node('n1'), node('n2', { unschedulable: true })] };
  const [step] = planDrain('n1', content([pod('a', { owner: 'web' })], cordoned), RULES);
  assert.equal(step?.stuck, true);
  assert.equal(step.note, 'cannot move: no other node takes it: n2 is cordoned (unschedulable)');
  const alone = { nodes: [node('n1')] };
  const [only] = planDrain('n1', content([pod('a', { owner: 'web' })], alone), RULES);
  assert.equal(only?.note, 'cannot move: there is no other node');
  const services = [service('web', { placement: { nodes: ['n1'] } })];
  const [placed] = planDrain('n1', content([pod('a', { owner: 'web' })], { services }), RULES);
  assert.match(placed?.note ?? '', /n2 is not in its placement/);
});

test('formatDrain() groups them by what becomes of them', () => {
  const pods = [pod('a', { owner: 'web' }), pod('bare'), pod('db', { owner: 'web', spec: CLAIM })];
  const text = formatDrain('n1', planDrain('n1', content(pods), RULES));
  assert.deepEqual(
    text.split('\n').map((line) => line.trim().split('  ')[0]),
    [
      'moves or ends:',
      'default/a',
      'cannot move:',
      'default/db',
      'stands in the way:',
      'default/bare',
      '',
    ],
  );
  assert.equal(formatDrain('n1', []), 'n1 runs nothing\n');
});
