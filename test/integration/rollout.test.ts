// Rollouts against the real control plane, with nodes that exist in the API only: what a user does in the middle of one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODES, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { ServiceBench } from '../support/service-bench.ts';

const START_FIRST = {
  updateStrategy: { order: 'StartFirst', monitorPeriod: '0s', progressDeadline: '60s' },
};

/** Resolves as soon as the first Pod of `image` is there. */
function firstOf(bench: ServiceBench, image: string): Promise<void> {
  return new Promise((resolve) =>
    bench.nodes.onChange(() => {
      if (bench.images.includes(image)) resolve();
    }),
  );
}

test('a rollout replaces one instance at a time and makes nothing twice', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  await bench.update('v2');
  await bench.settled('v2', 3);
  assert.equal(bench.nodes.fewestServing, 3);
  assert.equal(bench.nodes.mostAlive, 4);
  assert.equal(bench.nodes.created.length, 6);
  assert.equal(new Set(bench.nodes.created).size, 6);
  assert.equal((await bench.revisions()).length, 2);
});

test('a spec that changes in the middle of a rollout takes over', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  const begun = firstOf(bench, 'v2');
  await bench.update('v2');
  await begun;
  await bench.update('v3');
  await bench.settled('v3', 3);
  assert.ok(bench.nodes.fewestServing >= 3, `${bench.nodes.fewestServing} served`);
});

test('scaling in the middle of a rollout counts at once', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  const begun = firstOf(bench, 'v2');
  await bench.update('v2');
  await begun;
  await bench.change({ replicas: 5 });
  await bench.settled('v2', 5);
  await bench.change({ template: { spec: { containers: [{ name: 'c', image: 'v3' }] } } });
  await bench.change({ replicas: 1 });
  await bench.settled('v3', 1);
});

test('going back in the middle of a rollout finds the earlier revision again', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  const begun = firstOf(bench, 'v2');
  await bench.update('v2');
  await begun;
  await bench.update('v1');
  await bench.settled('v1', 3);
  assert.ok(bench.nodes.fewestServing >= 3);
  assert.equal((await bench.revisions()).length, 2);
});

test('deleting in the middle of a rollout leaves nothing', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  const begun = firstOf(bench, 'v2');
  await bench.update('v2');
  await begun;
  await bench.plane.client.delete(SERVICES, 'default', 'web', {}, bench.plane.signal);
  await eventually('nothing is left', async () => {
    assert.deepEqual(bench.nodes.pods, []);
    assert.deepEqual(await bench.revisions(), []);
  });
});

test('a service made again under the same name starts afresh', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1');
  await bench.settled('v1', 3);
  await bench.plane.client.delete(SERVICES, 'default', 'web', {}, bench.plane.signal);
  await bench.create('v1');
  await bench.settled('v1', 3);
});

test('a node cordoned in the middle of a rollout gets no more instances', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers();
  await bench.create('v1', { ...START_FIRST, replicas: 4 });
  await bench.settled('v1', 4);
  const begun = firstOf(bench, 'v2');
  await client.patch(NODES, '', 'n1', '', 'merge', { spec: { unschedulable: true } }, signal);
  await bench.update('v2');
  await begun;
  await bench.settled('v2', 4);
  assert.deepEqual([...new Set(bench.nodes.pods.map(({ spec }) => spec.nodeName))], ['n2']);
});

test('an instance whose node was cordoned before it was bound goes elsewhere', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  // Without a scheduler, instances stay pinned and unbound.
  const stop = await bench.plane.controllers(['service']);
  await bench.create('v1', { replicas: 2 });
  await eventually('two are made', () => assert.equal(bench.nodes.pods.length, 2));
  await client.patch(NODES, '', 'n1', '', 'merge', { spec: { unschedulable: true } }, signal);
  await stop();
  await bench.plane.controllers();
  await bench.settled('v1', 2);
  assert.ok(bench.nodes.pods.every(({ spec }) => spec.nodeName === 'n2'));
});

test('an instance deleted by hand is made again', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1');
  await bench.settled('v1', 3);
  const name = bench.nodes.created[0] ?? '';
  await bench.plane.client.delete(PODS, 'default', name, {}, bench.plane.signal);
  await eventually('it is gone', () =>
    assert.ok(bench.nodes.pods.every(({ metadata }) => metadata.name !== name)),
  );
  await bench.settled('v1', 3);
  assert.equal(bench.nodes.created.length, 4);
});

test('the server restarts in the middle of a rollout', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  bench.nodes.watchServing();
  const begun = firstOf(bench, 'v2');
  await bench.update('v2');
  await begun;
  const { port } = bench.plane;
  await bench.plane.stop();
  await bench.plane.startAgain(port);
  await bench.settled('v2', 3);
  assert.ok(bench.nodes.fewestServing >= 3);
  assert.equal(new Set(bench.nodes.created).size, 6);
  // Each informer asks for everything once at most: one per kind and process, and this test's own.
  const lists = [
    ...(await bench.plane.exposition()).matchAll(
      /^apiserver_request_total\{[^}]*verb="LIST"[^}]*resource="services"[^}]*\} (\d+)/gm,
    ),
  ].reduce((sum, [, count]) => sum + Number(count), 0);
  assert.ok(lists <= 3, `${lists} lists of services`);
});

test(
  'kubectl wait right after a change waits for that change',
  { skip: missingKubectl() },
  async (t) => {
    const bench = await ServiceBench.start(t);
    const kubectl = new Kubectl(bench.plane.kubeconfig, bench.plane.folder);
    await bench.plane.controllers();
    await bench.create('v0', START_FIRST);
    await bench.settled('v0', 3);
    for (const image of ['v1', 'v2', 'v3']) {
      await bench.update(image);
      const service = 'service.windlass.dev/web';
      await kubectl.ok(['wait', '--for=condition=Ready', service, '--timeout=120s']);
      assert.deepEqual(bench.images, [image, image, image]);
    }
  },
);
