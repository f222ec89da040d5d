// pods/resize through the registry: what may change while a Pod runs, and what stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const RESOURCES = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } };

async function create(name: string, resources: object = RESOURCES): Promise<void> {
  const containers = [
    { name: 'main', image: 'nginx', resources },
    { name: 'side', image: 'nginx' },
  ];
  await fixture.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers } });
}

async function resize(
  name: string,
  containers: readonly object[],
  spec: object = {},
): Promise<KubernetesObject> {
  const target = { definition: fixture.kind('v1', 'pods'), namespace: 'default', name };
  const patch = { spec: { containers, ...spec } };
  const change = { type: 'strategic', patch, problems: [] } as const;
  return decode((await fixture.registry.patch(target, 'resize', change, fixture.context())).stored);
}

test('pods/resize changes CPU and memory, counts as a generation, and leaves the rest', async () => {
  await create('web');
  const limits = { cpu: '2', memory: '2048Mi' };
  const made = await resize('web', [{ name: 'main', image: 'other', resources: { limits } }], {
    hostname: 'other',
  });
  const [main] = fieldAt(made, 'spec', 'containers') as Record<string, unknown>[];
  assert.deepEqual(main?.['resources'], {
    limits: { cpu: '2', memory: '2Gi' },
    requests: { cpu: '500m', memory: '1Gi' },
  });
  assert.equal(main['image'], 'nginx');
  assert.equal(fieldAt(made, 'spec', 'hostname'), undefined);
  assert.equal(made.metadata.generation, 2);
  const same = await resize('web', [{ name: 'main', resources: { limits } }]);
  assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('pods/resize takes resize policies', async () => {
  await create('policy');
  const resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
  const made = await resize('policy', [{ name: 'main', resizePolicy }]);
  const [main] = fieldAt(made, 'spec', 'containers') as Record<string, unknown>[];
  assert.deepEqual(main?.['resizePolicy'], resizePolicy);
});

for (const { why, resources, containers, message } of [
  {
    why: 'another resource',
    containers: [{ name: 'main', resources: { limits: { 'ephemeral-storage': '1Gi' } } }],
    message: /limits\[ephemeral-storage\]: Forbidden: only cpu and memory resources are mutable/,
  },
  {
    why: 'a limit that goes',
    containers: [{ name: 'main', resources: { limits: { cpu: null } } }],
    message:
      /spec\.containers\[0\]\.resources\.limits: Forbidden: resource limits cannot be removed/,
  },
  {
    why: 'another class of service',
    containers: [
      { name: 'main', resources: { requests: { cpu: '1', memory: '1Gi' } } },
      { name: 'side', resources: { limits: { cpu: '1', memory: '1Gi' } } },
    ],
    message: /Pod QOS Class may not change as a result of resizing/,
  },
  {
    why: 'one more container',
    containers: [{ name: 'third', image: 'nginx' }],
    message: /spec\.containers: Forbidden: the number of containers may not be changed/,
  },
  {
    why: 'a request above the limit',
    containers: [{ name: 'main', resources: { requests: { cpu: '3' } } }],
    message: /must be less than or equal to cpu limit of 1/,
  },
  {
    why: 'claims of devices',
    resources: RESOURCES,
    containers: [{ name: 'main', resources: { claims: [{ name: 'gpu' }] } }],
    message: /spec\.containers\[0\]\.resources: Forbidden: only cpu and memory/,
  },
]) {
  test(`pods/resize refuses ${why}`, async () => {
    const name = why.replaceAll(' ', '-');
    await create(name, resources);
    await assert.rejects(resize(name, containers), { code: 422, message });
  });
}

test('resources change by pods/resize only', async () => {
  await create('direct');
  const target = { definition: fixture.kind('v1', 'pods'), namespace: 'default', name: 'direct' };
  const patch = { spec: { containers: [{ name: 'main', resources: { limits: { cpu: '2' } } }] } };
  await assert.rejects(
    fixture.registry.patch(
      target,
      '',
      { type: 'strategic', patch, problems: [] },
      fixture.context(),
    ),
    { code: 422, message: /pod updates may not change fields other than/ },
  );
});
