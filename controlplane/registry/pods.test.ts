// What is special about Pods and Namespaces, through the registry.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const pod = (name: string, spec: object = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec },
});

const target = (name: string) => ({
  definition: fixture.kind('v1', 'pods'),
  namespace: 'default',
  name,
});

const body = (object: unknown) => ({ object: object as KubernetesObject, problems: [] });

const connect = (name: string, subresource: string, object: object) =>
  fixture.registry.connect(target(name), subresource, body(object), fixture.context());

const bind = (name: string, node: string) =>
  connect(name, 'binding', { metadata: { name }, target: { kind: 'Node', name: node } });

const setPhase = (name: string, phase: string) =>
  fixture.registry.patch(
    target(name),
    'status',
    { type: 'merge', patch: { status: { phase }, spec: { nodeName: 'x' } }, problems: [] },
    fixture.context(),
  );

const read = (name: string): KubernetesObject =>
  fixture.read('v1', 'pods', 'default', name) ?? assert.fail(`no pod ${name}`);

describe('Pod', () => {
  test('gets the defaults that people know', async () => {
    const made = await fixture.create(pod('defaults'));
    const at = (...path: string[]): unknown => fieldAt(made, 'spec', ...path);
    assert.equal(at('restartPolicy'), 'Always');
    assert.equal(at('terminationGracePeriodSeconds'), 30);
    assert.equal(at('dnsPolicy'), 'ClusterFirst');
    assert.equal(at('serviceAccountName'), 'default');
    const [container] = at('containers') as Record<string, unknown>[];
    assert.equal(container?.['imagePullPolicy'], 'Always');
    assert.deepEqual(made['status'], { phase: 'Pending', qosClass: 'BestEffort' });
    assert.equal(made.metadata.generation, 1);
  });

  for (const [image, policy] of [
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.2', 'IfNotPresent'],
    ['example.com:5000/nginx', 'Always'],
    ['example.com:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:abc', 'IfNotPresent'],
  ] as const) {
    test(`${image} is pulled ${policy}`, async () => {
      const object = pod('image', { containers: [{ name: 'c', image }] });
      const made = await fixture.create(object, { dryRun: true });
      const [container] = fieldAt(made, 'spec', 'containers') as Record<string, unknown>[];
      assert.equal(container?.['imagePullPolicy'], policy);
    });
  }

  for (const [limits, requests, expected] of [
    [{ cpu: '1', memory: '1Gi' }, undefined, 'Guaranteed'],
    [{ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1024Mi' }, 'Guaranteed'],
    [{ cpu: '1' }, undefined, 'Burstable'],
    [undefined, { cpu: '1' }, 'Burstable'],
  ] as const) {
    test(`limits ${JSON.stringify(limits)} and requests ${JSON.stringify(requests)} are ${expected}`, async () => {
      const resources = { ...(limits && { limits }), ...(requests && { requests }) };
      const object = pod('qos', { containers: [{ name: 'c', image: 'a', resources }] });
      const made = await fixture.create(object, { dryRun: true });
      assert.equal(fieldAt(made, 'status', 'qosClass'), expected);
    });
  }

  for (const [why, spec, message] of [
    ['no containers', { containers: [] }, /spec\.containers/],
    ['no image', { containers: [{ name: 'c' }] }, /spec\.containers\[0\]\.image: Required value/],
    ['a bad name', { containers: [{ name: 'C', image: 'a' }] }, /containers\[0\]\.name: Invalid/],
    [
      'two of a name',
      {
        containers: [
          { name: 'c', image: 'a' },
          { name: 'c', image: 'b' },
        ],
      },
      /containers\[1\]\.name: Duplicate value: "c"/,
    ],
    [
      'an unknown volume',
      { containers: [{ name: 'c', image: 'a', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] },
      /volumeMounts\[0\]\.name: Not found: "v"/,
    ],
    [
      'a request above its limit',
      {
        containers: [
          {
            name: 'c',
            image: 'a',
            resources: { limits: { cpu: '1' }, requests: { cpu: '1001m' } },
          },
        ],
      },
      /must be less than or equal to cpu limit of 1/,
    ],
    [
      'a bad quantity',
      { containers: [{ name: 'c', image: 'a', resources: { limits: { cpu: 'one' } } }] },
      /limits/,
    ],
    [
      'a bad restart policy',
      { restartPolicy: 'Sometimes' },
      /spec\.restartPolicy: Unsupported value/,
    ],
  ] as const) {
    test(`is refused with ${why}`, async () => {
      await assert.rejects(fixture.create(pod('bad', spec)), { code: 422, message });
    });
  }

  test('amounts are kept in canonical form, and limits are requests too', async () => {
    const resources = { limits: { cpu: '0.5', memory: '1024Mi' }, requests: { cpu: '100m' } };
    const object = pod('amounts', { containers: [{ name: 'c', image: 'a', resources }] });
    const made = await fixture.create(object, { dryRun: true });
    const [container] = fieldAt(made, 'spec', 'containers') as Record<string, unknown>[];
    assert.deepEqual(container?.['resources'], {
      limits: { cpu: '500m', memory: '1Gi' },
      requests: { cpu: '100m', memory: '1Gi' },
    });
  });

  test('is bound once, without changing its generation', async () => {
    await fixture.create(pod('bound'));
    assert.deepEqual(await bind('bound', 'n1'), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    });
    const bound = read('bound');
    assert.equal(fieldAt(bound, 'spec', 'nodeName'), 'n1');
    assert.equal(bound.metadata.generation, 1);
    assert.deepEqual(fieldAt(bound, 'status', 'conditions'), [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-11-21T12:00:00Z' },
    ]);
    const stored = fixture.store.get('core/pods', 'default', 'bound');
    assert.equal(stored?.fields['spec.nodeName'], 'n1');
    await assert.rejects(bind('bound', 'n2'), {
      code: 409,
      message: /already assigned to node "n1"/,
    });
    await assert.rejects(bind('nobody', 'n1'), { code: 404 });
  });

  test('cannot change its spec but for images; status writes change status only', async () => {
    const made = await fixture.create(pod('fixed'));
    const update = (spec: object) =>
      fixture.registry.update(
        target('fixed'),
        '',
        body({
          ...made,
          metadata: { name: 'fixed' },
          spec: { ...(made['spec'] as object), ...spec },
        }),
        fixture.context(),
      );
    await assert.rejects(update({ hostname: 'h' }), {
      code: 422,
      message: /pod updates may not change/,
    });
    const { stored } = await update({ containers: [{ name: 'c', image: 'other' }] });
    assert.equal(decode(stored).metadata.generation, 2);
    await setPhase('fixed', 'Running');
    const after = read('fixed');
    assert.equal(fieldAt(after, 'status', 'phase'), 'Running');
    assert.equal(fieldAt(after, 'status', 'qosClass'), 'BestEffort');
    assert.equal(fieldAt(after, 'spec', 'nodeName'), undefined);
    assert.equal(after.metadata.generation, 2);
  });

  test('goes at once when unbound or ended, else after its grace, which only shrinks', async () => {
    const remove = (name: string, gracePeriodSeconds?: number) =>
      fixture.registry.delete(
        target(name),
        gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
        fixture.context(),
      );
    await fixture.create(pod('unbound'));
    assert.equal((await remove('unbound')).removed, true);
    await fixture.create(pod('ended'));
    await bind('ended', 'n1');
    await setPhase('ended', 'Succeeded');
    assert.equal((await remove('ended')).removed, true);

    await fixture.create(pod('running'));
    await bind('running', 'n1');
    assert.equal((await remove('running')).removed, false);
    assert.equal(read('running').metadata.deletionTimestamp, '2026-11-21T12:00:30Z');
    assert.equal(read('running').metadata.deletionGracePeriodSeconds, 30);
    await remove('running', 60);
    assert.equal(read('running').metadata.deletionGracePeriodSeconds, 30);
    await remove('running', 5);
    assert.equal(read('running').metadata.deletionTimestamp, '2026-11-21T12:00:05Z');
    assert.equal((await remove('running', 0)).removed, true);
  });

  test('eviction deletes it with the given grace', async () => {
    await fixture.create(pod('evicted'));
    await bind('evicted', 'n1');
    await connect('evicted', 'eviction', {
      metadata: { name: 'evicted' },
      deleteOptions: { gracePeriodSeconds: 7 },
    });
    assert.equal(read('evicted').metadata.deletionGracePeriodSeconds, 7);
    await assert.rejects(connect('evicted', 'eviction', { metadata: { name: 'other' } }), {
      code: 400,
    });
  });
});

describe('Namespace', () => {
  const namespace = (name: string): unknown => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
  const namespaces = (name: string) => ({
    definition: fixture.kind('v1', 'namespaces'),
    namespace: '',
    name,
  });
  const finalize = (name: string, finalizers: string[]) => {
    const object = fixture.read('v1', 'namespaces', '', name) ?? assert.fail();
    return fixture.registry.update(
      namespaces(name),
      'finalize',
      body({ ...object, spec: { finalizers } }),
      fixture.context(),
    );
  };

  test('is Active, labelled with its name, and held by a finalizer', async () => {
    const made = await fixture.create(namespace('team'));
    assert.deepEqual(made.metadata.labels, { 'kubernetes.io/metadata.name': 'team' });
    assert.deepEqual(made['spec'], { finalizers: ['kubernetes'] });
    assert.deepEqual(made['status'], { phase: 'Active' });
  });

  test('nothing can be created in one that is absent or going, and it goes with its finalizers, as somebody may have to do by hand', async () => {
    const inside = (name: string): unknown => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'going' },
    });
    await assert.rejects(fixture.create(inside('a')), {
      code: 404,
      message: 'namespaces "going" not found',
    });
    await fixture.create(namespace('going'));
    await fixture.create(inside('a'));
    const deletion = fixture.registry.delete(namespaces('going'), {}, fixture.context());
    const refused = {
      code: 403,
      message:
        'configmaps "b" is forbidden: unable to create new content in namespace going because it is being terminated',
    };
    await assert.rejects(fixture.create(inside('b')), refused);
    assert.equal((await deletion).removed, false);
    await assert.rejects(fixture.create(inside('b')), refused);
    await finalize('going', []);
    assert.equal(fixture.read('v1', 'namespaces', '', 'going'), undefined);
  });

  test('the system namespaces exist and cannot be deleted', async () => {
    for (const name of ['default', 'kube-system', 'kube-public']) {
      await assert.rejects(fixture.registry.delete(namespaces(name), {}, fixture.context()), {
        code: 403,
        message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      });
    }
    assert.notEqual(fixture.read('v1', 'namespaces', '', 'kube-node-lease'), undefined);
  });
});

describe('Event', () => {
  test('lies where its object is, and is forgotten after an hour', async () => {
    const event = (name: string, about: string): unknown => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name },
      involvedObject: { kind: 'Pod', name: 'p', namespace: about },
      reason: 'Started',
    });
    await assert.rejects(fixture.create(event('wrong', 'kube-system')), { code: 422 });
    await fixture.create(event('old', 'default'));
    fixture.clock.advance(59 * 60_000);
    await fixture.create(event('young', 'default'));
    const gone = new Promise<void>((resolve) => {
      const watch = fixture.store.watch('core/events', fixture.store.revision, {
        events([first]) {
          if (first?.type !== 'DELETED' || first.object.name !== 'old') return;
          watch.close();
          resolve();
        },
        closed: () => undefined,
      });
    });
    fixture.clock.advance(61_000);
    await gone;
    assert.notEqual(fixture.read('v1', 'events', 'default', 'young'), undefined);
  });
});
