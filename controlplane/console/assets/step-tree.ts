// The steps of a machine as a tree: steps, and below each the tasks that it is made of. Pure.
import type { MachineStep } from './machine.ts';

export interface StepBranch {
  readonly step: MachineStep;
  readonly tasks: readonly MachineStep[];
}

/** Steps of a run; what has another name is a task inside of the step before it. */
const STEPS = new Set(
  'Check Resolve Stage Preflight Build Fetch Upload Drain Switch Start Verify Uncordon Clean Rollback'.split(
    ' ',
  ),
);

export function stepTree(steps: readonly MachineStep[]): readonly StepBranch[] {
  const branches: { step: MachineStep; tasks: MachineStep[] }[] = [];
  for (const step of steps) {
    const parent = STEPS.has(step.name) ? undefined : branches.at(-1);
    if (parent === undefined) branches.push({ step, tasks: [] });
    else parent.tasks.push(step);
  }
  return branches;
}

/** What a machine is at: the step under way with its task, or the one that failed; undefined when nothing is. */
export function currentStep(steps: readonly MachineStep[]): MachineStep | undefined {
  return (
    steps.findLast(({ state }) => state === 'Running') ??
    steps.findLast(({ state }) => state === 'Failed')
  );
}
