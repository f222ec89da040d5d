// The status of a Cluster: what is there, what is planned, what is being done. Pure.
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { hashPlan } from './hash-plan.ts';
import type { ObservedMachine } from './observed.ts';
import type { ClusterPlan, PlanInput, Problem, RolloutDecision } from './plan-types.ts';
import { powerSnapshot } from './power.ts';
import type { Cluster, ClusterStatus } from './types.ts';
import { byMachineName } from './wanted-machines.ts';

/** Names in a message; more are counted. */
const NAMED = 5;

type Draft = Omit<Condition, 'lastTransitionTime'>;

export interface StatusFacts {
  readonly cluster: Cluster;
  readonly input: PlanInput;
  readonly plan: ClusterPlan;
  readonly decision: RolloutDecision;
  readonly endpoint: string | undefined;
  readonly ignoredFields: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function clusterStatus(facts: StatusFacts): ClusterStatus {
  const { cluster, input, plan, decision, endpoint, ignoredFields } = facts;
  const { settings, observed, status, revision, wanted, targets } = input;
  const now = timestamp(facts.now);
  const planHash = hashPlan(plan.items);
  const members = observed.toSorted(byMachineName);
  const ready = members.filter(({ isServing }) => isServing).length;
  const phase = phaseOf(members.length, ready);
  const updated = wanted.filter(({ name }) =>
    observed.some((one) => one.name === name && one.isSettled && one.target === targets.get(name)),
  ).length;
  const approvedPlan = approvedPlanOf(facts, planHash);
  const snapshot = powerSnapshot(status.powerSnapshot, settings.powerState, observed, now);
  const version = settings.version ?? commonVersion(members);
  return {
    observedGeneration: cluster.metadata.generation ?? 1,
    phase,
    ready: members.length > 0 && ready === members.length,
    ...(version === undefined ? {} : { version }),
    nodesTotal: members.length,
    nodesReady: ready,
    nodes: members.map(({ name, role, isServing, isStopped, phase: state, runningVersion }) => ({
      name,
      role: role ?? '',
      state: isServing ? 'running' : isStopped ? 'stopped' : state,
      ...(runningVersion === undefined ? {} : { version: runningVersion }),
    })),
    ...(endpoint === undefined ? {} : { endpoint }),
    plan: plan.items,
    ...(planHash === '' ? {} : { planHash }),
    ...(approvedPlan === undefined ? {} : { approvedPlan }),
    rollout: {
      revision,
      total: wanted.length,
      updated,
      begun: decision.begun,
      underWay: decision.underWay,
      failed: decision.failed,
    },
    ...(snapshot === undefined ? {} : { powerSnapshot: snapshot }),
    ...(ignoredFields.length === 0 ? {} : { ignoredFields }),
    conditions: setConditions(
      status.conditions ?? [],
      conditionsOf(facts, ready, updated).map((draft) => ({
        ...draft,
        observedGeneration: cluster.metadata.generation ?? 1,
      })),
      now,
    ),
  };
}

/** A status that says why nothing can be done. */
export function refusedStatus(cluster: Cluster, problem: Problem, now: number): ClusterStatus {
  const observedGeneration = cluster.metadata.generation ?? 1;
  const drafts: readonly Draft[] = [
    { type: 'PlanReady', status: 'False', ...problem, observedGeneration },
    { type: 'Ready', status: 'False', ...problem, observedGeneration },
  ];
  return {
    ...cluster.status,
    observedGeneration,
    conditions: setConditions(cluster.status?.conditions ?? [], drafts, timestamp(now)),
  };
}

/** All, some or none: the same words that providers use. */
export function phaseOf(total: number, ready: number): string {
  if (total === 0) return 'Pending';
  if (ready === total) return 'running';
  return ready === 0 ? 'stopped' : 'degraded';
}

function approvedPlanOf(
  { input, plan }: StatusFacts,
  planHash: string,
): ClusterStatus['approvedPlan'] {
  const { settings, status } = input;
  const { approvedPlan } = status;
  if (!settings.isPlanOnly || settings.approvedPlanHash === undefined) return undefined;
  const hash = settings.approvedPlanHash;
  if (approvedPlan?.hash === hash)
    return plan.items.length === 0 ? { hash, done: true } : approvedPlan;
  return planHash === hash ? { hash, items: plan.items } : undefined;
}

function conditionsOf(facts: StatusFacts, ready: number, updated: number): readonly Draft[] {
  const { input, plan, decision } = facts;
  const { settings, observed, wanted } = input;
  const total = observed.length;
  const isStopped = settings.powerState === 'Stopped';
  const away = observed.filter(
    (machine) => !machine.isServing && !(machine.isStopped && machine.powerState === 'Stopped'),
  );
  const unreachable = observed.filter(({ isReachable }) => !isReachable).map(({ name }) => name);
  const { hold, failed } = decision;
  const halted = hold?.reason === 'RolloutHalted' ? hold : undefined;
  const members = observed.filter(({ isController }) => isController);
  const serving = members.filter(({ isServing }) => isServing).length;
  const isAvailable =
    members.length === 0 ? ready > 0 : serving >= Math.floor(members.length / 2) + 1;
  const isDone = plan.items.length === 0 && plan.problems.length === 0;
  const available: Draft = isAvailable
    ? draft('Available', 'True', 'MinimumAvailable', `${ready} of ${total} machines serve`)
    : draft(
        'Available',
        'False',
        isStopped ? 'Stopped' : total === 0 ? 'NoNodes' : 'NoQuorum',
        `${serving} of ${members.length} controllers serve`,
      );
  const degraded: Draft =
    away.length > 0 || failed.length > 0
      ? draft(
          'Degraded',
          'True',
          failed[0]?.reason ?? (unreachable.length > 0 ? 'Unreachable' : 'NotReady'),
          degradedMessage(away, failed, unreachable),
        )
      : draft('Degraded', 'False', 'AsExpected', 'no machine is out of order');
  const isComplete = isDone && !isStopped && ready === wanted.length && wanted.length > 0;
  return [
    available,
    progressing(facts, isDone, updated),
    degraded,
    planReady(facts),
    halted === undefined
      ? draft('RolloutHalted', 'False', 'AsExpected', 'no more failures than allowed')
      : draft('RolloutHalted', 'True', failed[0]?.reason ?? 'RolloutHalted', halted.message),
    isComplete
      ? draft('Ready', 'True', 'Ready', `${ready} machines are what they are to be`)
      : draft(
          'Ready',
          'False',
          isStopped ? 'Stopped' : (hold?.reason ?? (isDone ? 'NotReady' : 'Progressing')),
          isStopped
            ? 'spec.powerState is Stopped'
            : (hold?.message ??
                `${ready} of ${wanted.length} machines are ready, ${plan.items.length} changes left`),
        ),
    ...ignored(facts),
  ];
}

function ignored({ ignoredFields }: StatusFacts): readonly Draft[] {
  return [
    ignoredFields.length === 0
      ? draft('FieldsIgnored', 'False', 'AsExpected', 'every field of the spec is acted on')
      : draft(
          'FieldsIgnored',
          'True',
          'NotSupported',
          `nothing acts on ${ignoredFields.join(', ')}`,
        ),
  ];
}

function progressing(
  { decision, plan, input }: StatusFacts,
  isDone: boolean,
  updated: number,
): Draft {
  const { hold, waits } = decision;
  if (isDone) return draft('Progressing', 'False', 'Settled', 'nothing is left to be done');
  const all = `${updated} of ${input.wanted.length} machines are what they are to be`;
  const isMoving = plan.items.some(
    ({ machine }) => !waits.has(machine) || waits.get(machine) === 'InProgress',
  );
  if (hold !== undefined && !isMoving)
    return draft('Progressing', 'False', hold.reason, hold.message);
  const reasons = Map.groupBy(
    plan.items.filter(({ machine }) => waits.has(machine)),
    ({ machine }) => waits.get(machine) ?? '',
  );
  const told = [...reasons].map(
    ([reason, items]) => `${reason}: ${some(items.map(({ machine }) => machine))}`,
  );
  const message = [all, ...told].join('; ');
  const [reason = 'Progressing'] = [...reasons.keys()];
  return isMoving
    ? draft('Progressing', 'True', 'Progressing', message)
    : draft('Progressing', 'False', reason, message);
}

function planReady({ plan, input, decision }: StatusFacts): Draft {
  const [problem] = plan.problems;
  if (problem !== undefined)
    return draft(
      'PlanReady',
      'False',
      problem.reason,
      plan.problems.map(({ message }) => message).join('; '),
    );
  const { hold } = decision;
  if (hold?.reason === 'PlanChanged') return draft('PlanReady', 'False', hold.reason, hold.message);
  const count = plan.items.length;
  return draft(
    'PlanReady',
    'True',
    hold?.reason === 'AwaitingApproval' && count > 0 ? 'AwaitingApproval' : 'Planned',
    count === 0
      ? 'nothing to do'
      : `${count} changes${input.settings.isPlanOnly ? `: ${hold?.message ?? 'approved'}` : ''}`,
  );
}

function degradedMessage(
  away: readonly ObservedMachine[],
  failed: RolloutDecision['failed'],
  unreachable: readonly string[],
): string {
  return [
    ...failed.map(({ machine, reason, message }) => `${machine}: ${reason}: ${message}`),
    ...(unreachable.length === 0 ? [] : [`not reachable: ${some(unreachable)}`]),
    ...(away.length === 0 ? [] : [`not ready: ${some(away.map(({ name }) => name))}`]),
  ].join('; ');
}

function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function commonVersion(members: readonly ObservedMachine[]): string | undefined {
  return members.map(({ version }) => version).find((version) => version !== undefined);
}

function draft(type: string, status: Condition['status'], reason: string, message: string): Draft {
  return { type, status, reason, message };
}
