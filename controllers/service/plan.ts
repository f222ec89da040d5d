// The heart: from what is wanted and what is there to the operations that lead from one to the other. Pure. The strategy plans the
// instances; here is what holds a new revision back before it begins, and what follows when all of it is there.
import { earliest } from './earliest.ts';
import { Judge } from './judge.ts';
import { isGivenUp } from './plan-context.ts';
import { planHook } from './plan-hooks.ts';
import type { HookPlan } from './plan-hooks.ts';
import type { Operation, Plan, PlanInput } from './plan-types.ts';
import { strategyOf } from './strategies.ts';

export function planService(input: PlanInput): Plan {
  const strategy = strategyOf(input.settings.type);
  const plan = strategy.plan(input);
  const gate = gateOf(input, plan);
  if (gate === undefined) return withPostDeploy(input, plan);
  if (input.whole === true) {
    const operations = inOrder(gate.operations, plan.operations);
    return withPostDeploy(input, { ...plan, complete: false, operations });
  }
  // What serves is kept and repaired meanwhile, with the revision that it has.
  const meanwhile = strategy.plan({ ...input, gated: true });
  const said = gate.trouble === undefined ? [] : [gate.trouble];
  const ahead = plan.operations
    .filter((operation) => begins(operation, input))
    .map((operation) => pending(operation, gate.reason));
  return {
    ...meanwhile,
    complete: false,
    failure: gate.failure ?? meanwhile.failure,
    operations: [
      ...gate.operations,
      ...meanwhile.operations.filter((operation) => !begins(operation, input)),
      ...ahead,
    ],
    troubles:
      gate.failure === undefined ? [...said, ...meanwhile.troubles] : [gate.failure.message],
    wakeInMs: earliest(meanwhile.wakeInMs, gate.wakeInMs),
  };
}

interface Gate extends HookPlan {
  /** For the conditions: what nobody sees among the operations. */
  readonly trouble?: string;
}

/** What a rollout waits for before it begins; `undefined` when nothing holds it back, or it has begun. */
function gateOf(input: PlanInput, plan: Plan): Gate | undefined {
  const { current, target, settings, instances, waitsFor } = input;
  if (current?.hash === target.hash || settings.paused) return undefined;
  if (current !== undefined && isGivenUp(input)) return undefined;
  const first = plan.operations.find((operation) => begins(operation, input));
  if (first === undefined) return undefined;
  const judge = new Judge(input);
  const hasBegun = instances.some(
    (instance) => !instance.terminating && judge.matches(instance, target),
  );
  if (hasBegun) return undefined;
  if (waitsFor.length > 0 && input.whole !== true) {
    const reason = waitText(input);
    return { operations: [], failure: undefined, reason, trouble: reason, wakeInMs: undefined };
  }
  return planHook(input, 'preDeploy', first.node);
}

function waitText({ waitsFor, waitCircle = [] }: PlanInput): string {
  const names = waitsFor.map((name) => `service ${name}`).join(', ');
  const circle =
    waitCircle.length === 0
      ? ''
      : `, and they wait for each other (${waitCircle.join(' → ')}): take one out of spec.dependsOn`;
  return `waits for ${names} to be ready${circle}`;
}

/** Makes, or would make, something of the target revision. */
function begins(operation: Operation, { target }: PlanInput): boolean {
  switch (operation.op) {
    case 'run':
      return operation.revision === target.hash && operation.pod === undefined;
    case 'update':
    case 'replace':
      return operation.revision === target.hash;
    default:
      return false;
  }
}

function pending(operation: Operation, reason: string): Operation {
  const reasons = [...operation.reasons, reason];
  return { ...operation, step: 'wait', state: 'Pending', reasons } as Operation;
}

/** The hook after the rollout is its last operation: without it the revision is not proven. */
function withPostDeploy(input: PlanInput, plan: Plan): Plan {
  const { current, target, settings } = input;
  const isOver = current?.hash === target.hash || isGivenUp(input);
  if (settings.hooks.postDeploy === undefined || isOver) return plan;
  const isAhead = input.whole === true && plan.operations.some((one) => begins(one, input));
  if (!plan.complete && !isAhead) return plan;
  const node =
    input.instances.find(({ terminating }) => !terminating)?.node ??
    plan.operations.find((operation) => begins(operation, input))?.node;
  const hook = planHook(input, 'postDeploy', node ?? '');
  if (hook === undefined) return plan;
  return {
    ...plan,
    complete: false,
    failure: plan.failure ?? hook.failure,
    operations: [...plan.operations, ...hook.operations],
    wakeInMs: earliest(plan.wakeInMs, hook.wakeInMs),
  };
}

/** Volumes before hooks, hooks before instances. */
function inOrder(hooks: readonly Operation[], rest: readonly Operation[]): readonly Operation[] {
  return [
    ...rest.filter(({ op }) => op === 'createVolume'),
    ...hooks,
    ...rest.filter(({ op }) => op !== 'createVolume'),
  ];
}
