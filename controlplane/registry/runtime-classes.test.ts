// RuntimeClasses: what Pods that name one get, and which are refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => {
  fixture = await openFixture();
  await runtimeClass('bare', {});
  await runtimeClass('heavy', {
    overhead: { podFixed: { cpu: '250m', memory: '64Mi' } },
    scheduling: {
      nodeSelector: { sandbox: 'yes' },
      tolerations: [{ key: 'sandbox', operator: 'Exists', effect: 'NoSchedule' }],
    },
  });
});
after(() => fixture.close());

async function runtimeClass(name: string, more: object): Promise<void> {
  await fixture.create({
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name },
    handler: 'h',
    ...more,
  });
}

const pod = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});

test('a Pod gets the overhead and the scheduling of its class, once', async () => {
  const toleration = { key: 'mine', operator: 'Exists' };
  const made = await fixture.create(
    pod('heavy', {
      runtimeClassName: 'heavy',
      nodeSelector: { disk: 'ssd' },
      tolerations: [toleration],
    }),
  );
  const { overhead, nodeSelector, tolerations } = made['spec'] as Record<string, unknown>;
  assert.deepEqual(overhead, { cpu: '250m', memory: '64Mi' });
  assert.deepEqual(nodeSelector, { disk: 'ssd', sandbox: 'yes' });
  const [first, second, ...rest] = tolerations as readonly { readonly key: string }[];
  assert.deepEqual([first?.key, second?.key], ['mine', 'sandbox']);
  assert.ok(rest.every(({ key }) => key !== 'sandbox'));
  await fixture.create(
    pod('same', { runtimeClassName: 'heavy', overhead: { cpu: '0.25', memory: '65536Ki' } }),
  );
  await fixture.create(pod('bare', { runtimeClassName: 'bare' }));
});

const refusals: readonly (readonly [what: string, spec: object, why: RegExp])[] = [
  [
    'a class that is not there',
    { runtimeClassName: 'none' },
    /^pods "p" is forbidden: pod rejected: RuntimeClass "none" not found$/,
  ],
  ['an overhead without a class', { overhead: { cpu: '1' } }, /set without corresponding/],
  [
    'an overhead that its class does not have',
    { runtimeClassName: 'bare', overhead: { cpu: '1' } },
    /set without corresponding/,
  ],
  [
    'another overhead',
    { runtimeClassName: 'heavy', overhead: { cpu: '1', memory: '64Mi' } },
    /doesn't match RuntimeClass's defined Overhead/,
  ],
  [
    'another node',
    { runtimeClassName: 'heavy', nodeSelector: { sandbox: 'no' } },
    /nodeSelector\[sandbox\] = yes; pod\.spec\.nodeSelector\[sandbox\] = no/,
  ],
];
for (const [what, spec, message] of refusals) {
  test(`a Pod is refused: ${what}`, async () => {
    await assert.rejects(fixture.create(pod('p', spec)), { code: 403, message });
  });
}
