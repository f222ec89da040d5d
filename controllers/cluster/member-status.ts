// The status of a Machine that its distribution drives. Pure.
import { setConditions } from '../machinery/conditions.ts';
import type { Situation } from './member-driver.ts';
import type { Machine, MachineStatus } from './types.ts';
import { canonical } from './wanted-machines.ts';

export interface MemberNews {
  readonly phase?: string;
  readonly goalHash?: string;
  readonly contentHash?: string;
  readonly nodeRef?: { readonly name: string };
  readonly installedVersion?: string;
  readonly runningVersion?: string;
  readonly quarantined?: readonly string[];
  readonly operation?: {
    readonly uid: string;
    readonly type: string;
    readonly phase: string;
    readonly message: string;
  };
  readonly step?: MemberStep;
  readonly conditions?: readonly (readonly [
    type: string,
    status: 'True' | 'False',
    reason: string,
    message: string,
  ])[];
}

interface MemberStep {
  readonly name: string;
  readonly state: 'Running' | 'Done' | 'Failed';
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly message?: string;
}

/** @param now as RFC 3339 */
export function memberStatus(machine: Machine, news: MemberNews, now: string): MachineStatus {
  const { status = {}, metadata } = machine;
  const { step, conditions = [], ...rest } = news;
  const observedGeneration = metadata.generation ?? 1;
  return {
    ...status,
    ...rest,
    observedGeneration,
    ...(step === undefined ? {} : { steps: withStep(status.steps ?? [], step) }),
    conditions: setConditions(
      status.conditions ?? [],
      conditions.map(([type, is, reason, message]) => ({
        type,
        status: is,
        reason,
        message,
        observedGeneration,
      })),
      now,
    ),
  };
}

export function sameStatus(before: MachineStatus | undefined, after: MachineStatus): boolean {
  return canonical(before ?? {}) === canonical(after);
}

/** In the place of the one of its name, with the attempts counted. */
function withStep(
  steps: NonNullable<MachineStatus['steps']>,
  step: MemberStep,
): NonNullable<MachineStatus['steps']> {
  const before = steps.find(({ name }) => name === step.name);
  const attempt = (before?.attempt ?? 0) + (step.state === 'Running' ? 1 : 0);
  const next = { ...step, attempt };
  return before === undefined
    ? [...steps, next]
    : steps.map((one) => (one.name === step.name ? next : one));
}

export function versionsOf({
  installedVersion,
  runningVersion,
}: Situation): Pick<MemberNews, 'installedVersion' | 'runningVersion'> {
  return {
    ...(installedVersion === undefined ? {} : { installedVersion }),
    ...(runningVersion === undefined ? {} : { runningVersion }),
  };
}
