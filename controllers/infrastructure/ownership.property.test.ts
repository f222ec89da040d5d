// Invariant 7: nothing is done to anything that does not carry all of our labels, or belongs to a foreign cluster that was adopted by
// its exact name; whatever the world looks like, whatever is asked for, and whatever fails on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '#test/support/seed.ts';
import { InfrastructureError } from './errors.ts';
import { clusterOf, never, request, simulated } from './infrastructure-fixture.ts';
import { LABELS, nodeLabels } from './label-scheme.ts';
import type { Labels } from './label-scheme.ts';
import type { ClusterReference } from './provider.ts';
import type { SimFault } from './sim/sim-world.ts';

/** Names that begin alike, contain each other, roles and prefixes. */
const NAMES = ['dev', 'dev-2', 'de', 'dev-worker', 'kwok-dev', 'dev-control-plane', 'worker'];
const ROLES = ['controller', 'worker', 'controller+worker'];

interface Planted {
  readonly name: string;
  readonly labels: Labels;
  readonly state: string;
}

const cluster = fc.constantFrom(...NAMES);

/** All five labels, of which some may be missing or empty. */
const ours = fc
  .record({
    cluster,
    uid: fc.constantFrom('', '-of-another'),
    role: fc.constantFrom(...ROLES),
    number: fc.nat({ max: 3 }),
    without: fc.subarray(Object.values(LABELS), { maxLength: 2 }),
    empty: fc.boolean(),
  })
  .map(({ cluster: name, uid, role, number, without, empty }) => {
    const identity = { name, uid: `${clusterOf(name).uid}${uid}` };
    const labels = Object.entries(nodeLabels(identity, request(name, number, { role })));
    return Object.fromEntries(
      labels.flatMap(([key, value]) =>
        without.includes(key as never) ? (empty ? [[key, '']] : []) : [[key, value]],
      ),
    );
  });

const foreign = fc.oneof(
  fc
    .record({
      name: cluster,
      role: fc.constantFrom('control-plane', 'worker', 'external-load-balancer'),
    })
    .map(({ name, role }): Labels => ({
      'io.x-k8s.kind.cluster': name,
      'io.x-k8s.kind.role': role,
    })),
  fc
    .record({
      name: cluster,
      app: fc.constantFrom('k3d', 'other'),
      role: fc.constantFrom('server', 'agent', 'registry'),
    })
    .map(({ name, app, role }): Labels => ({ app, 'k3d.cluster': name, 'k3d.role': role })),
  fc
    .record({ name: cluster, owned: fc.constantFrom('true', 'false') })
    .map(({ name, owned }): Labels => ({
      'talos.owned': owned,
      'talos.cluster.name': name,
      'talos.type': 'worker',
    })),
);

const planted = fc.record<Planted>({
  name: fc.tuple(cluster, fc.nat({ max: 3 })).map(([name, number]) => `${name}-${number}`),
  labels: fc.oneof(ours, foreign, fc.constant({})),
  state: fc.constantFrom('running', 'stopped'),
});

const step = fc.record({
  act: fc.constantFrom('create', 'start', 'stop', 'delete'),
  cluster,
  /** By identity, by name, or by the identity of another of that name. */
  by: fc.constantFrom('identity', 'name', 'another'),
  nodes: fc.option(fc.array(fc.nat({ max: 3 }), { maxLength: 3 })),
  fault: fc.constantFrom<'none' | 'error' | 'lost'>('none', 'none', 'error', 'lost'),
});

/** What may be touched, said anew here: exact labels and nothing else. */
function mayTouch(
  labels: Labels,
  scheme: string,
  adopted: readonly string[],
  by: ClusterReference,
): boolean {
  const name = typeof by === 'string' ? by : by.name;
  if (scheme === 'windlass') {
    const { resource: _resource, ...keys } = LABELS;
    const isWhole = Object.values(keys).every((key) => (labels[key] ?? '') !== '');
    const isOfUID = typeof by === 'string' || labels[LABELS.clusterUID] === by.uid;
    return isWhole && labels[LABELS.cluster] === name && isOfUID;
  }
  if (!adopted.includes(name)) return false;
  if (scheme === 'kind')
    return (
      labels['io.x-k8s.kind.cluster'] === name &&
      labels['io.x-k8s.kind.role'] !== 'external-load-balancer'
    );
  if (scheme === 'k3d')
    return (
      labels['app'] === 'k3d' && labels['k3d.cluster'] === name && labels['k3d.role'] !== 'registry'
    );
  return labels['talos.owned'] === 'true' && labels['talos.cluster.name'] === name;
}

test('nothing without our full label, or of a foreign cluster that was not adopted, is ever acted on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(planted, { maxLength: 12 }),
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('windlass', 'windlass', 'kind', 'k3d', 'talos'),
      fc.subarray(NAMES),
      async (world, steps, labelScheme, adoptedClusters) => {
        const sim = simulated({ labelScheme, adoptedClusters });
        for (const { name, labels, state } of world) sim.world.add(name, labels, state);
        for (const { act, cluster: name, by, nodes, fault } of steps) {
          const before = new Map(
            [...sim.world.nodes.values()].map((node) => [node.name, { ...node }]),
          );
          const identity = {
            name,
            uid: `${clusterOf(name).uid}${by === 'another' ? '-of-another' : ''}`,
          };
          const reference = by === 'name' ? name : identity;
          const faults: Record<typeof fault, SimFault | undefined> = {
            none: undefined,
            lost: 'lost',
            error: new InfrastructureError('as asked for'),
          };
          sim.world.fault = (action) => (action === 'list' ? undefined : faults[fault]);
          const choice =
            nodes === null ? {} : { nodes: nodes.map((number) => `${name}-${number}`) };
          const calls = {
            create: () =>
              sim.provider.createNodes(
                identity,
                [...new Set(nodes ?? [1])].map((number) => request(name, number)),
                never,
              ),
            start: () => sim.provider.startNodes(reference, never, choice),
            stop: () => sim.provider.stopNodes(reference, never, choice),
            delete: () => sim.provider.deleteNodes(reference, never, choice),
          };
          await calls[act]().catch((error: unknown) =>
            assert.ok(error instanceof InfrastructureError, String(error)),
          );
          for (const [node, was] of before) {
            const is = sim.world.nodes.get(node);
            if (is !== undefined && is.state === was.state && is.id === was.id) continue;
            assert.ok(
              act !== 'create' && mayTouch(was.labels, labelScheme, adoptedClusters, reference),
              `${act} ${JSON.stringify(reference)} touched ${node} ${JSON.stringify(was.labels)}`,
            );
          }
        }
      },
    ),
    { seed: seededRandom().seed, numRuns: 500 },
  );
});
