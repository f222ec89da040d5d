import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requiredNode, tolerates } from './pod-placement.ts';

type Term = {
  readonly matchFields?: readonly { key: string; operator: string; values?: string[] }[];
};
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

test('tolerates() compares key, value and effect', () => {
  const table: readonly [Parameters<typeof tolerates>[0], boolean][] = [
    [undefined, false],
    [[{ key: 'gpu', value: 'yes' }], true],
    [[{ key: 'gpu', value: 'no' }], false],
    [[{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }], false],
    [[{ key: 'gpu', operator: 'Exists' }], true],
    [[{ operator: 'Exists' }], true],
    [[{ key: 'other', operator: 'Exists' }], false],
  ];
  for (const [tolerations, expected] of table) {
    assert.equal(tolerates(tolerations, gpu), expected, JSON.stringify(tolerations));
  }
});

test('requiredNode() is the one node that the affinity leaves, and no guess', () => {
  const pinned = (...values: readonly string[]) => ({
    matchFields: [{ key: 'metadata.name', operator: 'In', values: [...values] }],
  });
  const of = (...nodeSelectorTerms: readonly Term[]) =>
    requiredNode({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
      },
    });
  assert.equal(of(pinned('a')), 'a');
  // Whatever labels it wants beside.
  const both = { ...pinned('a'), matchExpressions: [{ key: 'gpu', operator: 'Exists' }] };
  assert.equal(of(both), 'a');
  assert.equal(of(pinned('a', 'b')), undefined);
  assert.equal(of(pinned('a'), pinned('b')), undefined);
  assert.equal(
    of({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['a'] }] }),
    undefined,
  );
  assert.equal(requiredNode({}), undefined);
});
