// Services whose template names PersistentVolumeClaims itself: they run where those are, together, and wait for one that is missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SELECTED_NODE_ANNOTATION } from '#controllers/machinery/claim-place.ts';
import type { Claim } from '#controllers/machinery/claim-place.ts';
import { PERSISTENT_VOLUME_CLAIMS, SERVICES } from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { QUICK, ServiceBench, templateOf } from '../support/service-bench.ts';

class ClaimBench {
  readonly bench: ServiceBench;

  constructor(bench: ServiceBench) {
    this.bench = bench;
  }

  async makeClaim(name: string, node?: string, spec: object = {}): Promise<void> {
    const { client, signal } = this.bench.plane;
    const annotations = node === undefined ? {} : { [SELECTED_NODE_ANNOTATION]: node };
    const storage = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const body = { metadata: { name, annotations }, spec: { ...storage, ...spec } };
    await client.create(PERSISTENT_VOLUME_CLAIMS, 'default', body, signal);
  }

  async nodeOfClaim(name: string): Promise<string | undefined> {
    const { client, signal } = this.bench.plane;
    const { metadata } = await client.get<Claim>(PERSISTENT_VOLUME_CLAIMS, 'default', name, signal);
    return metadata.annotations?.[SELECTED_NODE_ANNOTATION];
  }

  async makeService(
    name: string,
    replicas: number,
    claim: string,
    more: object = {},
  ): Promise<void> {
    const { client, signal } = this.bench.plane;
    const spec = { replicas, updateStrategy: QUICK, template: mounting(claim), ...more };
    await client.create(SERVICES, 'default', { metadata: { name }, spec }, signal);
  }

  /** Waits until so many instances of a service serve. @returns their nodes, each once */
  nodesOf(name: string, replicas: number): Promise<readonly string[]> {
    return eventually(`${replicas} of ${name}`, () => {
      const serving = this.bench.nodes.serving.filter(
        ({ metadata }) => metadata.labels?.['windlass.dev/service'] === name,
      );
      assert.equal(serving.length, replicas);
      return [...new Set(serving.map(({ spec }) => spec.nodeName ?? ''))];
    });
  }
}

function mounting(claimName: string): object {
  return templateOf(
    'a',
    { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
    { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
  );
}

test('instances run where the claim of their template is, or wait and say for which', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2', 'n3'] });
  const claims = new ClaimBench(bench);
  await bench.plane.controllers();
  await claims.makeClaim('here', 'n2');
  await claims.makeService('kept', 3, 'here');
  assert.deepEqual(await claims.nodesOf('kept', 3), ['n2']);

  await bench.create('a', { replicas: 2, template: mounting('late') });
  await eventually('it says what is missing', async () => {
    const { reason, message } = await bench.condition('Progressing', 'True');
    assert.equal(reason, 'NoEligibleNode');
    assert.match(message, /no machines available .*: claims of the template not found: 'late': /);
  });
  await claims.makeClaim('late', 'n3');
  assert.deepEqual(await claims.nodesOf('web', 2), ['n3']);
  // Elsewhere it may not go.
  await bench.change({ replicas: 3, placement: { nodes: ['n1'] } });
  await eventually('it says where its claim is', async () => {
    const { message } = await bench.condition('Progressing', 'True');
    assert.match(message, /has all required volumes: 'late' \(late is on n3\)/);
  });
  assert.deepEqual(await claims.nodesOf('web', 2), ['n3']);
});

test('services with one claim that has no node yet come together', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2', 'n3'] });
  const claims = new ClaimBench(bench);
  await claims.makeClaim('shared');
  await claims.makeClaim('classy', undefined, { storageClassName: 'fast' });
  await claims.makeService('writer', 2, 'shared');
  await claims.makeService('reader', 2, 'shared', { placement: { nodes: ['n2', 'n3'] } });
  await claims.makeService('other', 2, 'classy');
  // All are there before anybody plans.
  await bench.plane.controllers();
  assert.deepEqual(await claims.nodesOf('writer', 2), ['n2']);
  assert.deepEqual(await claims.nodesOf('reader', 2), ['n2']);
  assert.equal(await claims.nodeOfClaim('shared'), 'n2');
  // Its node is the scheduler's to choose, by the first instance; the others follow.
  assert.deepEqual(await claims.nodesOf('other', 2), [await claims.nodeOfClaim('classy')]);
});
