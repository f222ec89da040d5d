// Rollouts that fail, against the real control plane: where they stop, what is told, and what brings them back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERSISTENT_VOLUME_CLAIMS, PODS } from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceBench, templateOf } from '../support/service-bench.ts';

const SHORT = { monitorPeriod: '0s', progressDeadline: '1500ms' };
const fates = { broken: 'crashes', silent: 'never ready' } as const;

for (const [image, reason] of [
  ['broken', /container c: CrashLoopBackOff: .*\(last exit code 3, 3 restarts\)/],
  ['silent', /its probe does not pass/],
] as const) {
  test(`a rollout of a ${image} program stops at its first instance`, async (t) => {
    const bench = await ServiceBench.start(t, { fates });
    await bench.plane.controllers();
    await bench.create('v1', { updateStrategy: { ...SHORT, order: 'StartFirst' } });
    await bench.settled('v1', 3);
    bench.nodes.watchServing();
    await bench.update(image);
    const { reason: why, message } = await bench.conditionSoon('Progressing', 'False');
    assert.equal(why, 'ProgressDeadlineExceeded');
    assert.match(message, reason);
    assert.equal(bench.nodes.created.length, 4);
    assert.equal(bench.nodes.fewestServing, 3);
    await bench.condition('Degraded', 'True');
    // The next spec goes on at once, and takes the failed instance away.
    await bench.update('v3');
    await bench.settled('v3', 3);
    assert.equal(bench.nodes.fewestServing, 3);
    assert.equal((await bench.condition('Progressing', 'True')).reason, 'RolledOut');
  });
}

test('a failed rollout with failureAction Rollback goes back by itself, and stays there', async (t) => {
  const bench = await ServiceBench.start(t, { fates });
  await bench.plane.controllers();
  const updateStrategy = { ...SHORT, order: 'StartFirst', failureAction: 'Rollback' };
  await bench.create('v1', { updateStrategy });
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  await bench.update('broken');
  const { message } = await bench.conditionSoon('RolledBack', 'True');
  assert.match(
    message,
    /^Went back to revision \w+: web-\w+: is restarting after monitor period .*: container c: CrashLoopBackOff/,
  );
  await eventually('only v1 is left', () => {
    assert.deepEqual(bench.images, ['v1', 'v1', 'v1']);
    assert.equal(bench.nodes.pods.length, 3);
  });
  assert.equal(bench.nodes.fewestServing, 3);
  await bench.condition('Ready', 'False');
  await bench.update('v2');
  await bench.settled('v2', 3);
  await bench.condition('RolledBack', 'False');
});

test('a failed first rollout says so and goes on when the spec is mended', async (t) => {
  const bench = await ServiceBench.start(t, { fates });
  await bench.plane.controllers();
  await bench.create('broken', { updateStrategy: SHORT });
  const { message } = await bench.conditionSoon('Progressing', 'False');
  assert.match(message, /CrashLoopBackOff/);
  await bench.update('v1');
  await bench.settled('v1', 3);
});

test('a Pod that the server refuses is told of in the conditions, until the spec is mended', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  const ports = [80, 81].map((containerPort) => ({ containerPort, hostPort: 8080 }));
  await bench.create('v1', { template: templateOf('v1', {}, { ports }) });
  const why = /web-\w+" is invalid: spec\.containers\[0\]\.ports\[1\]\.hostPort: Duplicate value/;
  await eventually('it is told why nothing goes on', async () => {
    for (const [type, status] of [
      ['Ready', 'False'],
      ['Progressing', 'True'],
    ] as const)
      assert.match((await bench.condition(type, status)).message, why);
  });
  await bench.update('v2');
  await bench.settled('v2', 3);
});

const stopFirst = [
  {
    why: 'a host port',
    template: (image: string) =>
      templateOf(image, {}, { ports: [{ containerPort: 80, hostPort: 8080 }] }),
  },
  {
    why: 'the one writer of a volume',
    template: (image: string) =>
      templateOf(
        image,
        { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
        { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      ),
  },
];
for (const { why, template } of stopFirst) {
  for (const failureAction of ['Pause', 'Rollback']) {
    test(`stop-first because of ${why} restores the old instance with ${failureAction}`, async (t) => {
      const bench = await ServiceBench.start(t, { nodes: ['n1'], fates });
      const { client, signal } = bench.plane;
      const resources = { requests: { storage: '1Gi' } };
      const claim = {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources },
      };
      await client.create(PERSISTENT_VOLUME_CLAIMS, 'default', claim, signal);
      await bench.plane.controllers();
      const updateStrategy = { ...SHORT, failureAction };
      await bench.create('v1', { replicas: 1, updateStrategy, template: template('v1') });
      await bench.settled('v1', 1);
      await bench.change({ template: template('broken') });
      await bench.conditionSoon('RolledBack', 'True');
      await eventually('the old one is back', () => {
        assert.deepEqual(bench.images, ['v1']);
        assert.equal(bench.nodes.serving.length, 1);
      });
      // Never two at a time.
      assert.equal(bench.nodes.mostAlive, 1);
      assert.equal(
        (await bench.condition('Progressing', 'False')).reason,
        'ProgressDeadlineExceeded',
      );
      await bench.change({ template: template('v2') });
      await bench.settled('v2', 1);
    });
  }
}

test('an instance that ends for good fails the rollout before the deadline', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers();
  await bench.create('v1', { updateStrategy: { monitorPeriod: '0s', order: 'StartFirst' } });
  await bench.settled('v1', 3);
  const made = new Promise<string>((resolve) =>
    bench.nodes.onChange(() => {
      const pod = bench.nodes.alive.find(({ spec }) => spec.containers[0]?.image === 'v2');
      if (pod?.spec.nodeName !== undefined) resolve(pod.metadata.name);
    }),
  );
  await bench.update('v2');
  const status = { phase: 'Failed', reason: 'Evicted', message: 'the disk is full' };
  await client.patch(PODS, 'default', await made, 'status', 'merge', { status }, signal);
  const { message } = await bench.conditionSoon('Progressing', 'False');
  assert.match(message, /it ended \(Evicted\): the disk is full/);
});
