// What a PodDisruptionBudget says about one eviction, and what it costs the budget. The rules and words are upstream's.
import type { ApiError } from '#controlplane/api/errors.ts';
import { forbidden, tooManyRequests } from '#controlplane/api/errors.ts';
import {
  conditionOf,
  fieldAt,
  listAt,
  numberAt,
  objectAt,
  stringAt,
} from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { labelSelectorOf, matchesLabels } from '#controlplane/api/selectors.ts';
import type { LabelSelectorObject } from '#controlplane/api/selectors.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { Environment } from './environment.ts';
import { decodeStored } from './objects.ts';
import { POD_DISRUPTION_BUDGETS } from './strategies/pod-disruption-budget.ts';
import type { WriteContext } from './types.ts';
import { changeObject } from './update.ts';

/** Evictions that the disruption controller has not seen the end of: more than so many, and something is wrong. */
const MAXIMUM_DISRUPTED_PODS = 2_000;
const RETRY_AFTER_SECONDS = 10;
const REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget.";

/** Budgets whose selector matches the Pod. One that no selector can be made of matches nothing. */
export function budgetsOf(env: Environment, pod: KubernetesObject): readonly KubernetesObject[] {
  const definition = definitionIn(env);
  const { namespace = '', labels = {} } = pod.metadata;
  const { items } = env.store.list(POD_DISRUPTION_BUDGETS, { namespace });
  return items
    .map((stored) => decodeStored(stored, definition))
    .filter((budget) => {
      const selector = fieldAt(budget, 'spec', 'selector') as LabelSelectorObject | undefined;
      if (selector === undefined) return false;
      try {
        return matchesLabels(labelSelectorOf(selector), labels);
      } catch {
        return false;
      }
    });
}

/** True when a Pod that is not ready may go without being counted: it serves nobody. */
export function sparesUnhealthy(budget: KubernetesObject): boolean {
  if (stringAt(budget, 'spec', 'unhealthyPodEvictionPolicy') === 'AlwaysAllow') return true;
  const desired = numberAt(budget, 'status', 'desiredHealthy');
  return desired > 0 && numberAt(budget, 'status', 'currentHealthy') >= desired;
}

/**
 * Takes one disruption out of the budget, by compare-and-set on its status: of two evictions at once, each sees what the other left.
 *
 * @throws ApiError 429 when nothing is left or the budget has yet to be counted, 403 when its status cannot be right
 */
export async function drawOn(
  env: Environment,
  budget: KubernetesObject,
  podName: string,
  context: WriteContext,
): Promise<void> {
  const definition = definitionIn(env);
  const { name = '', namespace = '' } = budget.metadata;
  await changeObject(
    env,
    { definition, namespace, name },
    'status',
    {
      conditional: false,
      ownership: 'kept',
      shown: 'nothing',
      refusal: (text) => forbidden(definition, name, text),
      apply: (old) => ({ object: drawn(env, definition, old, podName), problems: [] }),
    },
    context,
  );
}

function drawn(
  env: Environment,
  definition: ResourceDefinition,
  budget: KubernetesObject,
  podName: string,
): KubernetesObject {
  const { name = '', generation = 0 } = budget.metadata;
  const status = objectAt(budget, 'status');
  if (numberAt(status, 'observedGeneration') < generation) throw stillProcessed(name);
  const allowed = numberAt(status, 'disruptionsAllowed');
  if (allowed < 0) throw forbidden(definition, name, 'pdb disruptions allowed is negative');
  const disruptedPods = objectAt(status, 'disruptedPods');
  if (Object.keys(disruptedPods).length > MAXIMUM_DISRUPTED_PODS)
    throw forbidden(
      definition,
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  if (allowed === 0) throw usedUp(budget);
  const now = formatTimestamp(env.clock.now());
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...disruptedPods, [podName]: now },
      ...(allowed === 1 ? { conditions: withNoneLeft(budget, now) } : {}),
    },
  };
}

function withNoneLeft(budget: KubernetesObject, now: string): unknown[] {
  const type = 'DisruptionAllowed';
  const before = conditionOf(budget, type);
  const condition = {
    type,
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime: before['status'] === 'False' ? before['lastTransitionTime'] : now,
    observedGeneration: numberAt(budget, 'status', 'observedGeneration'),
  };
  const others = listAt(budget, 'status', 'conditions').filter(
    (other) => stringAt(other, 'type') !== type,
  );
  return [...others, condition];
}

/** The budget is newer than what was counted, or the Pod changed while it was judged: come again. */
export function stillProcessed(budget: string): ApiError {
  const message = `The disruption budget ${budget} is still being processed by the server.`;
  return tooManyRequests(REFUSAL, [{ reason: 'DisruptionBudget', message }], RETRY_AFTER_SECONDS);
}

function usedUp(budget: KubernetesObject): ApiError {
  const { name = '' } = budget.metadata;
  const condition = conditionOf(budget, 'DisruptionAllowed');
  const failed = condition['status'] === 'False' && condition['reason'] === 'SyncFailed';
  const message = failed
    ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${stringAt(condition, 'message')}`
    : `The disruption budget ${name} needs ${numberAt(budget, 'status', 'desiredHealthy')} healthy pods and has ${numberAt(budget, 'status', 'currentHealthy')} currently`;
  return tooManyRequests(REFUSAL, [{ reason: 'DisruptionBudget', message }]);
}

function definitionIn(env: Environment): ResourceDefinition {
  const found = env.scheme.byResource('policy', 'v1', 'poddisruptionbudgets');
  if (found === undefined) throw new TypeError('the scheme has no PodDisruptionBudget');
  return found;
}
