// The questions that every part of a plan asks: which revision do new instances get, which instances may stay, which count as
// available. Pure; made once per plan.
import { evaluateChange } from './evaluate.ts';
import type { Instance } from './instance.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';

export interface PlanContext {
  readonly input: PlanInput;
  /** The target differs from what was rolled out completely. */
  readonly unproven: boolean;
  /** The target's rollout failed and is being, or was, undone. */
  readonly undone: boolean;
  /** The revision of new instances; `undefined` while paused before the first rollout. */
  readonly goal: RevisionFacts | undefined;
  isUpdated(instance: Instance): boolean;
  /** May stay as it is. */
  isAcceptable(instance: Instance): boolean;
  isAvailable(instance: Instance): boolean;
  /** Collects moments at which the plan would look different. */
  wakeAt(time: number): void;
  readonly wakeInMs: number | undefined;
}

export function planContext(input: PlanInput): PlanContext {
  const { settings, target, current, templates, now } = input;
  const unproven = current?.hash !== target.hash;
  const undone = unproven && current !== undefined && target.failure !== undefined;
  const held = settings.paused && unproven && !undone;
  const goal = undone || held ? current : target;
  let wakeInMs: number | undefined;

  const matches = (instance: Instance, revision: RevisionFacts): boolean => {
    if (instance.revision === revision.hash) return true;
    const template = templates.get(instance.revision);
    return (
      template !== undefined && evaluateChange(template, revision.template).verdict === 'up-to-date'
    );
  };
  const isAvailable = (instance: Instance): boolean => {
    if (instance.readySince === undefined || instance.terminating) return false;
    const monitored = instance.probed || now - instance.readySince >= settings.monitorMs;
    if (!monitored) context.wakeAt(instance.readySince + settings.monitorMs);
    return monitored;
  };
  const context: PlanContext = {
    input,
    unproven,
    undone,
    goal,
    isUpdated: (instance) => matches(instance, target),
    isAcceptable(instance) {
      if (held) return true;
      if (!undone) return matches(instance, target);
      if (matches(instance, current)) return true;
      // After a failure with Pause, what serves keeps serving, whatever its revision.
      return settings.failureAction === 'Pause' && isAvailable(instance);
    },
    isAvailable,
    wakeAt(time) {
      const delay = time - now;
      if (delay > 0 && (wakeInMs === undefined || delay < wakeInMs)) wakeInMs = delay;
    },
    get wakeInMs() {
      return wakeInMs;
    },
  };
  return context;
}
