// All that a rollout will do, from the same decisions that the controller takes one step at a time, before limits on how much of it is
// under way at once. For previews; carries nothing out. Pure.
import type { ReplaceOrder } from './order.ts';
import type { RejectedNode } from './placement.ts';
import { planService } from './plan.ts';
import type { Operation, Plan, PlanInput } from './plan-types.ts';
import type { OperationName } from './types.ts';
import type { VolumeToCreate } from './volume-placement.ts';

export interface RolloutOperation {
  readonly op: OperationName;
  /** '' while no node is eligible, and for what happens on none. */
  readonly node: string;
  /** The instance or hook that is updated, replaced, stopped or removed. */
  readonly pod?: string;
  readonly order?: ReplaceOrder;
  /** Of createVolume: its name; the driver where one is asked for. */
  readonly volume?: string;
  readonly driver?: string;
  /** Of hooks: the command, the timeout in seconds, and earlier runs that go. */
  readonly command?: readonly string[];
  readonly timeoutSeconds?: number;
  readonly removes?: readonly string[];
  /** Of promote: the number of the step. */
  readonly step?: number;
  readonly reasons: readonly string[];
}

export interface RolloutPlan {
  /** Empty when every instance is as the spec says, or on its way to be. */
  readonly operations: readonly RolloutOperation[];
  /** Why the controller does not carry them out, or not all, until somebody acts. */
  readonly held: string | undefined;
  /** Why no node will do; '' when one does. */
  readonly problem: string;
  readonly rejected: readonly RejectedNode[];
  /** Volumes that it makes: they are there for services that are planned after it. */
  readonly volumes: readonly VolumeToCreate[];
}

export function planRollout(input: PlanInput): RolloutPlan {
  const plan = planService({ ...input, whole: true });
  const dead = new Map(
    input.instances
      .filter(({ ended, orphaned }) => ended || orphaned)
      .map((instance) => [instance.name, instance]),
  );
  return {
    operations: arranged(input, plan).flatMap((operation) => stillToDo(operation, dead, input)),
    held: heldBy(input, plan.failure?.message),
    problem: plan.desired > 0 || input.settings.mode === 'Global' ? plan.placementProblem : '',
    rejected: plan.rejected,
    volumes: plan.operations.flatMap((one) => (one.op === 'createVolume' ? [one.create] : [])),
  };
}

/** Of a global service node after node, what happens on nodes that it leaves at the end. */
function arranged({ settings }: PlanInput, { operations, rejected }: Plan): readonly Operation[] {
  if (settings.mode !== 'Global') return operations;
  const left = new Set(rejected.map(({ node }) => node));
  const rank = ({ op, node }: Operation): string => {
    if (op === 'createVolume') return '0';
    if (op === 'stopPreDeploy' || op === 'runPreDeploy') return '1';
    if (node === '' || op === 'runPostDeploy') return '4';
    return left.has(node) ? `3${node}` : `2${node}`;
  };
  const ranked = operations.map((operation) => ({ operation, rank: rank(operation) }));
  return ranked
    .toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ operation }) => operation);
}

/** What of an operation lies ahead: nothing of one that is done, or that only waits for an instance to start or to stop. */
function stillToDo(
  operation: Operation,
  dead: ReadonlyMap<string, { readonly trouble: string }>,
  input: PlanInput,
): readonly RolloutOperation[] {
  const { op, node, reasons, state } = operation;
  if (state === 'Done') return [];
  switch (op) {
    case 'run': {
      if (operation.pod === undefined) return [{ op, node, reasons }];
      const ended = dead.get(operation.pod);
      if (ended === undefined) return [];
      // It rests for a moment before it is made again; that it will be is what counts here.
      return [
        { op: 'remove', node, pod: operation.pod, reasons: [ended.trouble] },
        { op, node, reasons: [`${operation.pod} ended`] },
      ];
    }
    case 'replace':
      return [{ op, node, pod: operation.pod, order: operation.order, reasons }];
    case 'update':
      return [{ op, node, pod: operation.pod, reasons }];
    case 'stop':
    case 'stopPreDeploy':
      return [{ op, node, pod: operation.pod, reasons }];
    case 'remove':
      return operation.step === 'wait' && state === 'InProgress'
        ? []
        : [{ op, node, pod: operation.pod, reasons }];
    case 'createVolume': {
      const { claimName, volume } = operation.create;
      const driver = volume.driver === undefined ? {} : { driver: volume.driver.name };
      return [{ op, node, volume: claimName, ...driver, reasons }];
    }
    case 'runPreDeploy':
    case 'runPostDeploy': {
      const setting = input.settings.hooks[operation.hook];
      return [
        {
          op,
          node,
          command: [...(setting?.command ?? []), ...(setting?.args ?? [])],
          timeoutSeconds: (setting?.timeoutMs ?? 0) / 1_000,
          removes: operation.removes.map(({ pod }) => pod),
          reasons,
        },
      ];
    }
    case 'switch':
      return [{ op, node, reasons }];
    case 'promote':
      return [{ op, node, step: operation.number, reasons }];
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
