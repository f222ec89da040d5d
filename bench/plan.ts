// `npm run bench plan`: one plan of 10,000 instances on 1,000 nodes, by what there is to do; against half of both in the same run, as
// a planner that is linear takes twice the time for twice the size.
import type { ClaimFacts } from '#controllers/service/claims.ts';
import { Room } from '#controllers/machinery/pod-requests.ts';
import { input, instance, node, revision, settings } from '#controllers/service/plan-fixture.ts';
import { planService } from '#controllers/service/plan.ts';
import type { PlanInput } from '#controllers/service/plan-types.ts';
import type { PodTemplate } from '#controllers/service/types.ts';
import { figure, verdict } from './report.ts';

const nodeCount = 1_000;
const perNode = 10;
const rounds = 15;
const targetMs = 250;
const targetRatio = 2.3;

/** What there is, at some size; `old` instances are of revision v1. */
interface World {
  readonly nodes: PlanInput['nodes'];
  readonly instances: PlanInput['instances'];
  readonly count: number;
}

type Case = (world: World) => Partial<PlanInput>;

const container = { name: 'c', image: 'v2' };
const asking: PodTemplate = {
  spec: { containers: [{ ...container, resources: { requests: { cpu: '10m', memory: '16Mi' } } }] },
};
const spread: PodTemplate = {
  spec: {
    containers: [container],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: {},
      },
    ],
  },
};
const mounting: PodTemplate = {
  spec: { containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
};
const withVolume = revision('v2', {
  template: mounting,
  data: { template: mounting, volumes: [{ name: 'data' }] },
});
const update = { target: revision('v2'), current: revision('v1') };

function many(change: Parameters<typeof settings>[0], { count }: World): PlanInput['settings'] {
  return settings({ replicas: count, maxParallel: count / 100, ...change });
}

function claimsOn(nodes: PlanInput['nodes']): readonly ClaimFacts[] {
  return nodes.map(({ name }) => ({
    name: `data-${name}`,
    claimName: 'data',
    where: { node: name },
    driver: undefined,
  }));
}

function rooms(): NonNullable<PlanInput['room']> {
  const known = new Map<string, Room>();
  return (name) => {
    const room = known.get(name) ?? new Room({ cpu: '4', memory: '8Gi', pods: '110' });
    known.set(name, room);
    return room;
  };
}

const cases: Readonly<Record<string, Case>> = {
  steady: (world) => ({ settings: many({}, world) }),
  'first rollout': (world) => ({
    settings: many({}, world),
    instances: [],
    current: undefined,
  }),
  'rolling update': (world) => ({ settings: many({}, world), ...update }),
  'rolling update, previewed as a whole': (world) => ({
    settings: many({}, world),
    ...update,
    whole: true,
  }),
  'scale down to 1': (world) => ({ settings: many({ replicas: 1 }, world) }),
  'global update': (world) => ({
    settings: many({ mode: 'Global' }, world),
    instances: world.instances.slice(0, world.nodes.length),
    ...update,
  }),
  canary: (world) => ({ settings: many({ type: 'Canary' }, world), ...update }),
  'blue-green': (world) => ({
    settings: many({ type: 'BlueGreen' }, world),
    ...update,
    activeRevision: 'v1',
  }),
  'first rollout with requests': (world) => ({
    settings: many({}, world),
    instances: [],
    target: revision('v2', { template: asking }),
    current: undefined,
    room: rooms(),
  }),
  'rolling update with requests': (world) => ({
    settings: many({}, world),
    ...update,
    target: revision('v2', { template: asking }),
    room: rooms(),
  }),
  'first rollout spread by zone': (world) => ({
    settings: many({}, world),
    instances: [],
    target: revision('v2', { template: spread }),
    current: undefined,
  }),
  'rolling update with a volume on each node': (world) => ({
    settings: many({}, world),
    ...update,
    target: withVolume,
    claims: claimsOn(world.nodes),
  }),
  'global first rollout, half of its volumes there': (world) => ({
    settings: many({ mode: 'Global' }, world),
    instances: [],
    target: withVolume,
    current: undefined,
    claims: claimsOn(world.nodes.slice(0, world.nodes.length / 2)),
  }),
};

function worldOf(nodesThere: number): World {
  const nodes = Array.from({ length: nodesThere }, (_, index) =>
    node(`n${String(index).padStart(4, '0')}`, { labels: { zone: `z${index % 3}` } }),
  );
  const count = nodesThere * perNode;
  const instances = Array.from({ length: count }, (_, index) =>
    instance(`i${index}`, { node: nodes[index % nodesThere]?.name ?? '', createdAt: index }),
  );
  return { nodes, instances, count };
}

function planMs(world: World, change: Case): number {
  const { nodes, instances } = world;
  const given = input({ nodes, instances, ...change(world) });
  const began = performance.now();
  planService(given);
  return performance.now() - began;
}

/** Prints the time of each kind of plan, and how it grows. */
export function benchPlan(): Promise<void> {
  const whole = worldOf(nodeCount);
  const half = worldOf(nodeCount / 2);
  const times = Object.entries(cases).map(([name, change]) => {
    const wholeMs: number[] = [];
    const halfMs: number[] = [];
    // Round 0 warms up and is not counted. Both sizes in turn, so that they have the same machine.
    for (let round = 0; round <= rounds; round += 1) {
      const [one, other] = [planMs(whole, change), planMs(half, change)];
      if (round === 0) continue;
      wholeMs.push(one);
      halfMs.push(other);
    }
    // The fastest of each: it is nothing but computing, and whatever else the machine did made it slower.
    const fastest = Math.min(...wholeMs);
    figure(name, fastest, 'ms');
    const growth = fastest / Math.min(...halfMs);
    verdict('  ÷ half the size', growth, `≤ ${targetRatio}`, growth <= targetRatio);
    return fastest;
  });
  const slowest = Math.max(...times);
  const isMet = slowest <= targetMs ? '✓' : '✗';
  figure('slowest', slowest, `ms ≤ ${targetMs} ${isMet}`);
  return Promise.resolve();
}
