// Hooks in the plan: the one before a rollout holds it back until it has succeeded, the one after it ends it. They belong to the rollout
// of a revision, so scaling, moving and repairing never runs them. Pure.
import type { HookFacts } from './hook-facts.ts';
import type { Failure, Operation, PlanInput, RunHookOperation } from './plan-types.ts';
import type { HookName } from './types.ts';

export interface HookPlan {
  readonly operations: readonly Operation[];
  readonly failure: Failure | undefined;
  /** What the rollout waits for. */
  readonly reason: string;
  readonly wakeInMs: number | undefined;
}

const WORDS: Readonly<Record<HookName, string>> = {
  preDeploy: 'pre-deploy hook',
  postDeploy: 'post-deploy hook',
};

/** A hook that never starts, or whose node does not stop it, is given up this much later than its timeout. */
const PATIENCE_MS = 30_000;

/** @param node where it runs; '' while there is none. @returns `undefined` when there is nothing to wait for */
export function planHook(input: PlanInput, hook: HookName, node: string): HookPlan | undefined {
  const { settings, target, hooks, now, watchingSince, whole } = input;
  const setting = settings.hooks[hook];
  if (setting === undefined || target.hookResults[hook] === 'Succeeded') return undefined;
  const own = hooks.find((facts) => isOwn(facts, hook, input));
  const others = hooks.filter((facts) => facts !== own && facts.hook === hook);
  const running = others.filter(({ state }) => state === 'running');
  const stops = running.map((facts) => stopHook(facts));
  const base = {
    op: hook === 'preDeploy' ? 'runPreDeploy' : 'runPostDeploy',
    hook,
    revision: target.hash,
    activatedAt: target.activatedAt,
    removes: (whole === true ? others : others.filter(({ state }) => state !== 'running')).map(
      ({ name, uid }) => ({ pod: name, uid }),
    ),
    node: own?.node ?? node,
  } as const;
  const plan = (
    operation: Pick<RunHookOperation, 'step' | 'state' | 'reasons' | 'pod'>,
    more: { readonly failure?: Failure; readonly wakeInMs?: number } = {},
  ): HookPlan => ({
    operations: [...stops, { ...base, ...operation }],
    failure: more.failure,
    reason: `waits for the ${WORDS[hook]}`,
    wakeInMs: more.wakeInMs,
  });
  const words = [...(setting.command ?? []), ...(setting.args ?? [])].join(' ');
  const why = `${WORDS[hook]} of revision ${target.hash}: ${words}`;
  if (own === undefined) {
    const isWaiting = stops.length > 0 && whole !== true;
    return plan({
      step: isWaiting || node === '' ? 'wait' : 'create',
      state: isWaiting || node === '' ? 'Waiting' : 'InProgress',
      reasons: [why, ...(isWaiting ? ['waits until earlier ones are stopped'] : [])],
    });
  }
  if (own.state === 'succeeded')
    return plan({ step: 'record', state: 'InProgress', reasons: [why], pod: own.name });
  const deadline = Math.max(own.createdAt, watchingSince) + setting.timeoutMs + PATIENCE_MS;
  const timedOut = own.state === 'running' && now >= deadline;
  if (own.state === 'failed' || timedOut) {
    const message = `${WORDS[hook]} ${own.name} ${endOf(own, timedOut, setting.timeoutMs)}`;
    return {
      ...plan(
        { step: 'wait', state: 'Failed', reasons: [why, message], pod: own.name },
        { failure: { message, mark: target.failure === undefined, pod: own.name } },
      ),
      operations: [
        ...stops,
        ...(timedOut ? [stopHook(own)] : []),
        { ...base, step: 'wait', state: 'Failed', reasons: [why, message], pod: own.name },
      ],
    };
  }
  return plan(
    {
      step: 'wait',
      state: 'InProgress',
      reasons: [why, ...(own.message === '' ? [] : [own.message])],
      pod: own.name,
    },
    { wakeInMs: deadline - now },
  );
}

/** How it failed, in words: its node may have ended it in time, or not. */
function endOf({ message }: HookFacts, timedOut: boolean, timeoutMs: number): string {
  if (timedOut || message.startsWith('DeadlineExceeded'))
    return `timed out after ${timeoutMs / 1_000}s`;
  const exit = /(?:^|: )exit code (\d+)(.*)$/s.exec(message);
  if (exit !== null) return `failed with exit code: ${exit[1]}${exit[2]}`;
  return `failed${message === '' ? '' : `: ${message}`}`;
}

function isOwn(facts: HookFacts, hook: HookName, { target }: PlanInput): boolean {
  return (
    facts.hook === hook &&
    facts.revision === target.hash &&
    facts.activatedAt === target.activatedAt &&
    !facts.terminating
  );
}

function stopHook({ name, uid, node, terminating }: HookFacts): Operation {
  return {
    op: 'stopPreDeploy',
    node,
    pod: name,
    uid,
    step: terminating ? 'wait' : 'delete',
    state: 'InProgress',
    reasons: ['a hook of an earlier rollout is still running'],
  };
}
