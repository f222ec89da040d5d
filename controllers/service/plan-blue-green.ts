// BlueGreen: a full second set beside the one that serves, then traffic is switched to it, and the first is kept for a while. Two plans
// side by side, one for each set, and the switch between them. Pure.
import { earliest } from './earliest.ts';
import type { Instance } from './instance.ts';
import { Judge } from './judge.ts';
import { steadyPace } from './pace.ts';
import { isGivenUp } from './plan-context.ts';
import { planInstances, removal } from './plan-instances.ts';
import type { Operation, Plan, PlanInput, RevisionFacts } from './plan-types.ts';

export function planBlueGreen(input: PlanInput): Plan {
  const { current, target } = input;
  if (current === undefined || current.hash === target.hash) return settled(input);
  if (isGivenUp(input)) return undone(input, current);
  return sideBySide(input, current);
}

/** Nothing to switch: what the rollout before this left is kept as long as it shall be, then removed. */
function settled(input: PlanInput): Plan {
  const { green, blue } = divided(input, input.target);
  const plan = planInstances({ ...input, instances: green, neighbours: blue }, steadyPace);
  return withKept({ ...plan, activeRevision: input.target.hash }, blue, input);
}

/** Whatever else the failure action says: the second set never served, so it goes. */
function undone(input: PlanInput, current: RevisionFacts): Plan {
  const settings = { ...input.settings, failureAction: 'Rollback' } as const;
  const plan = planInstances({ ...input, settings }, steadyPace);
  return { ...plan, activeRevision: current.hash };
}

function sideBySide(input: PlanInput, current: RevisionFacts): Plan {
  const { settings, target, activeRevision, promoted, whole } = input;
  const { green, blue } = divided(input, target);
  const isHeld = settings.paused || input.gated === true;
  const before = planInstances(
    {
      ...input,
      target: current,
      current,
      instances: blue,
      neighbours: green,
      settings: { ...settings, failureAction: 'Rollback' },
    },
    steadyPace,
  );
  if (isHeld && green.length === 0)
    return { ...before, complete: false, activeRevision: current.hash };
  const after = planInstances(
    {
      ...input,
      current: undefined,
      hasFallback: true,
      gated: false,
      instances: green,
      neighbours: blue,
      settings: { ...settings, failureAction: 'Rollback', paused: false, maxFailureRatio: 0 },
    },
    steadyPace,
  );
  const isSwitched = activeRevision === target.hash;
  if (isSwitched) return withKept({ ...after, activeRevision: target.hash }, blue, input);
  // Until traffic is bound to the old set, new instances would get some as soon as they are ready.
  const isBound = activeRevision !== undefined || whole === true;
  const mayBegin = isBound && !isHeld;
  const maySwitch = settings.autoPromote || promoted?.split('/')[0] === target.hash;
  const change: Operation = {
    op: 'switch',
    node: '',
    revision: target.hash,
    step: after.complete && maySwitch && mayBegin ? 'switch' : 'wait',
    state: !after.complete ? 'Pending' : maySwitch ? 'InProgress' : 'Waiting',
    reasons: [
      `traffic goes from revision ${current.hash} to ${target.hash} once all of it is available${maySwitch ? '' : ', and after windlass promote'}`,
    ],
  };
  const started = mayBegin ? after.operations : after.operations.map(heldBack);
  const keeps =
    whole === true ? blue.filter(isLasting).map((instance) => kept(instance, input)) : [];
  return {
    ...after,
    operations: [...before.operations, ...started, change, ...keeps],
    complete: false,
    ready: before.ready + after.ready,
    available: before.available + after.available,
    troubles: [...before.troubles, ...after.troubles],
    activeRevision: change.step === 'switch' ? target.hash : current.hash,
    awaitsPromotion: after.complete && !maySwitch,
    wakeInMs: earliest(before.wakeInMs, after.wakeInMs, isBound ? undefined : 0),
  };
}

interface Sets {
  readonly green: readonly Instance[];
  readonly blue: readonly Instance[];
}

/** Green is of the revision that is wanted. */
function divided(input: PlanInput, wanted: RevisionFacts): Sets {
  const judge = new Judge(input);
  const { green = [], blue = [] } = Object.groupBy(input.instances, (instance) =>
    judge.matches(instance, wanted) ? 'green' : 'blue',
  );
  return { green, blue };
}

/** The old set stays until it has been kept long enough; it is no longer counted. */
function withKept(plan: Plan, blue: readonly Instance[], input: PlanInput): Plan {
  const { target, settings, now, whole } = input;
  const until = (target.switchedAt ?? 0) + settings.keepMs;
  const gone = blue
    .filter((instance) => !isLasting(instance))
    .filter(({ terminating, reachable }) => !terminating || reachable)
    .map((instance): Operation => {
      if (!instance.terminating) return removal(instance, instance.trouble);
      return { ...removal(instance, 'it is stopping'), step: 'wait' };
    });
  const lasting = blue.filter(isLasting);
  const isKept = now < until && plan.complete && whole !== true;
  const old = isKept
    ? lasting.map((instance) => kept(instance, input))
    : plan.complete || whole === true
      ? lasting.map((instance) => removal(instance, 'traffic goes to the new set'))
      : [];
  return {
    ...plan,
    operations: [...plan.operations, ...old, ...gone],
    complete: plan.complete && gone.length === 0 && (isKept || lasting.length === 0),
    wakeInMs: isKept && lasting.length > 0 ? earliest(plan.wakeInMs, until - now) : plan.wakeInMs,
  };
}

function kept(instance: Instance, { settings }: PlanInput): Operation {
  const operation = removal(
    instance,
    settings.keepMs === 0
      ? 'traffic goes to the new set'
      : `kept for ${settings.keepMs / 1_000}s after the switch, to switch back`,
  );
  return { ...operation, step: 'wait', state: 'Waiting' };
}

function isLasting({ terminating, ended, orphaned }: Instance): boolean {
  return !terminating && !ended && !orphaned;
}

function heldBack(operation: Operation): Operation {
  if (operation.step === 'wait') return operation;
  return { ...operation, step: 'wait', state: 'Pending' } as Operation;
}
