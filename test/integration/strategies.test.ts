// Canary, BlueGreen, hooks, tolerated failures and updates in place, against the real control plane.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim } from '#controllers/machinery/claim-place.ts';
import { PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceBench, templateOf } from '../support/service-bench.ts';
import type { TestService } from '../support/service-bench.ts';

const QUICKLY = { monitorPeriod: '0s', progressDeadline: '60s', maxParallel: 4 };

interface Status {
  readonly activeRevision?: string;
  readonly awaitsPromotion?: boolean;
  readonly updateRevision?: string;
  readonly currentRevision?: string;
}

async function statusOf(bench: ServiceBench): Promise<Status> {
  return ((await bench.service()) as TestService & { readonly status?: Status }).status ?? {};
}

async function annotate(bench: ServiceBench, annotations: object): Promise<void> {
  const { client, signal } = bench.plane;
  const patch = { metadata: { annotations } };
  await client.patch(SERVICES, 'default', 'web', '', 'merge', patch, signal);
}

/** Instances by image, as `v1 v1 v2`. */
function images(bench: ServiceBench): string {
  return bench.images.toSorted().join(' ');
}

test('a canary stops after its first step, goes on when promoted, and goes back when aborted', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  const canary = { steps: [{ count: 1 }, { count: '75%' }] };
  await bench.create('v1', {
    replicas: 4,
    updateStrategy: { ...QUICKLY, type: 'Canary', canary },
  });
  await bench.settled('v1', 4);
  bench.nodes.watchServing();
  await bench.update('v2');
  await eventually('the first step', async () => {
    assert.equal((await statusOf(bench)).awaitsPromotion, true);
    assert.equal(images(bench), 'v1 v1 v1 v2');
  });
  assert.equal((await bench.condition('Progressing', 'Unknown')).reason, 'AwaitsPromotion');
  const { updateRevision = '' } = await statusOf(bench);
  await annotate(bench, { 'windlass.dev/promote': `${updateRevision}/1` });
  await eventually('the second step', async () => {
    assert.equal((await statusOf(bench)).awaitsPromotion, true);
    assert.equal(images(bench), 'v1 v2 v2 v2');
  });
  await annotate(bench, { 'windlass.dev/abort': updateRevision });
  await eventually('the way back', () => assert.equal(images(bench), 'v1 v1 v1 v1'));
  assert.match((await bench.conditionSoon('RolledBack', 'True')).message, /it was aborted/);
  await bench.update('v3');
  await eventually('the next canary', async () => {
    assert.equal((await statusOf(bench)).awaitsPromotion, true);
    assert.equal(images(bench), 'v1 v1 v1 v3');
  });
  await annotate(bench, { 'windlass.dev/promote': (await statusOf(bench)).updateRevision });
  await bench.settled('v3', 4);
  assert.equal(bench.nodes.fewestServing, 4);
});

test('a blue-green rollout switches once and keeps the old set for a while', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  const blueGreen = { autoPromote: false, keep: '1h' };
  await bench.create('v1', { updateStrategy: { ...QUICKLY, type: 'BlueGreen', blueGreen } });
  await bench.settled('v1', 3);
  const { activeRevision: blue } = await statusOf(bench);
  assert.ok(blue !== undefined);
  await bench.update('v2');
  await eventually('both sets', async () => {
    assert.equal(images(bench), 'v1 v1 v1 v2 v2 v2');
    assert.equal((await statusOf(bench)).awaitsPromotion, true);
  });
  const { updateRevision: green = '' } = await statusOf(bench);
  assert.equal((await statusOf(bench)).activeRevision, blue);
  await annotate(bench, { 'windlass.dev/promote': green });
  await bench.conditionSoon('Ready', 'True');
  assert.equal((await statusOf(bench)).activeRevision, green);
  assert.equal((await statusOf(bench)).currentRevision, green);
  assert.equal(images(bench), 'v1 v1 v1 v2 v2 v2');
  // Back at once: the old set is still there.
  const made = bench.nodes.created.length;
  await bench.change({
    template: templateOf('v1'),
    updateStrategy: { blueGreen: { autoPromote: true } },
  });
  await eventually('traffic is back', async () => {
    assert.equal((await statusOf(bench)).activeRevision, blue);
  });
  assert.equal(bench.nodes.created.length, made);
  await bench.change({ updateStrategy: { blueGreen: { keep: '0s' } } });
  await bench.settled('v1', 3);
});

test('hooks run once for each rollout, and never because of a change of scale', async (t) => {
  const bench = await ServiceBench.start(t, { fates: { bad: 'crashes' } });
  await bench.plane.controllers();
  const hooks = { preDeploy: { command: ['migrate'] }, postDeploy: { command: ['announce'] } };
  await bench.create('v1', { hooks, updateStrategy: { ...QUICKLY, order: 'StartFirst' } });
  await bench.conditionSoon('Ready', 'True');
  const hookPods = async (): Promise<readonly ApiObject[]> => {
    const { client, signal } = bench.plane;
    const selectors = { namespace: 'default', labelSelector: 'windlass.dev/hook' };
    return (await client.list(PODS, selectors, signal)).items;
  };
  const names = async (): Promise<readonly string[]> =>
    (await hookPods()).map(({ metadata }) => metadata.name).toSorted();
  const first = await names();
  assert.equal(first.length, 2);
  await bench.change({ replicas: 5 });
  await eventually('five', () => assert.equal(bench.nodes.serving.length, 5));
  await bench.conditionSoon('Ready', 'True');
  assert.deepEqual(await names(), first);
  await bench.update('v2');
  await eventually('another rollout', async () => {
    await bench.condition('Ready', 'True');
    assert.equal(bench.nodes.serving.length, 5);
  });
  const second = await names();
  assert.equal(second.length, 2);
  assert.ok(second.every((name) => !first.includes(name)));
  // A hook of its own image that fails: nothing of the new revision begins.
  const created = bench.nodes.created.length;
  await bench.change({
    template: templateOf('v3'),
    hooks: { preDeploy: { command: ['migrate'], image: 'bad' } },
  });
  const { message } = await bench.conditionSoon('Progressing', 'False');
  assert.match(message, /pre-deploy hook web-\w+ failed with exit code: 3/);
  assert.equal(bench.nodes.created.length, created + 1);
  assert.equal(bench.nodes.serving.length, 5);
});

test('with Continue the others go on where one instance fails, and it keeps what it had', async (t) => {
  const bench = await ServiceBench.start(t, { fates: { broken: 'crashes' } });
  await bench.plane.controllers();
  await bench.create('v1', {
    updateStrategy: { ...QUICKLY, maxParallel: 1, order: 'StartFirst', failureAction: 'Continue' },
  });
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  await bench.update('broken');
  const { reason, message } = await bench.conditionSoon('Progressing', 'False');
  assert.equal(reason, 'FailuresTolerated');
  assert.match(message, /is rolled out but for 3 of 3 instances/);
  await eventually('only v1 is left', () => assert.equal(bench.nodes.pods.length, 3));
  assert.equal(images(bench), 'v1 v1 v1');
  assert.equal(bench.nodes.fewestServing, 3);
  await bench.update('v2');
  await bench.settled('v2', 3);
});

test('resources change in the instances that run', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  const limits = (cpu: string): object => ({
    resources: { limits: { cpu }, requests: { cpu: '100m' } },
  });
  await bench.create('v1', { template: templateOf('v1', {}, limits('1')) });
  await bench.settled('v1', 3);
  const before = bench.nodes.pods.map(({ metadata }) => metadata.uid).toSorted();
  await bench.change({ template: templateOf('v1', {}, limits('2')) });
  await bench.conditionSoon('Ready', 'True');
  assert.deepEqual(bench.nodes.pods.map(({ metadata }) => metadata.uid).toSorted(), before);
  for (const { spec } of bench.nodes.pods)
    assert.deepEqual(spec.containers[0]?.resources, {
      limits: { cpu: '2' },
      requests: { cpu: '100m' },
    });
});

test('a new revision waits for what it depends on', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', { dependsOn: ['db'] });
  const { message } = await eventually('it waits', async () => {
    const condition = await bench.condition('Ready', 'False');
    const service = (await bench.service()) as TestService & {
      readonly status: {
        readonly plan?: { readonly operations: readonly { readonly reasons: readonly string[] }[] };
      };
    };
    assert.match(JSON.stringify(service.status.plan), /waits for service db to be ready/);
    return condition;
  });
  assert.match(message, /0 of 3/);
  assert.deepEqual(bench.nodes.created, []);
  const { client, signal } = bench.plane;
  const db = { metadata: { name: 'db' }, spec: { replicas: 1, template: templateOf('db') } };
  await client.create(SERVICES, 'default', db, signal);
  await eventually('both', () => assert.equal(bench.nodes.serving.length, 4));
});

test('services that share a volume come together, and who cannot is told why', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2', 'n3'] });
  const mount = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
  const { client, signal } = bench.plane;
  const sharing = (name: string, more: object = {}): object => ({
    metadata: { name },
    spec: {
      updateStrategy: QUICKLY,
      volumes: [{ name: 'data', claimName: 'shared' }],
      template: templateOf(name, {}, mount),
      ...more,
    },
  });
  await client.create(SERVICES, 'default', sharing('a', { replicas: 2 }), signal);
  await client.create(
    SERVICES,
    'default',
    sharing('b', { placement: { nodes: ['n2', 'n3'] } }),
    signal,
  );
  await bench.plane.controllers();
  await eventually('all three run', () => assert.equal(bench.nodes.serving.length, 3));
  assert.deepEqual(
    bench.nodes.pods.map(({ spec }) => spec.nodeName),
    ['n2', 'n2', 'n2'],
  );
  const claim = await client.get<Claim>(PERSISTENT_VOLUME_CLAIMS, 'default', 'shared', signal);
  assert.equal(claim.metadata.annotations?.['volume.kubernetes.io/selected-node'], 'n2');
  assert.equal(claim.status?.phase, 'Bound');
  await client.create(
    SERVICES,
    'default',
    sharing('c', { placement: { nodes: ['n1'] }, template: templateOf('c', {}, mount) }),
    signal,
  );
  await eventually('the third cannot', async () => {
    const third = await client.get<TestService>(SERVICES, 'default', 'c', signal);
    const progressing = third.status?.conditions?.find(({ type }) => type === 'Progressing');
    assert.match(
      progressing?.message ?? '',
      /no machines available .*unable to find a machine that satisfies service 'c' .*\(shared is on n2\)/,
    );
  });
});
