// A small world for the planner: machines as they are observed when all is well, and what a test changes of them.
import { distributionOf } from './distributions/table.ts';
import { hashRevision } from './hash-plan.ts';
import type { ObservedMachine } from './observed.ts';
import { decideRollout } from './plan-rollout.ts';
import type { ClusterPlan, HostNotes, PlanInput, RolloutDecision } from './plan-types.ts';
import { planCluster } from './plan.ts';
import { resolveSettings } from './settings.ts';
import { targetsOf } from './targets.ts';
import type { Cluster, ClusterSpec, ClusterStatus, MachineTemplate, Pool, Role } from './types.ts';
import { isController, targetHash, wantedMachines } from './wanted-machines.ts';

/** One place for the state of several servers. */
const SHARED = ['--persistence', 'nfs:/srv/state'];

interface World extends Omit<ClusterSpec, 'pools' | 'reset'> {
  readonly pools: readonly Pool[];
  readonly machines: readonly (Partial<ObservedMachine> & {
    readonly name: string;
    readonly role: Role;
    readonly applied?: MachineTemplate;
  })[];
  readonly reset?: { readonly machines: readonly string[]; readonly force: boolean };
  readonly notes?: Readonly<Record<string, HostNotes>>;
  readonly status?: ClusterStatus;
  readonly isApiReady?: boolean;
}

export function planOf(world: World): {
  readonly input: PlanInput;
  readonly plan: ClusterPlan;
  readonly decision: RolloutDecision;
} {
  const { machines, notes = {}, status = {}, isApiReady = true, ...spec } = world;
  const cluster: Cluster = {
    metadata: {
      name: 'c',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '',
    },
    spec,
  };
  const resolved = resolveSettings(cluster);
  if ('problem' in resolved) throw new Error(resolved.problem);
  // Several servers of Windlass have one place for their state, where a test does not say otherwise.
  const flags = world.distributionOptions === undefined ? SHARED : resolved.flags;
  const settings = { ...resolved, flags };
  const wanted = wantedMachines(cluster, settings);
  const seen = machines.map((machine) => observed(machine, wanted));
  const input: PlanInput = {
    settings,
    rules: distributionOf(settings.distribution).rules,
    wanted,
    observed: seen,
    foreign: [],
    notes: new Map(Object.entries(notes)),
    targets: targetsOf(cluster, settings, wanted, seen),
    revision: hashRevision(cluster, settings),
    status,
    isApiReady,
  };
  const plan = planCluster(input);
  return { input, plan, decision: decideRollout(plan, input) };
}

function observed(
  machine: World['machines'][number],
  wanted: readonly ReturnType<typeof wantedMachines>[number][],
): ObservedMachine {
  const own = wanted.find(({ name }) => name === machine.name);
  const decided = { role: machine.role, clusterRef: { name: 'c' } };
  const applied = machine.applied === undefined ? own?.spec : { ...machine.applied, ...decided };
  const target =
    own === undefined || applied === undefined
      ? 'gone'
      : targetHash({ ...own, spec: applied }, machine.version, undefined);
  return {
    pool: own?.pool ?? '',
    isController: isController(machine.role),
    isDeleting: false,
    version: machine.version,
    runningVersion: machine.version,
    powerState: 'Running',
    permit: { key: target, given: undefined, isReached: true, isGiven: false, isSpent: false },
    target,
    isSettled: true,
    hasJoined: true,
    isServing: true,
    isReachable: true,
    isStopped: false,
    waitsForPermit: false,
    phase: 'Ready',
    failure: undefined,
    ...machine,
    applied,
  };
}
