// LimitRanges: what new Pods and claims get, and what they may not ask for.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

let count = 0;

/** A namespace of its own with one LimitRange. */
async function limited(...limits: readonly object[]): Promise<string> {
  count += 1;
  const namespace = `limited-${count}`;
  await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await fixture.create({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'limits', namespace },
    spec: { limits },
  });
  return namespace;
}

const pod = (namespace: string, ...resources: readonly object[]): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace },
  spec: {
    containers: resources.map((of, at) => ({ name: `c${at}`, image: 'i', resources: of })),
  },
});

test('containers that name no amounts get them', async () => {
  const namespace = await limited({
    type: 'Container',
    default: { cpu: '500m', memory: '256Mi' },
    defaultRequest: { cpu: '100m' },
  });
  const made = await fixture.create(pod(namespace, {}, { requests: { cpu: '200m' } }));
  const { containers } = made['spec'] as { containers: readonly { resources: unknown }[] };
  assert.deepEqual(
    containers.map(({ resources }) => resources),
    [
      {
        limits: { cpu: '500m', memory: '256Mi' },
        requests: { cpu: '100m', memory: '256Mi' },
      },
      {
        limits: { cpu: '500m', memory: '256Mi' },
        requests: { cpu: '200m', memory: '256Mi' },
      },
    ],
  );
  assert.equal(
    made.metadata.annotations?.['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; memory request for container c1; cpu, memory limit for container c1',
  );
  assert.equal((made['status'] as { qosClass: string }).qosClass, 'Burstable');
});

suite('what is refused', () => {
  const cases: readonly (readonly [limit: object, resources: object, why: string])[] = [
    [
      { type: 'Container', min: { cpu: '1' }, default: { cpu: '2' } },
      { requests: { cpu: '500m' } },
      'minimum cpu usage per Container is 1, but request is 500m',
    ],
    [
      { type: 'Container', max: { memory: '1Gi' } },
      { requests: { memory: '1Mi' }, limits: { memory: '2Gi' } },
      'maximum memory usage per Container is 1Gi, but limit is 2Gi',
    ],
    [
      { type: 'Pod', max: { cpu: '1' } },
      {},
      'maximum cpu usage per Pod is 1.  No limit is specified',
    ],
    [
      { type: 'Pod', min: { cpu: '1' } },
      {},
      'minimum cpu usage per Pod is 1.  No request is specified',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '1' }, limits: { cpu: '5' } },
      'cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000',
    ],
    [
      { type: 'Pod', max: { cpu: '1', memory: '1Gi' } },
      { limits: { cpu: '2', memory: '2Gi' } },
      '[maximum cpu usage per Pod is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]',
    ],
  ];
  for (const [limit, resources, why] of cases) {
    test(why, async () => {
      const namespace = await limited(limit);
      await assert.rejects(fixture.create(pod(namespace, resources)), {
        code: 403,
        reason: 'Forbidden',
        message: `pods "p" is forbidden: ${why}`,
      });
    });
  }

  test('all containers of a Pod count together', async () => {
    const namespace = await limited({ type: 'Pod', max: { cpu: '1' } });
    const half = { limits: { cpu: '600m' } };
    await assert.rejects(fixture.create(pod(namespace, half, half)), {
      message: 'pods "p" is forbidden: maximum cpu usage per Pod is 1, but limit is 1200m',
    });
    await fixture.create(pod(namespace, half));
  });

  test('a claim of too much', async () => {
    const namespace = await limited({
      type: 'PersistentVolumeClaim',
      max: { storage: '1Gi' },
    });
    const claim = (storage: string): object => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: `c-${storage.toLowerCase()}`, namespace },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    await assert.rejects(fixture.create(claim('2Gi')), {
      code: 403,
      message:
        'persistentvolumeclaims "c-2gi" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi',
    });
    await fixture.create(claim('1Gi'));
  });
});

test('a resize may not leave what new Pods may have, and nor may a claim that grows', async () => {
  const namespace = await limited(
    { type: 'Container', max: { cpu: '1' } },
    { type: 'PersistentVolumeClaim', max: { storage: '2Gi' } },
  );
  const cpu = (limit: string): object => ({ requests: { cpu: '100m' }, limits: { cpu: limit } });
  await fixture.create(pod(namespace, cpu('500m')));
  const change = async (
    resource: string,
    name: string,
    subresource: string,
    spec: object,
  ): Promise<unknown> => {
    const target = { definition: fixture.kind('v1', resource), namespace, name };
    const patch = { type: 'strategic', patch: { spec }, problems: [] } as const;
    return fixture.registry.patch(target, subresource, patch, fixture.context());
  };
  const resize = (limit: string): Promise<unknown> =>
    change('pods', 'p', 'resize', { containers: [{ name: 'c0', resources: cpu(limit) }] });
  await resize('1');
  await assert.rejects(resize('1100m'), {
    code: 403,
    message: 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 1100m',
  });

  const storage = (size: string): object => ({ resources: { requests: { storage: size } } });
  const spec = { accessModes: ['ReadWriteOnce'], ...storage('1Gi') };
  const kind = 'PersistentVolumeClaim';
  await fixture.create({ apiVersion: 'v1', kind, metadata: { name: 'c', namespace }, spec });
  await change('persistentvolumeclaims', 'c', '', storage('2Gi'));
  await assert.rejects(change('persistentvolumeclaims', 'c', '', storage('3Gi')), {
    code: 403,
    message:
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  });
});
