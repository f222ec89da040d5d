import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentConditions } from './conditions.ts';
import type { Remainder } from './conditions.ts';

const NOTHING: Remainder = {
  objects: new Map(),
  finalizers: new Map(),
  deletionFailures: [],
  discoveryFailures: [],
};

function brief(change: Partial<Remainder>): readonly string[] {
  return contentConditions({ ...NOTHING, ...change })
    .filter(({ status }) => status === 'True')
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

test('contentConditions() says what is left, in order of name', () => {
  assert.deepEqual(
    brief({
      objects: new Map([
        ['secrets', 1],
        ['pods', 2],
      ]),
      finalizers: new Map([['example.org/hold', 2]]),
    }),
    [
      'NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: pods has 2 resource instances, secrets has 1 resource instances',
      'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.org/hold in 2 resource instances',
    ],
  );
});

test('contentConditions() says what could not be deleted or found', () => {
  const [discovery, deletion] = brief({
    deletionFailures: ['a: no'],
    discoveryFailures: ['b: no'],
  });
  assert.match(discovery ?? '', /^NamespaceDeletionDiscoveryFailure DiscoveryFailed: .*b: no$/);
  assert.match(deletion ?? '', /^NamespaceDeletionContentFailure ContentDeletionFailed: .*a: no$/);
});

test('contentConditions() has all five conditions when nothing is left, none of them true', () => {
  assert.equal(contentConditions(NOTHING).length, 5);
  assert.deepEqual(brief({}), []);
});
