// POST pods/eviction: a deletion that may be refused to protect a service. What a PodDisruptionBudget allows is in
// disruption-budget.ts; here is the order of things: judge, pay, mark the Pod, delete it.
import { ApiError, badRequest, conflict, notFound } from '#controlplane/api/errors.ts';
import {
  conditionOf,
  fieldAt,
  isObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
} from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import { matchName } from './body.ts';
import { deleteObject } from './deletion.ts';
import { budgetsOf, drawOn, sparesUnhealthy, stillProcessed } from './disruption-budget.ts';
import type { Environment } from './environment.ts';
import { decodeStored } from './objects.ts';
import { asConsequence, asDryRun } from './derived-context.ts';
import type { DecodedObject, DeleteOptions, Target, WriteContext } from './types.ts';
import { changeObject } from './update.ts';

/** How often a Pod that changes while it is judged is judged again. */
const ATTEMPTS = 20;

/** @throws ApiError 429 while its budget does not allow it, 500 when several budgets claim it, and what a deletion throws */
export async function evictPod(
  env: Environment,
  target: Target,
  { object }: DecodedObject,
  request: WriteContext,
): Promise<void> {
  if (!isObject(object.metadata)) object.metadata = {};
  matchName(object, target.name);
  const options = deleteOptionsOf(object);
  // Whoever is to be asked was asked about the eviction: not about the deletion that follows from it.
  const consequence = asConsequence(request);
  const context = isDryRun(object, request) ? asDryRun(consequence) : consequence;
  for (let attempt = 1; ; attempt += 1) {
    const pod = read(env, target);
    if (!needsNoBudget(pod)) break;
    // One that ended or is going already cannot become ready: whatever it is by now, it may go.
    const revision = isOver(pod) ? undefined : pod.metadata.resourceVersion;
    try {
      await remove(env, target, pinned(options, revision), context);
      return;
    } catch (error) {
      const mayRetry = isConflict(error) && options.preconditions?.resourceVersion === undefined;
      if (!mayRetry || attempt === ATTEMPTS) throw error;
    }
    context.signal.throwIfAborted();
  }
  await evictWithin(env, target, options, context);
}

async function evictWithin(
  env: Environment,
  target: Target,
  options: DeleteOptions,
  context: WriteContext,
): Promise<void> {
  const pod = read(env, target);
  const [budget, ...others] = budgetsOf(env, pod);
  if (others.length > 0)
    throw new ApiError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  if (budget === undefined) return remove(env, target, options, context);
  if (isReady(pod) || !sparesUnhealthy(budget)) {
    await drawOn(env, budget, target.name, context);
    return remove(env, target, options, context);
  }
  try {
    // As long as it is as it was seen: one that has turned ready since counts.
    await remove(env, target, pinned(options, pod.metadata.resourceVersion), context);
  } catch (error) {
    if (!isConflict(error) || options.preconditions?.resourceVersion !== undefined) throw error;
    throw stillProcessed(budget.metadata.name ?? '');
  }
}

/** Says in the Pod's status why it goes, then deletes it. */
async function remove(
  env: Environment,
  target: Target,
  options: DeleteOptions,
  context: WriteContext,
): Promise<void> {
  if (context.dryRun) {
    await deleteObject(env, target, options, context);
    return;
  }
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { stored } = await changeObject(
    env,
    target,
    'status',
    {
      conditional: resourceVersion !== undefined,
      ownership: 'kept',
      shown: 'nothing',
      refusal: badRequest,
      apply(old) {
        if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion)
          throw conflict(target.definition, target.name);
        if (uid !== undefined && uid !== old.metadata.uid)
          throw conflict(
            target.definition,
            target.name,
            `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
          );
        return { object: marked(old, formatTimestamp(env.clock.now())), problems: [] };
      },
    },
    context,
  );
  const revision = resourceVersion === undefined ? undefined : String(stored.revision);
  await deleteObject(env, target, pinned(options, revision), context);
}

const DISRUPTION_TARGET = 'DisruptionTarget';

function marked(pod: KubernetesObject, now: string): KubernetesObject {
  const before = conditionOf(pod, DISRUPTION_TARGET);
  if (before['status'] === 'True') return pod;
  const condition = {
    type: DISRUPTION_TARGET,
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: now,
  };
  const others = listAt(pod, 'status', 'conditions').filter(
    (other) => stringAt(other, 'type') !== DISRUPTION_TARGET,
  );
  return { ...pod, status: { ...objectAt(pod, 'status'), conditions: [...others, condition] } };
}

function read(env: Environment, { definition, namespace, name }: Target): KubernetesObject {
  const stored = env.store.get(definition.storageKey, namespace, name);
  if (stored === undefined) throw notFound(definition, name);
  return decodeStored(stored, definition);
}

/** Ended or on its way out: nothing is disrupted that is not already. */
function isOver(pod: KubernetesObject): boolean {
  const phase = stringAt(pod, 'status', 'phase');
  return (
    phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp !== undefined
  );
}

function needsNoBudget(pod: KubernetesObject): boolean {
  return isOver(pod) || stringAt(pod, 'status', 'phase') === 'Pending';
}

function isReady(pod: KubernetesObject): boolean {
  return conditionOf(pod, 'Ready')['status'] === 'True';
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Conflict';
}

/** With the revision that was judged, unless the client named one or there is none. */
function pinned(options: DeleteOptions, resourceVersion: string | undefined): DeleteOptions {
  if (resourceVersion === undefined) return options;
  return { ...options, preconditions: { ...options.preconditions, resourceVersion } };
}

/** @throws ApiError 400 when query and body do not agree or hold what is no dry run */
function isDryRun(eviction: KubernetesObject, { dryRun }: WriteContext): boolean {
  const asked = listAt(eviction, 'deleteOptions', 'dryRun');
  if (asked.length === 0) return dryRun;
  if (asked.every((stage) => stage === 'All')) return true;
  throw badRequest(
    `deleteOptions.dryRun: Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`,
  );
}

const POLICIES = ['Background', 'Foreground', 'Orphan'] as const;

function deleteOptionsOf(eviction: KubernetesObject): DeleteOptions {
  const options = fieldAt(eviction, 'deleteOptions');
  const uid = stringAt(options, 'preconditions', 'uid');
  const resourceVersion = stringAt(options, 'preconditions', 'resourceVersion');
  const policy = POLICIES.find((known) => known === stringAt(options, 'propagationPolicy'));
  const hasGrace = typeof fieldAt(options, 'gracePeriodSeconds') === 'number';
  return {
    ...(hasGrace ? { gracePeriodSeconds: numberAt(options, 'gracePeriodSeconds') } : {}),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    preconditions: {
      ...(uid === '' ? {} : { uid }),
      ...(resourceVersion === '' ? {} : { resourceVersion }),
    },
  };
}
