// All that a rollout will do, from the same decisions that the controller takes one step at a time: which slot is run, replaced or
// removed, in which order and why, before limits on how much of it is under way at once. For previews; carries nothing out. Pure.
import type { ReplaceOrder } from './order.ts';
import type { RejectedNode } from './placement.ts';
import { planService } from './plan.ts';
import type { Operation, PlanInput } from './plan-types.ts';

export interface RolloutOperation {
  readonly op: Operation['op'];
  /** '' while no node is eligible. */
  readonly node: string;
  /** The instance that is replaced or removed. */
  readonly pod?: string;
  readonly order?: ReplaceOrder;
  readonly reasons: readonly string[];
}

export interface RolloutPlan {
  /** Empty when every instance is as the spec says, or on its way to be. */
  readonly operations: readonly RolloutOperation[];
  /** Why the controller does not carry them out, or not all, until somebody acts. */
  readonly held: string | undefined;
  readonly rejected: readonly RejectedNode[];
}

export function planRollout(input: PlanInput): RolloutPlan {
  const settings = { ...input.settings, maxParallel: Number.POSITIVE_INFINITY, delayMs: 0 };
  const plan = planService({ ...input, settings });
  const dead = new Map(
    input.instances
      .filter(({ ended, orphaned }) => ended || orphaned)
      .map((instance) => [instance.name, instance]),
  );
  return {
    operations: plan.operations.flatMap((operation) => stillToDo(operation, dead)),
    held: heldBy(input, plan.failure?.message),
    rejected: plan.rejected,
  };
}

/** What of an operation lies ahead: nothing of one that is done, or that only waits for an instance to start or to stop. */
function stillToDo(
  operation: Operation,
  dead: ReadonlyMap<string, { readonly trouble: string }>,
): readonly RolloutOperation[] {
  const { node, reasons } = operation;
  if (operation.state === 'Done') return [];
  switch (operation.op) {
    case 'run': {
      if (operation.pod === undefined) return [{ op: 'run', node, reasons }];
      const ended = dead.get(operation.pod);
      if (ended === undefined) return [];
      // It rests for a moment before it is made again; that it will be is what counts here.
      return [
        { op: 'remove', node, pod: operation.pod, reasons: [ended.trouble] },
        { op: 'run', node, reasons: [`${operation.pod} ended`] },
      ];
    }
    case 'replace':
      return [{ op: 'replace', node, pod: operation.pod, order: operation.order, reasons }];
    case 'remove':
      return operation.step === 'wait' ? [] : [{ op: 'remove', node, pod: operation.pod, reasons }];
    default:
      return operation satisfies never;
  }
}

function heldBy(input: PlanInput, failure: string | undefined): string | undefined {
  const { settings, target, current } = input;
  if (current?.hash === target.hash) return undefined;
  const problem = target.failure ?? failure;
  if (problem !== undefined) return `the rollout of this revision failed: ${problem}`;
  return settings.paused ? 'spec.paused is true: what runs is kept, nothing is updated' : undefined;
}
