// What a Machine says about itself, out of what its steps came to and what was seen of its node. Pure.
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { stateOf, stepOf, without } from './run-state.ts';
import type { Machine, MachinePhase, MachineStatus, StepName } from './types.ts';

export interface MachineFacts {
  /** Absent: the machine is to be no node. */
  readonly node?: { readonly isThere: boolean; readonly isReady: boolean };
  /** Why the run does not go on. */
  readonly held?: 'WaitingForBudget' | 'Paused';
  /** Why the host could not be asked, the last time somebody tried. */
  readonly unreachable?: string;
  /** Its provider gives none; said in `unreachable` or `refused` too. */
  readonly noHost?: { readonly reason: string; readonly message: string };
  /** Its connection cannot work as it is written. */
  readonly refused?: string;
  /** Fields that differ from the goal and were seen so; undefined: nobody looked this time. */
  readonly drifted?: readonly string[];
  /** The service of the active slot is stopped, as it should be. */
  readonly isStopped?: boolean;
}

type New = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

const STEP_CONDITIONS: readonly (readonly [string, StepName])[] = [
  ['InfrastructureReady', 'Infra'],
  ['PreflightPassed', 'Preflight'],
  ['ArtifactsStaged', 'Stage'],
  ['RootFSReady', 'RootFS'],
  ['Drained', 'Drain'],
  ['NodeStarted', 'Start'],
];
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/SHA-256|digest/i, 'ChecksumMismatch'],
  [/clock skew/i, 'ClockSkew'],
  [/is not there$|Secret .* is not there/i, 'NotFound'],
];

/** The status as it is written: phase, conditions, and which spec it is about. */
export function withConditions(
  machine: Machine,
  status: MachineStatus,
  facts: MachineFacts,
  now: string,
): MachineStatus {
  const phase = phaseOf(machine, status, facts);
  const { generation } = machine.metadata;
  const wanted = conditionsOf(status, facts, phase).map((condition) => ({
    ...condition,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }));
  return {
    ...without(status, 'nodeRef'),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(facts.node?.isThere === true ? { nodeRef: { name: machine.metadata.name } } : {}),
    phase,
    conditions: setConditions(status.conditions ?? [], wanted, now),
  };
}

export function phaseOf(
  { spec }: Machine,
  status: MachineStatus,
  { node, held, isStopped, refused }: MachineFacts,
): MachinePhase {
  const { run, lastGood, goalHash, quarantined = [], steps = [] } = status;
  if (refused !== undefined) return 'Failed';
  if (isStopped === true && (spec.powerState === 'Stopped' || status.isHeldStopped === true))
    return 'Stopped';
  if (run !== undefined && held !== 'Paused') {
    const failed = steps.some(({ name, state }) => state === 'Failed' && name !== 'Drain');
    if (failed && run.direction === 'Forward') return 'Failed';
    if (lastGood !== undefined && stateOf(status, 'Drain') === 'Pending') return settledPhase(node);
    return stateOf(status, 'Start') === 'Done' ? 'Joining' : 'Provisioning';
  }
  if (lastGood !== undefined) return settledPhase(node);
  if (goalHash !== undefined && quarantined.includes(goalHash)) return 'Failed';
  return 'Pending';
}

function settledPhase(node: MachineFacts['node']): MachinePhase {
  return node === undefined || node.isReady ? 'Ready' : 'Joining';
}

function conditionsOf(
  status: MachineStatus,
  facts: MachineFacts,
  phase: MachinePhase,
): readonly New[] {
  const { node, drifted, unreachable } = facts;
  const { quarantined = [], goalHash, lastGood, run } = status;
  const isBack =
    stateOf(status, 'Rollback') === 'Done' && stateOf(status, 'Switch') !== 'Cancelled';
  const isRolledBack = isBack && lastGood !== undefined && quarantined.includes(goalHash ?? '');
  const why = failureOf(status);
  const isCurrent = lastGood !== undefined && lastGood.goalHash === goalHash;
  const isNewSpec = run !== undefined;
  return [
    ...STEP_CONDITIONS.flatMap(([type, step]) => stepCondition(status, type, step, facts)),
    ...(facts.noHost === undefined
      ? []
      : [no('InfrastructureReady', facts.noHost.reason, facts.noHost.message)]),
    ...(facts.refused === undefined || facts.noHost !== undefined
      ? []
      : [no('InfrastructureReady', reasonOf(facts.refused), facts.refused)]),
    unreachable === undefined && facts.refused === undefined
      ? yes('Reachable', 'Answered', 'The host answers.')
      : no('Reachable', 'Unreachable', unreachable ?? facts.refused ?? ''),
    ...(node === undefined
      ? []
      : [
          node.isReady
            ? yes('NodeReady', 'NodeReady', 'The node is Ready.')
            : no(
                'NodeReady',
                node.isThere ? 'NodeNotReady' : 'NodeNotFound',
                node.isThere ? 'The node is not Ready.' : 'There is no Node of this name.',
              ),
        ]),
    quarantined.includes(goalHash ?? '')
      ? no(
          'UpToDate',
          'Quarantined',
          `This goal failed: ${why ?? 'see steps'}. Change the spec, or ask for Retry.`,
        )
      : isCurrent && !isNewSpec
        ? yes('UpToDate', 'UpToDate', 'What runs is what the spec asks for.')
        : no(
            'UpToDate',
            isNewSpec ? 'Progressing' : 'Pending',
            why ?? 'The spec is being worked on.',
          ),
    ...(drifted === undefined
      ? []
      : [
          drifted.length === 0
            ? no('Drifted', 'InPlace', 'The host is as the goal says.')
            : yes('Drifted', 'Drifted', drifted.join('; ')),
        ]),
    isRolledBack
      ? yes('RolledBack', 'RolledBack', `Slot ${lastGood.slot} runs again: ${why ?? 'see steps'}`)
      : no('RolledBack', 'NotRolledBack', 'Nothing was rolled back.'),
    phase === 'Ready'
      ? yes('Ready', 'Ready', 'The machine does what it is for.')
      : no(
          'Ready',
          facts.held ?? phase,
          facts.refused ?? facts.unreachable ?? why ?? `The machine is ${phase}.`,
        ),
  ].map((condition) => ({ ...condition, message: condition.message.slice(0, 4_000) }));
}

function stepCondition(
  status: MachineStatus,
  type: string,
  step: StepName,
  { held }: MachineFacts,
): readonly New[] {
  const found = stepOf(status, step);
  if (found === undefined) return [];
  const message = found.message ?? `${step} is ${found.state.toLowerCase()}.`;
  switch (found.state) {
    case 'Done':
      return [yes(type, 'Done', message)];
    case 'Failed':
      return [no(type, step === 'Drain' ? drainReason(message) : reasonOf(message), message)];
    case 'Running':
      return [no(type, 'Running', message)];
    case 'Cancelled':
      return [no(type, 'Cancelled', message)];
    case 'Pending':
      return step === 'Drain' && held === 'WaitingForBudget'
        ? [no(type, held, 'Waits until its Cluster lets it be disrupted.')]
        : [no(type, 'Pending', message)];
  }
}

function drainReason(message: string): string {
  return /not empty after/.test(message) ? 'DrainTimeout' : 'DrainFailed';
}

function reasonOf(message: string): string {
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'Failed';
}

/** The first step that failed, in its own words. */
function failureOf({ steps = [] }: MachineStatus): string | undefined {
  const failed = steps.find(({ state }) => state === 'Failed');
  return failed === undefined ? undefined : `${failed.name}: ${failed.message ?? 'failed'}`;
}

function yes(type: string, reason: string, message: string): New {
  return { type, status: 'True', reason, message };
}

function no(type: string, reason: string, message: string): New {
  return { type, status: 'False', reason, message };
}
