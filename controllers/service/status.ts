// What a Service says about itself: counts, revisions, conditions with reasons a person can act on, and the plan. Pure.
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { isGivenUp } from './plan-context.ts';
import type { Operation, Plan, PlanInput } from './plan-types.ts';
import { SERVICE_LABEL } from './types.ts';
import type { PlannedOperation, Service, ServiceStatus } from './types.ts';

/** Long plans are cut: the status is read by people and rewritten with each step. */
const MAXIMUM_OPERATIONS = 50;
const MAXIMUM_TROUBLES = 3;

type NewCondition = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

export function serviceStatus(
  service: Service,
  input: PlanInput,
  plan: Plan,
  revisionNumber: number,
): ServiceStatus {
  const { target, now } = input;
  const before = service.status ?? {};
  const operations = plan.operations.slice(0, MAXIMUM_OPERATIONS).map(planned);
  // Without a single instance nothing is proven: the revision to fall back to stays, unless there is none.
  const proven = plan.complete && (plan.desired > 0 || before.currentRevision === undefined);
  const current = proven ? target.hash : before.currentRevision;
  const settled = plan.operations.every(({ state }) => state === 'Done');
  return {
    ...observed(service),
    replicas: input.instances.filter(({ terminating }) => !terminating).length,
    desiredReplicas: plan.desired,
    readyReplicas: plan.ready,
    updatedReplicas: plan.updated,
    availableReplicas: plan.available,
    ...(current === undefined ? {} : { currentRevision: current }),
    updateRevision: target.hash,
    revision: revisionNumber,
    ...(plan.activeRevision === undefined ? {} : { activeRevision: plan.activeRevision }),
    ...(plan.step === undefined ? {} : { step: plan.step }),
    ...(plan.awaitsPromotion ? { awaitsPromotion: true } : {}),
    selector: `${SERVICE_LABEL}=${service.metadata.name}`,
    conditions: stamped(service, conditionsOf(input, plan), now),
    ...(settled ? {} : { plan: { operations, summary: summaryOf(plan.operations) } }),
  };
}

/** The status of a spec that cannot be carried out: counts stay as they were. */
export function refusedStatus(service: Service, problem: string, now: number): ServiceStatus {
  const { plan: _, ...before } = service.status ?? {};
  const message = `${problem}; nothing is changed until the spec is`;
  return {
    ...before,
    ...observed(service),
    conditions: stamped(
      service,
      [
        { type: 'Ready', status: 'False', reason: 'InvalidSpec', message },
        { type: 'Progressing', status: 'False', reason: 'InvalidSpec', message },
      ],
      now,
    ),
  };
}

function observed(service: Service): Pick<ServiceStatus, 'observedGeneration'> {
  const { generation } = service.metadata;
  return generation === undefined ? {} : { observedGeneration: generation };
}

function stamped(
  service: Service,
  wanted: readonly NewCondition[],
  now: number,
): readonly Condition[] {
  const generation = observed(service);
  return setConditions(
    service.status?.conditions ?? [],
    wanted.map((condition) => ({ ...condition, ...generation })),
    timestamp(now),
  );
}

function conditionsOf(input: PlanInput, plan: Plan): readonly NewCondition[] {
  const { desired, available, updated } = plan;
  const failed = failureOf(input, plan);
  const conditions: NewCondition[] = [
    plan.complete
      ? { type: 'Ready', status: 'True', reason: 'AllAvailable', message: allAvailable(desired) }
      : {
          type: 'Ready',
          status: 'False',
          reason: notReadyReason(input, plan, failed),
          message: `${updated} of ${desired} instances are updated, ${available} available${troubleText(plan)}`,
        },
    progressing(input, plan, failed),
    degraded(input, plan, failed),
  ];
  if (failed !== undefined && input.current !== undefined && isGivenUp(input)) {
    conditions.push({
      type: 'RolledBack',
      status: 'True',
      reason: 'RolloutFailed',
      message:
        input.settings.failureAction === 'Rollback' || input.aborted === input.target.hash
          ? `Went back to revision ${input.current?.hash ?? ''}: ${failed}`
          : `Restored the failed instances with revision ${input.current?.hash ?? ''}: ${failed}`,
    });
  } else {
    conditions.push({
      type: 'RolledBack',
      status: 'False',
      reason: 'NoFailure',
      message: 'The revision that the spec describes has not been undone',
    });
  }
  return conditions;
}

function failureOf(input: PlanInput, plan: Plan): string | undefined {
  const aborted =
    input.aborted === input.target.hash && input.current?.hash !== input.target.hash
      ? 'it was aborted'
      : undefined;
  return plan.failure?.message ?? (plan.complete ? undefined : (input.target.failure ?? aborted));
}

function allAvailable(desired: number): string {
  if (desired === 0) return 'No instance is wanted, and none is there';
  return desired === 1
    ? 'The instance is updated and available'
    : `All ${desired} instances are updated and available`;
}

function notReadyReason(input: PlanInput, plan: Plan, failed: string | undefined): string {
  if (failed !== undefined) return 'RolloutFailed';
  if (input.settings.paused) return 'Paused';
  if (plan.updated < plan.desired) return 'RollingOut';
  return plan.available < plan.desired ? 'InstancesNotAvailable' : 'RollingOut';
}

function progressing(input: PlanInput, plan: Plan, failed: string | undefined): NewCondition {
  const type = 'Progressing';
  const { hash } = input.target;
  if (plan.complete) {
    return { type, status: 'True', reason: 'RolledOut', message: `Revision ${hash} is rolled out` };
  }
  if (failed !== undefined) {
    return {
      type,
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `Revision ${hash} is not rolled out (correct the spec, or apply the earlier one again): ${failed}`,
    };
  }
  if (input.settings.paused) {
    return {
      type,
      status: 'Unknown',
      reason: 'Paused',
      message: 'spec.paused is true: what runs is kept, nothing is updated',
    };
  }
  if (plan.placementProblem !== '' && plan.desired > plan.available) {
    const message = `Waits: ${plan.placementProblem}`;
    return { type, status: 'True', reason: 'NoEligibleNode', message };
  }
  if (plan.awaitsPromotion) {
    return {
      type,
      status: 'Unknown',
      reason: 'AwaitsPromotion',
      message: `${summaryOf(plan.operations)}; go on with windlass promote, or back with windlass abort`,
    };
  }
  if (plan.declined > 0 && plan.operations.every(({ state }) => state === 'Done')) {
    return {
      type,
      status: 'False',
      reason: 'FailuresTolerated',
      message: `Revision ${hash} is rolled out but for ${plan.declined} of ${plan.desired} instances, which keep the one before${troubleText(plan)}`,
    };
  }
  return {
    type,
    status: 'True',
    reason: 'RollingOut',
    message: `${summaryOf(plan.operations)}${troubleText(plan)}`,
  };
}

function degraded(input: PlanInput, plan: Plan, failed: string | undefined): NewCondition {
  const type = 'Degraded';
  const missing = plan.desired - plan.available;
  const started = input.current !== undefined;
  if (failed !== undefined)
    return { type, status: 'True', reason: 'RolloutFailed', message: failed };
  if (missing > 0 && started) {
    return {
      type,
      status: 'True',
      reason: 'InstancesNotAvailable',
      message: `${plan.available} of ${plan.desired} instances are available${troubleText(plan)}`,
    };
  }
  return {
    type,
    status: 'False',
    reason: 'AsExpected',
    message: 'No instance is missing that was there before',
  };
}

function troubleText({ troubles }: Plan): string {
  if (troubles.length === 0) return '';
  const more = troubles.length - MAXIMUM_TROUBLES;
  return `; ${troubles.slice(0, MAXIMUM_TROUBLES).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function planned(operation: Operation): PlannedOperation {
  const { op, node, state, reasons } = operation;
  return {
    op,
    ...(node === '' ? {} : { node }),
    ...('pod' in operation && operation.pod !== undefined ? { pod: operation.pod } : {}),
    ...(operation.op === 'createVolume' ? { volume: operation.create.claimName } : {}),
    ...(operation.op === 'replace' ? { order: operation.order } : {}),
    state,
    reasons,
  };
}

/** `1 done · 1 replace in progress · 1 replace pending`. */
export function summaryOf(operations: readonly Operation[]): string {
  const words = {
    Pending: 'pending',
    InProgress: 'in progress',
    Waiting: 'waiting',
    Done: 'done',
    Failed: 'failed',
  };
  const counts = new Map<string, number>();
  for (const { op, state } of operations) {
    const label = state === 'Done' ? 'done' : `${op} ${words[state]}`;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  if (counts.size === 0) return 'nothing to do';
  return [...counts].map(([label, count]) => `${count} ${label}`).join(' · ');
}
