import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeFacts, refusal } from './node-fit.ts';
import type { NodeFacts, PlacementRules } from './node-fit.ts';

function node(change: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name: 'a',
    labels: {},
    ready: true,
    unschedulable: false,
    taints: [],
    resizable: true,
    ...change,
  };
}

type Requirement = { readonly key: string; readonly operator: string; readonly values?: string[] };

function requiring(...terms: readonly (readonly Requirement[])[]): PlacementRules {
  const nodeSelectorTerms = terms.map((matchExpressions) => ({
    matchExpressions: [...matchExpressions],
  }));
  return {
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
  };
}

const AFFINITY = 'does not match the required node affinity';
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

const cases: readonly {
  readonly name: string;
  readonly rules?: PlacementRules;
  readonly node?: Partial<NodeFacts>;
  readonly expected: string | undefined;
}[] = [
  { name: 'takes a Pod that asks for nothing', expected: undefined },
  { name: 'a node that is not ready', node: { ready: false }, expected: 'is not ready' },
  {
    name: 'a cordoned node',
    node: { unschedulable: true },
    expected: 'is cordoned (unschedulable)',
  },
  {
    name: 'a cordoned node, tolerated',
    node: { unschedulable: true },
    rules: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
    expected: undefined,
  },
  {
    name: 'a taint',
    node: { taints: [gpu] },
    expected: 'has the taint gpu=yes:NoSchedule that is not tolerated',
  },
  {
    name: 'a taint without value',
    node: { taints: [{ key: 'gpu', effect: 'NoExecute' }] },
    expected: 'has the taint gpu:NoExecute that is not tolerated',
  },
  {
    name: 'a taint that only prefers',
    node: { taints: [{ ...gpu, effect: 'PreferNoSchedule' }] },
    expected: undefined,
  },
  {
    name: 'a label that is missing',
    rules: { nodeSelector: { disk: 'fast' } },
    expected: 'lacks the label disk=fast of the node selector',
  },
  {
    name: 'a label that is there',
    rules: { nodeSelector: { disk: 'fast' } },
    node: { labels: { disk: 'fast' } },
    expected: undefined,
  },
  { name: 'no term', rules: requiring(), expected: AFFINITY },
  { name: 'an empty term', rules: requiring([]), expected: AFFINITY },
  {
    name: 'one of several terms',
    rules: requiring([{ key: 'x', operator: 'Exists' }], [{ key: 'x', operator: 'DoesNotExist' }]),
    expected: undefined,
  },
  {
    name: 'all requirements of a term',
    rules: requiring([
      { key: 'zone', operator: 'In', values: ['a', 'b'] },
      { key: 'cores', operator: 'Gt', values: ['9'] },
    ]),
    node: { labels: { zone: 'b', cores: '16' } },
    expected: undefined,
  },
  {
    name: 'NotIn, when the label is missing',
    rules: requiring([{ key: 'zone', operator: 'NotIn', values: ['a'] }]),
    expected: undefined,
  },
  {
    name: 'Lt, when the label is missing',
    rules: requiring([{ key: 'cores', operator: 'Lt', values: ['9'] }]),
    expected: AFFINITY,
  },
  {
    name: 'Gt, when the label is no number',
    rules: requiring([{ key: 'cores', operator: 'Gt', values: ['1'] }]),
    node: { labels: { cores: 'many' } },
    expected: AFFINITY,
  },
  {
    name: 'an unknown operator',
    rules: requiring([{ key: 'cores', operator: 'Near' }]),
    expected: AFFINITY,
  },
];

for (const { name, rules = {}, node: change = {}, expected } of cases) {
  test(`refusal() judges ${name}`, () => {
    assert.equal(refusal(rules, node(change)), expected);
  });
}

test('refusal() finds the one node that metadata.name asks for', () => {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['a'] }];
  const rules = {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
  };
  assert.equal(refusal(rules, node()), undefined);
  assert.equal(refusal(rules, node({ name: 'b' })), AFFINITY);
});

test('nodeFacts() takes a node that is going, or says nothing, for not ready', () => {
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  assert.equal(nodeFacts({ metadata: { name: 'a' }, status }).ready, true);
  assert.equal(nodeFacts({ metadata: { name: 'a' } }).ready, false);
  const going = { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' };
  assert.equal(nodeFacts({ metadata: going, status }).ready, false);
});
