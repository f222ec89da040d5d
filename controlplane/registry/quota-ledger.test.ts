// ResourceQuotas at writes: what counts, what is refused and in which words, and that two at once are not one too many.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

let count = 0;

async function space(): Promise<string> {
  count += 1;
  const name = `quota-${count}`;
  await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

/** A namespace of its own with one quota. */
async function limited(hard: object, spec: object = {}): Promise<string> {
  const namespace = await space();
  await quota(namespace, hard, spec);
  return namespace;
}

function quota(namespace: string, hard: object, spec: object = {}, name = 'q'): Promise<unknown> {
  const metadata = { name, namespace };
  return fixture.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata,
    spec: { hard, ...spec },
  });
}

const configMap = (namespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
});

const pod = (
  namespace: string,
  name: string,
  resources: object = {},
  spec: object = {},
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
});

const refused =
  (message: string): ((error: unknown) => boolean) =>
  (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.code, error.reason, error.message], [403, 'Forbidden', message]);
    return true;
  };

test('a namespace takes as many as its quota says, and one more when one is gone', async () => {
  const namespace = await limited({ configmaps: '2' });
  await fixture.create(configMap(namespace, 'a'));
  await fixture.create(configMap(namespace, 'b'));
  await assert.rejects(
    fixture.create(configMap(namespace, 'c')),
    refused(
      'configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
    ),
  );
  const definition = fixture.kind('v1', 'configmaps');
  await fixture.registry.delete({ definition, namespace, name: 'a' }, {}, fixture.context());
  await fixture.create(configMap(namespace, 'c'));
});

test('of many creations at once as many succeed as the quota allows', async () => {
  const namespace = await limited({ 'count/configmaps': '3' });
  const all = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) => fixture.create(configMap(namespace, `c${index}`))),
  );
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 3);
  const { storageKey } = fixture.kind('v1', 'configmaps');
  assert.equal(fixture.store.list(storageKey, { namespace }).items.length, 3);
});

test('devices of a class are counted by what ResourceClaims ask for', async () => {
  const namespace = await limited({ 'gpu.deviceclass.resource.k8s.io/devices': '3' });
  const claim = (name: string, count: number): object => {
    const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count };
    const devices = { requests: [{ name: 'r', exactly }] };
    const metadata = { name, namespace };
    return { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata, spec: { devices } };
  };
  await fixture.create(claim('a', 2));
  await assert.rejects(fixture.create(claim('b', 2)), {
    code: 403,
    message:
      'resourceclaims.resource.k8s.io "b" is forbidden: exceeded quota: q, requested: gpu.deviceclass.resource.k8s.io/devices=2, used: gpu.deviceclass.resource.k8s.io/devices=2, limited: gpu.deviceclass.resource.k8s.io/devices=3',
  });
  await fixture.create(claim('c', 1));
});

test('a name that is taken gives back what it would have taken', async () => {
  const namespace = await limited({ configmaps: '2' });
  await fixture.create(configMap(namespace, 'a'));
  for (let again = 0; again < 3; again += 1)
    await assert.rejects(fixture.create(configMap(namespace, 'a')), { reason: 'AlreadyExists' });
  await fixture.create(configMap(namespace, 'b'));
});

test('a dry run is refused like the real thing, and takes nothing', async () => {
  const namespace = await limited({ configmaps: '1' });
  for (let again = 0; again < 3; again += 1)
    await fixture.create(configMap(namespace, 'a'), { dryRun: true });
  await fixture.create(configMap(namespace, 'a'));
  await assert.rejects(fixture.create(configMap(namespace, 'b'), { dryRun: true }), {
    reason: 'Forbidden',
  });
});

test('what was there before the quota counts, and so does all after a restart', async () => {
  let own = await openFixture();
  try {
    await own.create(configMap('default', 'a'));
    const spec = { hard: { configmaps: '2' } };
    const metadata = { name: 'q', namespace: 'default' };
    await own.create({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec });
    await own.create(configMap('default', 'b'));
    own = await own.restart();
    await assert.rejects(own.create(configMap('default', 'c')), { reason: 'Forbidden' });
  } finally {
    await own.close();
  }
});

test('amounts of Pods are summed up, and need to be named', async () => {
  const namespace = await limited({ 'requests.cpu': '1', 'limits.memory': '1Gi', pods: '5' });
  await assert.rejects(
    fixture.create(pod(namespace, 'a')),
    refused(
      'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    ),
  );
  const half = { requests: { cpu: '600m' }, limits: { memory: '300Mi' } };
  await fixture.create(pod(namespace, 'a', half));
  await assert.rejects(
    fixture.create(pod(namespace, 'b', half)),
    refused(
      'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    ),
  );
  const much = { requests: { cpu: '1m' }, limits: { memory: '1Gi' } };
  await assert.rejects(
    fixture.create(pod(namespace, 'c', much)),
    refused(
      'pods "c" is forbidden: exceeded quota: q, requested: limits.memory=1Gi, used: limits.memory=300Mi, limited: limits.memory=1Gi',
    ),
  );
});

test('a Pod that has ended, or should be gone, takes nothing any more', async () => {
  const namespace = await limited({ pods: '1', 'count/pods': '3' });
  const target = (name: string): Parameters<Fixture['registry']['update']>[0] => ({
    definition: fixture.kind('v1', 'pods'),
    namespace,
    name,
  });
  await fixture.create(pod(namespace, 'a'));
  await assert.rejects(fixture.create(pod(namespace, 'b')), { reason: 'Forbidden' });
  const ended = { type: 'merge', patch: { status: { phase: 'Succeeded' } }, problems: [] } as const;
  await fixture.registry.patch(target('a'), 'status', ended, fixture.context());
  await fixture.create(pod(namespace, 'b', {}, { nodeName: 'n' }));
  await fixture.registry.delete(target('b'), { gracePeriodSeconds: 5 }, fixture.context());
  await assert.rejects(fixture.create(pod(namespace, 'c')), { reason: 'Forbidden' });
  fixture.clock.advance(30_000);
  await fixture.create(pod(namespace, 'c'));
  await assert.rejects(
    fixture.create(pod(namespace, 'd')),
    refused(
      'pods "d" is forbidden: exceeded quota: q, requested: count/pods=1,pods=1, used: count/pods=3,pods=1, limited: count/pods=3,pods=1',
    ),
  );
});

test('what a node reports of a Pod is counted and never refused', async () => {
  const namespace = await limited({ 'requests.cpu': '2' });
  await fixture.create(pod(namespace, 'a', { requests: { cpu: '1' } }));
  const target = { definition: fixture.kind('v1', 'pods'), namespace, name: 'a' };
  const resources = { requests: { cpu: '3' } };
  const status = {
    containerStatuses: [
      { name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, resources },
    ],
  };
  const patch = { type: 'merge', patch: { status }, problems: [] } as const;
  await fixture.registry.patch(target, 'status', patch, fixture.context());
  await assert.rejects(
    fixture.create(pod(namespace, 'b', { requests: { cpu: '1m' } })),
    refused(
      'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=1m, used: requests.cpu=3, limited: requests.cpu=2',
    ),
  );
});

test('Services count by what they open, also when one becomes more', async () => {
  const namespace = await limited({ 'services.nodeports': '2', 'services.loadbalancers': '0' });
  const service = (name: string, type: string, ports: number): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      type,
      ports: Array.from({ length: ports }, (_, index) => ({ name: `p${index}`, port: 80 + index })),
    },
  });
  await fixture.create(service('inside', 'ClusterIP', 3));
  await fixture.create(service('a', 'NodePort', 1));
  await assert.rejects(fixture.create(service('b', 'NodePort', 2)), { reason: 'Forbidden' });
  await assert.rejects(
    fixture.create(service('b', 'LoadBalancer', 1)),
    refused(
      'services "b" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0',
    ),
  );
  const definition = fixture.kind('v1', 'services');
  const change = (name: string, spec: object): Promise<unknown> =>
    fixture.registry.patch(
      { definition, namespace, name },
      '',
      { type: 'merge', patch: { spec }, problems: [] },
      fixture.context(),
    );
  await assert.rejects(
    change('inside', { type: 'NodePort' }),
    refused(
      'services "inside" is forbidden: exceeded quota: q, requested: services.nodeports=3, used: services.nodeports=1, limited: services.nodeports=2',
    ),
  );
  await change('a', { type: 'ClusterIP' });
  await fixture.create(service('b', 'NodePort', 2));
});

test('claims count by their storage, by class too, and when they grow', async () => {
  const namespace = await limited({
    'requests.storage': '10Gi',
    'fast.storageclass.storage.k8s.io/requests.storage': '2Gi',
    persistentvolumeclaims: '3',
  });
  const claim = (name: string, storage: string, spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...spec },
  });
  await fixture.create(claim('a', '1Gi', { storageClassName: 'fast' }));
  await assert.rejects(
    fixture.create(claim('b', '1536Mi', { storageClassName: 'fast' })),
    refused(
      'persistentvolumeclaims "b" is forbidden: exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=1536Mi, used: fast.storageclass.storage.k8s.io/requests.storage=1Gi, limited: fast.storageclass.storage.k8s.io/requests.storage=2Gi',
    ),
  );
  await fixture.create(claim('b', '8Gi'));
  const definition = fixture.kind('v1', 'persistentvolumeclaims');
  const grow = (storage: string): Promise<unknown> =>
    fixture.registry.patch(
      { definition, namespace, name: 'b' },
      '',
      { type: 'merge', patch: { spec: { resources: { requests: { storage } } } }, problems: [] },
      fixture.context(),
    );
  await assert.rejects(grow('10Gi'), { reason: 'Forbidden' });
  await grow('9Gi');
});

suite('scopes', () => {
  const kinds = {
    plain: pod('', 'p', { requests: { cpu: '1' } }),
    besteffort: pod('', 'p'),
    short: pod('', 'p', { requests: { cpu: '1' } }, { activeDeadlineSeconds: 60 }),
    gone: pod(
      '',
      'p',
      { requests: { cpu: '1' } },
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'zone', namespaces: ['other'], labelSelector: {} },
            ],
          },
        },
      },
    ),
  } as const;
  const cases: readonly (readonly [spec: object, counted: readonly (keyof typeof kinds)[]])[] = [
    [{ scopes: ['BestEffort'] }, ['besteffort']],
    [{ scopes: ['NotBestEffort'] }, ['plain', 'short', 'gone']],
    [{ scopes: ['Terminating'] }, ['short']],
    [{ scopes: ['NotTerminating'] }, ['plain', 'besteffort', 'gone']],
    [{ scopes: ['NotTerminating', 'NotBestEffort'] }, ['plain', 'gone']],
    [{ scopes: ['CrossNamespacePodAffinity'] }, ['gone']],
    [
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'DoesNotExist' }],
        },
      },
      ['plain', 'besteffort', 'short', 'gone'],
    ],
    [
      {
        scopeSelector: {
          matchExpressions: [
            { scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] },
          ],
        },
      },
      [],
    ],
  ];
  for (const [spec, counted] of cases) {
    test(JSON.stringify(spec), async () => {
      const namespace = await limited({ pods: '0' }, spec);
      for (const [kind, object] of Object.entries(kinds)) {
        const wanted = structuredClone(object) as KubernetesObject;
        wanted.metadata = { name: kind, namespace };
        const made = await fixture.create(wanted, { dryRun: true }).then(
          () => true,
          (error: unknown) => !(error instanceof ApiError && error.reason === 'Forbidden'),
        );
        assert.equal(made, !(counted as readonly string[]).includes(kind), kind);
      }
    });
  }
});

test('kinds of others are counted by name and group, from when they are there', async () => {
  const namespace = await limited({ 'count/things.test.dev': '1' });
  await fixture.create({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.test.dev' },
    spec: {
      group: 'test.dev',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  });
  const thing = (name: string): object => ({
    apiVersion: 'test.dev/v1',
    kind: 'Thing',
    metadata: { name, namespace },
  });
  await fixture.create(thing('a'));
  await assert.rejects(
    fixture.create(thing('b')),
    refused(
      'things.test.dev "b" is forbidden: exceeded quota: q, requested: count/things.test.dev=1, used: count/things.test.dev=1, limited: count/things.test.dev=1',
    ),
  );
});

test('the first quota by name that has no room refuses; without quotas everything goes', async () => {
  const namespace = await space();
  await fixture.create(configMap(namespace, 'a'));
  await quota(namespace, { configmaps: '1' }, {}, 'second');
  await quota(namespace, { 'count/configmaps': '1' }, {}, 'first');
  await assert.rejects(
    fixture.create(configMap(namespace, 'b')),
    refused(
      'configmaps "b" is forbidden: exceeded quota: first, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
    ),
  );
  const definition = fixture.kind('v1', 'resourcequotas');
  for (const name of ['first', 'second'])
    await fixture.registry.delete({ definition, namespace, name }, {}, fixture.context());
  await fixture.create(configMap(namespace, 'b'));
});
