// Who waits for whom by spec.dependsOn, and circles among those that are not ready.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circleOf, notReady } from './dependencies.ts';
import type { Service } from './types.ts';

function service(name: string, dependsOn: readonly string[], isReady = false): Service {
  const status = isReady ? 'True' : 'False';
  return {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { dependsOn, template: { spec: { containers: [{ name, image: 'nginx' }] } } },
    status: {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status,
          reason: 'Test',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    },
  };
}

const CIRCLES: readonly (readonly [
  what: string,
  services: readonly Service[],
  circle: readonly string[],
])[] = [
  ['itself', [service('a', ['a'])], ['a', 'a']],
  ['each other', [service('a', ['b']), service('b', ['a'])], ['a', 'b', 'a']],
  [
    'three, by the shortest way',
    [service('a', ['b', 'c']), service('b', ['c']), service('c', ['a'])],
    ['a', 'c', 'a'],
  ],
  ['none', [service('a', ['b']), service('b', [])], []],
  ['a circle beside it', [service('a', ['b']), service('b', ['c']), service('c', ['b'])], []],
  ['one of them is ready', [service('a', ['b']), service('b', ['a'], true)], []],
  ['one that is not there', [service('a', ['gone'])], []],
];

for (const [what, services, circle] of CIRCLES) {
  test(`circles: ${what}`, () => {
    const [first] = services;
    assert.ok(first !== undefined);
    assert.deepEqual(circleOf(first, services), circle);
  });
}

test('waited for is who is not there, not ready, or not read yet', () => {
  const [ready, unread] = [service('ready', [], true), service('unread', [], true)];
  const stale = { ...unread, metadata: { ...unread.metadata, generation: 2 } };
  const all = [ready, stale, service('slow', [])];
  assert.deepEqual(notReady(service('a', ['ready', 'gone', 'slow', 'unread']), all), [
    'gone',
    'slow',
    'unread',
  ]);
});
