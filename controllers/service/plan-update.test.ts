import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourcesOf } from './evaluate-resources.ts';
import type { Instance } from './instance.ts';
import { brief, input, instance, revision, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';

const limited = {
  spec: { containers: [{ name: 'c', image: 'v1', resources: { limits: { cpu: '1' } } }] },
};
const toLimited = {
  target: revision('v2', { template: limited }),
  current: revision('v1'),
  revisions: new Map([
    ['v1', revision('v1')],
    ['v2', revision('v2', { template: limited })],
  ]),
};

test('planService() updates resources in place, one instance at a time', () => {
  const asked = { resources: resourcesOf(limited.spec) };
  const others = trio.slice(1);
  const table: readonly [string, readonly Instance[], string][] = [
    ['begins', trio, 'update a resize'],
    [
      'waits',
      [instance('a', { ...asked, resize: 'underWay', createdAt: 1 }), ...others],
      'update a wait',
    ],
    ['adopts', [instance('a', { ...asked, createdAt: 1 }), ...others], 'update a adopt'],
    [
      'gives up',
      [instance('a', { ...asked, resize: 'infeasible', createdAt: 1 }), ...others],
      'replace a start-first create',
    ],
    [
      'was refused',
      [instance('a', { resizeRefused: 'v2', createdAt: 1 }), ...others],
      'replace a start-first create',
    ],
  ];
  for (const [what, instances, first] of table) {
    const { operations } = planService(input({ ...toLimited, instances }));
    assert.equal(operations.map(brief)[0], first, what);
    assert.deepEqual(
      operations.slice(1).map(({ state }) => state),
      ['Pending', 'Pending'],
      what,
    );
  }
});

test('planService() says why resources are not updated in place', () => {
  const fixed = trio.map((one) => ({ ...one, resizable: false }));
  const plan = planService(input({ ...toLimited, instances: fixed }));
  assert.deepEqual(plan.operations[0]?.reasons, [
    'spec.containers[c].resources.limits: (none) → {"cpu":"1"}',
    'its node cannot change the resources of a running instance: it is replaced',
  ]);
});
