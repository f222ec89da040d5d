// What is to be done to the machines of a cluster, in order: a comparison of what is described with what is seen. Pure; when each
// may happen is the rollout's to say (plan-rollout.ts).
import { planProblems } from './plan-problems.ts';
import type { ClusterPlan, PlanInput } from './plan-types.ts';
import type { ObservedMachine } from './observed.ts';
import type { PlanItem } from './types.ts';
import { isSameVersion } from './versions.ts';
import { byMachineName, canonical, isController } from './wanted-machines.ts';
import type { WantedMachine } from './wanted-machines.ts';

/** Fields of a Machine that change it where it stands. */
const IN_PLACE = ['preflight', 'deletionPolicy', 'paused'];
/** Fields that say which machine it is. */
const IDENTITY = ['providerRef', 'connection'];

export function planCluster(input: PlanInput): ClusterPlan {
  const { settings, observed, wanted } = input;
  if (settings.powerState === 'Stopped') return { items: planStop(input), problems: [] };
  const problems = planProblems(input);
  const seen = new Map(observed.map((machine) => [machine.name, machine]));
  const changes = wanted.flatMap((machine): readonly PlanItem[] => {
    if (input.foreign.includes(machine.name)) return [];
    const item = changeOf(machine, seen.get(machine.name), input);
    return item === undefined ? [] : [item];
  });
  const roles = new Map(wanted.map(({ name, role }) => [name, role]));
  const ofController = ({ machine }: PlanItem): boolean => isController(roles.get(machine));
  const isNew = ({ action }: PlanItem): boolean => action === 'create';
  const inOrder = byPool(input);
  return {
    items: [
      ...changes.filter(({ action }) => action === 'start'),
      ...changes.filter((item) => isNew(item) && ofController(item)),
      ...changes.filter((item) => isNew(item) && !ofController(item)),
      ...changes.filter((item) => isOther(item) && ofController(item)),
      ...changes.filter((item) => isOther(item) && !ofController(item)).toSorted(inOrder),
      ...planRemoval(input),
    ],
    problems,
  };
}

function isOther({ action }: PlanItem): boolean {
  return action !== 'create' && action !== 'start';
}

function changeOf(
  wanted: WantedMachine,
  machine: ObservedMachine | undefined,
  input: PlanInput,
): PlanItem | undefined {
  const { settings, status, targets } = input;
  const target = targets.get(wanted.name) ?? '';
  const item = (
    action: PlanItem['action'],
    reason: string,
    disruption: PlanItem['disruption'] = 'none',
  ): PlanItem => ({ machine: wanted.name, action, reason, disruption, target });
  if (machine === undefined) return item('create', `${wanted.pool} has no such machine yet`);
  if (machine.isDeleting)
    return item('recreate', 'it is being removed, and is wanted again', 'recreate');
  if (machine.powerState === 'Stopped') {
    return isToRun(machine.name, input) ? item('start', 'the cluster is to run') : undefined;
  }
  if (!machine.hasJoined && machine.target === target)
    return item('create', 'it has not joined yet');
  if (machine.target !== target) {
    if (!machine.hasJoined && machine.target === '') return item('create', 'it was not set up yet');
    return changeOfTarget(wanted, machine, settings.version, item);
  }
  if (machine.isSettled) return undefined;
  if (
    status.rollout?.begun.includes(machine.name) === true &&
    status.rollout.revision === input.revision
  )
    return item('update', 'its update is not finished', 'restart');
  return machine.waitsForPermit
    ? item('repair', `it is ${machine.phase} and must be set right`, 'restart')
    : undefined;
}

/** What somebody stopped by itself stays so, unless nothing runs and nobody knows what did. */
function isToRun(name: string, { status, observed }: PlanInput): boolean {
  const { powerSnapshot } = status;
  return powerSnapshot === undefined
    ? observed.every(({ powerState }) => powerState === 'Stopped')
    : powerSnapshot.machines.includes(name);
}

function changeOfTarget(
  wanted: WantedMachine,
  machine: ObservedMachine,
  version: string | undefined,
  item: (
    action: PlanItem['action'],
    reason: string,
    disruption: PlanItem['disruption'],
  ) => PlanItem,
): PlanItem {
  const fields = changedFields(wanted, machine);
  const identity = fields.filter((field) => IDENTITY.includes(field));
  if (identity.length > 0)
    return item('recreate', `${identity.join(', ')} changed: it is another machine`, 'recreate');
  const isUpgrade = version !== undefined && !isSameVersion(machine.version, version);
  if (isUpgrade)
    return item('update', `version ${machine.version ?? 'unknown'} → ${version}`, 'restart');
  if (fields.length > 0 && fields.every((field) => IN_PLACE.includes(field)))
    return item('configure', `${fields.join(', ')} changed`, 'none');
  const what = fields.length === 0 ? 'distributionOptions' : fields.join(', ');
  return item('update', `${what} changed`, 'restart');
}

/** Fields of the template that are not what the machine was last given. */
function changedFields(wanted: WantedMachine, machine: ObservedMachine): readonly string[] {
  const { applied = {} } = machine;
  const fields = new Set([...Object.keys(wanted.spec), ...Object.keys(applied)]);
  return [...fields]
    .filter((field) => canonical(wanted.spec[field]) !== canonical(applied[field]))
    .toSorted();
}

/** Machines that no pool names any more, and those to be reset: workers first. */
function planRemoval({ settings, observed, wanted }: PlanInput): readonly PlanItem[] {
  const named = new Set(wanted.map(({ name }) => name));
  const reset = new Set(settings.reset.machines);
  const gone = observed
    .filter(({ name }) => !named.has(name) && (settings.prune || reset.has(name)))
    // The highest number first: what was added last goes first.
    .toSorted((left, right) => byMachineName(right, left));
  return [
    ...gone.filter(({ isController }) => !isController),
    ...gone.filter(({ isController }) => isController),
  ].map(({ name }) => ({
    machine: name,
    action: 'delete',
    reason: reset.has(name) ? 'spec.reset names it' : 'no pool names it any more',
    disruption: 'recreate',
    target: '',
  }));
}

/** Workers stop first: what they run needs the controllers. */
function planStop({ observed }: PlanInput): readonly PlanItem[] {
  const running = observed.filter(
    ({ isDeleting, isStopped, powerState }) =>
      !isDeleting && !(powerState === 'Stopped' && isStopped),
  );
  return [
    ...running.filter(({ isController }) => !isController),
    ...running.filter(({ isController }) => isController),
  ].map(({ name }) => ({
    machine: name,
    action: 'stop',
    reason: 'the cluster is to be stopped',
    disruption: 'restart',
    target: '',
  }));
}

/** Pools in the order of spec.rollout.order, others after them; within a pool as they are described. */
function byPool({ settings, wanted }: PlanInput): (left: PlanItem, right: PlanItem) => number {
  const ranks = new Map(
    wanted.map(({ name, pool }) => {
      const rank = settings.poolOrder.indexOf(pool);
      return [name, rank < 0 ? settings.poolOrder.length : rank];
    }),
  );
  return (left, right) => (ranks.get(left.machine) ?? 0) - (ranks.get(right.machine) ?? 0);
}
