// What a Machine, and its Node where this server has it, say about one member of a cluster. Pure.
import { isConditionTrue } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { CORDONED_BY_ANNOTATION } from '../machinery/cordon.ts';
import {
  isDistributionDriven,
  rolloutPermit,
  TARGET_ANNOTATION,
} from '../machine/rollout-permit.ts';
import type { RolloutPermit } from '../machine/rollout-permit.ts';
import { isSameVersion } from './versions.ts';
import { isController } from './wanted-machines.ts';
import {
  APPLIED_ANNOTATION,
  CLUSTER_LABEL,
  CLUSTER_UID_LABEL,
  OPERATION_ANNOTATION,
  POOL_LABEL,
} from './types.ts';
import type { Cluster, Machine, MachineTemplate, PowerState, Role } from './types.ts';
import type { ApiObject } from '../machinery/client-types.ts';

export interface NodeView extends ApiObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo?: { readonly kubeletVersion?: string };
  };
}

export interface ObservedMachine {
  readonly name: string;
  readonly pool: string;
  readonly role: Role | undefined;
  readonly isController: boolean;
  readonly isDeleting: boolean;
  /** Hash of what the cluster last asked it to be; '' when it never did. */
  readonly target: string;
  /** Template that it was last given. */
  readonly applied: MachineTemplate | undefined;
  /** As the spec asks. */
  readonly version: string | undefined;
  readonly runningVersion: string | undefined;
  readonly powerState: PowerState;
  readonly permit: RolloutPermit;
  /** It is what its spec asks for, and says so of this very spec. */
  readonly isSettled: boolean;
  /** It was a member once. */
  readonly hasJoined: boolean;
  /** It does its work, as far as anybody can see. */
  readonly isServing: boolean;
  readonly isReachable: boolean;
  readonly isStopped: boolean;
  readonly waitsForPermit: boolean;
  /** Hash of what its Artifacts and files hold, as it is being tried or was last. */
  readonly content?: string | undefined;
  readonly phase: string;
  /** Why it will not become what the spec asks for by itself. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
}

/** Whether a Machine is this very cluster's: by name and UID, never by how its own name begins. */
export function isOwnMachine({ metadata }: Machine, cluster: Cluster): boolean {
  return (
    metadata.labels?.[CLUSTER_LABEL] === cluster.metadata.name &&
    metadata.labels[CLUSTER_UID_LABEL] === cluster.metadata.uid &&
    metadata.namespace === cluster.metadata.namespace
  );
}

export function observeMachine(machine: Machine, node: NodeView | undefined): ObservedMachine {
  const { metadata, spec, status = {} } = machine;
  const { annotations = {}, labels = {}, generation = 1 } = metadata;
  const target = annotations[TARGET_ANNOTATION] ?? '';
  const { conditions = [], phase = 'Pending' } = status;
  const isDriven = isDistributionDriven(machine);
  const isSeen = (status.observedGeneration ?? 0) >= generation;
  const hasGoal = !isDriven || status.goalHash === target;
  const isOutdated =
    conditionOf(conditions, 'UpToDate')?.status === 'False' ||
    (status.runningVersion !== undefined &&
      spec.version !== undefined &&
      !isSameVersion(status.runningVersion, spec.version));
  const powerState = spec.powerState ?? 'Running';
  const isStopped = phase === 'Stopped';
  const isCordoned =
    node?.spec?.unschedulable === true &&
    node.metadata.annotations?.[CORDONED_BY_ANNOTATION] === `machine/${metadata.name}`;
  const isReady = phase === 'Ready' && conditionOf(conditions, 'NodeReady')?.status !== 'False';
  const nodeReady = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  const isServing =
    isReady && !isCordoned && (nodeReady === undefined || nodeReady.status === 'True');
  return {
    name: metadata.name,
    pool: labels[POOL_LABEL] ?? '',
    role: spec.role,
    isController: isController(spec.role),
    isDeleting: metadata.deletionTimestamp !== undefined,
    target,
    applied: parsed(annotations[APPLIED_ANNOTATION]),
    version: spec.version,
    runningVersion: status.runningVersion,
    powerState,
    permit: rolloutPermit(machine),
    isSettled:
      isSeen &&
      hasGoal &&
      (powerState === 'Stopped' ? isStopped : isReady && !isOutdated && !isCordoned),
    hasJoined:
      phase === 'Ready' ||
      isStopped ||
      status.nodeRef !== undefined ||
      status.runningVersion !== undefined ||
      status.lastGood !== undefined,
    isServing,
    isReachable:
      conditionOf(conditions, 'Reachable')?.status !== 'False' && nodeReady?.status !== 'Unknown',
    isStopped,
    waitsForPermit: conditions.some(
      ({ type, reason }) => type === 'Drained' && reason === 'WaitingForBudget',
    ),
    content: status.run?.contentHash ?? status.contentHash,
    phase,
    failure: isSeen && !isAskedAgain(machine) ? failureOf(conditions, phase) : undefined,
  };
}

/** It was told to try once more and has not begun: what it says is about the time before. */
function isAskedAgain({ metadata, status }: Machine): boolean {
  const [, uid] = /^(.+)\/Retry$/.exec(metadata.annotations?.[OPERATION_ANNOTATION] ?? '') ?? [];
  return uid !== undefined && status?.operation?.uid !== uid;
}

const DRAIN_FAILED = /^Drain(Timeout|Failed)$/;

function failureOf(conditions: readonly Condition[], phase: string): ObservedMachine['failure'] {
  const drained = conditionOf(conditions, 'Drained');
  if (drained?.status === 'False' && DRAIN_FAILED.test(drained.reason))
    return { reason: drained.reason, message: drained.message };
  if (isConditionTrue(conditions, 'RolledBack')) {
    const { reason = 'RolledBack', message = '' } = conditionOf(conditions, 'RolledBack') ?? {};
    return { reason, message };
  }
  if (phase !== 'Failed') return undefined;
  const ready = conditionOf(conditions, 'Ready');
  const first = CAUSES.map((type) => conditionOf(conditions, type)).find(
    (one) => one?.status === 'False',
  );
  const cause = ready?.status === 'False' && ready.message !== '' ? ready : first;
  return { reason: cause?.reason ?? 'Failed', message: cause?.message ?? 'the machine failed' };
}

/** In order of life: the first that does not hold is why the others do not. */
const CAUSES = [
  'InfrastructureReady',
  'Reachable',
  'PreflightPassed',
  'ArtifactsStaged',
  'RootFSReady',
  'NodeStarted',
  'NodeReady',
];

function conditionOf(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Ours, but anybody may have written into it. */
function parsed(text: string | undefined): MachineTemplate | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as MachineTemplate)
      : undefined;
  } catch {
    return undefined;
  }
}
