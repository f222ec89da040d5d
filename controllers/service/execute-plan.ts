// Carries out all that a plan allows now. What makes or ends instances does not depend on one another, so several go on at a time;
// volumes, hooks and switches come one after the other, in the order of the plan.
import { isNamespaceTerminating } from '../machinery/request-error.ts';
import { execute } from './execute.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import type { Operation } from './plan-types.ts';

/**
 * Operations under way at one time: enough that the server never waits for us and many share a commit (with 16, its batches held half
 * as many), few enough that others get their turn.
 */
export const PARALLEL_OPERATIONS = 64;

export interface ExecuteReport {
  step(step: Step): void;
  /** An operation failed; the others go on. */
  failure(message: string): void;
}

/**
 * Operations begin in the order of the plan, and names are chosen as they begin: they are the same as if one came after the other.
 *
 * @returns the first error by the order of the plan, after the other operations were tried
 * @throws the signal's reason when it aborts, after what was under way has ended
 */
export async function executePlan(
  operations: readonly Operation[],
  context: ExecuteContext,
  report: ExecuteReport,
): Promise<unknown> {
  const errors = new Map<Operation, unknown>();
  let isOver = false;
  const perform = async (operation: Operation): Promise<void> => {
    try {
      const step = await execute(operation, context);
      if (step !== undefined) report.step(step);
    } catch (error) {
      if (context.signal.aborted || isNamespaceTerminating(error)) {
        isOver = true;
        return;
      }
      errors.set(operation, error);
      report.failure(error instanceof Error ? error.message : String(error));
    }
  };
  for (const group of groupsOf(operations.filter(({ step }) => step !== 'wait'))) {
    const waiting = group.values();
    // All workers draw from one iterator: each operation is begun once, in order.
    const work = async (): Promise<void> => {
      for (const operation of waiting) {
        await perform(operation);
        if (isOver) return;
      }
    };
    await Promise.all(
      Array.from({ length: Math.min(PARALLEL_OPERATIONS, group.length) }, () => work()),
    );
    context.signal.throwIfAborted();
    // Nothing can be made in a namespace that goes away, and it takes with it what is there.
    if (isOver) return undefined;
  }
  return operations.map((operation) => errors.get(operation)).find((error) => error !== undefined);
}

const OF_INSTANCES: ReadonlySet<Operation['op']> = new Set(['run', 'replace', 'update', 'remove']);

/** Neighbours in the plan that may go on at the same time. */
function groupsOf(operations: readonly Operation[]): readonly (readonly Operation[])[] {
  const groups: Operation[][] = [];
  for (const operation of operations) {
    const last = groups.at(-1);
    const before = last?.[0];
    if (before !== undefined && OF_INSTANCES.has(before.op) && OF_INSTANCES.has(operation.op))
      last?.push(operation);
    else groups.push([operation]);
  }
  return groups;
}
