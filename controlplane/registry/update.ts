// PUT, and the second half of PATCH: a new state of an existing object → kept, defaulted, validated → stored, or
// removed when it was the last finalizer that went away.
import type { ApiError } from '#controlplane/api/errors.ts';
import { badRequest, conflict, invalid, notFound } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import type { ManagedFieldsEntry } from '#controlplane/api/managed-fields/entry.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { pruneUnknown } from '#controlplane/api/schema/prune.ts';
import { trustedParts } from '#controlplane/api/schema/trusted.ts';
import type { Trusted } from '#controlplane/api/schema/trusted.ts';
import { RevisionConflictError } from '#controlplane/store/errors.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { admissionNamespace, gateOf } from './admission.ts';
import type { AdmissionRequest, Gate, ObjectKind } from './admission.ts';
import { acceptBody, matchName, matchNamespace } from './body.ts';
import { createObject, fillIn } from './create.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';
import {
  changesNothing,
  ownChangedFields,
  setEntries,
  storedEntries,
  takeSentEntries,
} from './field-owners.ts';
import { changesGeneration, dropDuplicateOwners, prepareUpdatedMetadata } from './metadata.ts';
import { keepReadableOwners, refineWith, requestOptions } from './mutated-object.ts';
import { decodeStored, isStoredSo, needsConversion, unstored } from './objects.ts';
import { admitPodSecurity } from './pod-security/admit.ts';
import { reportProblems, strictBodyError } from './problems.ts';
import { needRules } from './rules.ts';
import type { Strategy } from './strategy.ts';
import { hasStatus, strategyOf } from './strategy-table.ts';
import { withSubresource } from './subresource-part.ts';
import type { DecodedObject, Ownership, Target, WriteContext, WriteResult } from './types.ts';
import { validateChange } from './validation.ts';
import { putObject, removeObject } from './writes.ts';

/** Rounds of read, change, write after writers of the same object; each round one of them gets through. */
const CONFLICT_ATTEMPTS = 256;

/** Writes through these change the spec. */
const GENERATION_SUBRESOURCES: ReadonlySet<string> = new Set(['', 'resize', 'ephemeralcontainers']);

/** Makes the wanted state from the newest one; called again after a conflict. */
export interface Change {
  /**
   * @param trusted parts of `old` that the result may have as they are, if it shares them; undefined: of those it needs copies
   * @returns an object of this request's own, and what strict decoding had to say of it
   */
  readonly apply: (
    old: KubernetesObject,
    trusted?: Trusted,
  ) => Promise<DecodedObject> | DecodedObject;
  /** What to refuse strict problems with. */
  readonly refusal: (text: string) => ApiError;
  /** True when the client named the revision that it saw: a conflict is the client's to resolve. */
  readonly conditional: boolean;
  /** `tracked` when absent. */
  readonly ownership?: Ownership;
  /** What webhooks and policies are shown: the object when absent, nothing where they were asked about the request already. */
  readonly shown?: ShownPart | 'nothing';
}

/** A subresource with a kind of its own, as a window on the object. */
export interface ShownPart {
  readonly subresource: string;
  readonly kind: ObjectKind;
  readonly show: (object: KubernetesObject) => KubernetesObject;
  /** The object with what a mutation made of the part. */
  readonly take: (object: KubernetesObject, part: KubernetesObject) => KubernetesObject;
  readonly refine: (part: KubernetesObject) => void;
}

export async function updateObject(
  env: Environment,
  target: Target,
  subresource: string,
  body: DecodedObject,
  context: WriteContext,
): Promise<WriteResult> {
  const { definition, namespace, name } = target;
  const strategy = strategyOf(definition);
  acceptBody(definition, body.object);
  matchNamespace(definition, body.object, namespace);
  matchName(body.object, name);
  const conditional = hasRevision(body.object);
  const exists = env.store.get(definition.storageKey, namespace, name) !== undefined;
  if (!exists && strategy.createsOnUpdate === true && subresource === '' && !conditional) {
    context.permitCreate?.();
    const stored = await createObject(env, definition, namespace, body, context);
    return { stored, created: true };
  }
  if (!conditional && exists && strategy.needsResourceVersion === true) {
    throw invalid(definition, name, [
      invalidField('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  let first = true;
  const change: Change = {
    conditional,
    refusal: strictBodyError(definition),
    apply() {
      // The pipeline changes its object: keep the client's for another round, unless there can be none.
      if (conditional) return body;
      if (!first) context.signal.throwIfAborted();
      first = false;
      return { object: copyJson(body.object) as KubernetesObject, problems: body.problems };
    },
  };
  return changeObject(env, target, subresource, change, context);
}

function hasRevision(object: KubernetesObject): boolean {
  const revision = object.metadata.resourceVersion ?? '';
  return revision !== '' && revision !== '0';
}

/** Applies `change` to the newest state and stores the result; again when somebody else was faster, unless conditional. */
export async function changeObject(
  env: Environment,
  target: Target,
  subresource: string,
  change: Change,
  context: WriteContext,
): Promise<WriteResult> {
  const { definition, namespace, name } = target;
  for (let attempt = 1; ; attempt += 1) {
    const current = env.store.get(definition.storageKey, namespace, name);
    if (current === undefined) throw notFound(definition, name);
    if (needsConversion(definition, current)) {
      await env.conversions.show(definition, [current], context.signal);
    }
    const old = decodeStored(current, definition);
    const trusted = trustedOf(target, subresource, old);
    const { object, problems } = await change.apply(old, trusted);
    checkPreconditions(target, object, old);
    const dropped = pruneUnknown(definition.schema, object, trusted);
    reportProblems(problems, dropped, attempt === 1 ? context : quiet(context), change.refusal);
    await needRules(definition, object);
    const { ownership = 'tracked', shown } = change;
    const gate =
      shown === 'nothing'
        ? undefined
        : gateOf(env, definition, shown?.subresource ?? subresource, 'UPDATE', context);
    const taken = { old, object, trusted };
    const wanted = await takeUpdate(env, target, subresource, taken, ownership, context);
    const states = { old, object: wanted, trusted };
    try {
      const part = { subresource, shown: shown === 'nothing' ? undefined : shown };
      const stored =
        gate === undefined
          ? await storeUpdate(
              env,
              target,
              current,
              old,
              finishUpdate(env, target, subresource, states, context),
              context,
            )
          : await changeAsked(env, target, part, gate, current, states, context);
      return { stored, created: false };
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      if (change.conditional || attempt === CONFLICT_ATTEMPTS) throw conflict(definition, name);
    }
    await env.store.settled(definition.storageKey, namespace, name);
    context.signal.throwIfAborted();
  }
}

/**
 * What subresources leave alone of a built-in kind. Of a custom one nothing: its schema may have changed since. Where all of an object
 * may change, hooks write into it, so that nothing may be shared.
 */
function trustedOf(
  { definition }: Target,
  subresource: string,
  old: KubernetesObject,
): Trusted | undefined {
  return definition.custom || subresource === '' ? undefined : trustedParts(old);
}

/** Warnings were given in the first round. */
function quiet(context: WriteContext): WriteContext {
  return { ...context, warn: () => undefined };
}

function checkPreconditions(target: Target, object: KubernetesObject, old: KubernetesObject): void {
  const { definition, name } = target;
  const { resourceVersion, uid } = object.metadata;
  if (hasRevision(object)) {
    if (!/^\d+$/.test(resourceVersion ?? '')) {
      throw badRequest(
        `metadata.resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: must be a decimal number`,
      );
    }
    if (resourceVersion !== old.metadata.resourceVersion) throw conflict(definition, name);
  }
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
    );
  }
}

interface Part {
  readonly subresource: string;
  readonly shown: ShownPart | undefined;
}

interface States {
  readonly old: KubernetesObject;
  /** As wanted. */
  readonly object: KubernetesObject;
  readonly trusted: Trusted | undefined;
}

/**
 * Shows a change to whoever is to be asked, then writes what they saw: the write is refused when the object is another by now.
 *
 * @throws RevisionConflictError
 */
async function changeAsked(
  env: Environment,
  target: Target,
  { subresource, shown }: Part,
  gate: Gate,
  current: StoredObject,
  { old, object: wanted, trusted }: States,
  context: WriteContext,
): Promise<StoredObject> {
  const { definition, namespace, name } = target;
  const strategy = strategyOf(definition);
  const show = (object: KubernetesObject): KubernetesObject => shown?.show(object) ?? object;
  const request: AdmissionRequest = {
    operation: 'UPDATE',
    definition,
    subresource: shown?.subresource ?? subresource,
    kind: shown?.kind ?? definition,
    namespace: admissionNamespace(definition, namespace, name),
    name,
    object: show(wanted),
    old: show(old),
    options: requestOptions('UpdateOptions', context),
    context,
    refine: shown?.refine ?? refineWith(definition, (made) => fillIn(definition, strategy, made)),
  };
  let object = wanted;
  const mutated = await gate.mutate?.(request);
  if (mutated !== undefined && mutated !== request.object) {
    object = shown === undefined ? mutated : shown.take(wanted, mutated);
    matchNamespace(definition, object, namespace);
    matchName(object, name);
    prepareUpdatedMetadata(object.metadata, old.metadata);
    dropDuplicateOwners(object.metadata, context);
    keepReadableOwners(object, wanted.metadata.managedFields, context);
    // What this subresource may not change stays, whoever asks for it.
    object = withSubresource(strategy, definition, subresource, object, old);
    fillIn(definition, strategy, object);
  }
  const states = { old, object, trusted };
  const finished = finishUpdate(env, target, subresource, states, context);
  // What the object was given (addresses) stays its own while others think about it.
  const release = env.serviceAddresses.writing(definition, finished);
  try {
    if (gate.validate !== undefined) {
      await gate.validate({ ...request, object: show(finished) });
      env.privileges?.admit(definition, finished, old, context.user);
    }
    return await storeUpdate(env, target, current, old, finished, context);
  } finally {
    release();
  }
}

/** The part of the client's object that counts, with its defaults and who owns what. */
function takeUpdate(
  env: Environment,
  { definition }: Target,
  subresource: string,
  { old, object: wanted, trusted }: States,
  ownership: Ownership,
  context: WriteContext,
): KubernetesObject | Promise<KubernetesObject> {
  const strategy = strategyOf(definition);
  const object: KubernetesObject =
    wanted.metadata === old.metadata ? { ...wanted, metadata: { ...old.metadata } } : wanted;
  const sent = takeSentEntries(object);
  prepareUpdatedMetadata(object.metadata, old.metadata);
  dropDuplicateOwners(object.metadata, context);
  const merged = withSubresource(strategy, definition, subresource, object, old);
  fillIn(definition, strategy, merged, trusted);
  if (ownership === 'tracked') {
    const owned = ownChangedFields(env, definition, subresource, merged, old, sent, context);
    return owned === undefined ? merged : owned.then(() => merged);
  }
  const given = (sent ?? []) as readonly ManagedFieldsEntry[];
  setEntries(merged, ownership === 'given' ? given : storedEntries(old.metadata));
  return merged;
}

/** The object as it will be stored. @throws ApiError 422 */
function finishUpdate(
  env: Environment,
  { definition, name }: Target,
  subresource: string,
  { old, object: merged, trusted }: States,
  context: WriteContext,
): KubernetesObject {
  const strategy = strategyOf(definition);
  if (strategy.prepareForUpdate !== undefined) {
    strategy.prepareForUpdate(merged, old, subresource, env);
    fillIn(definition, strategy, merged, trusted);
  }
  strategy.finishUpdate?.(merged, old);
  if (
    strategy.hasGeneration === true &&
    GENERATION_SUBRESOURCES.has(subresource) &&
    (strategy.counted === undefined
      ? changesGeneration(definition, merged, old, hasStatus(definition))
      : !sameJSON(strategy.counted(merged), strategy.counted(old)))
  ) {
    merged.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  const errors = validateChange(definition, strategy, subresource, merged, old, trusted);
  if (errors.length === 0 && subresource === '')
    errors.push(...(strategy.finish?.(merged, env) ?? []));
  if (errors.length > 0) throw invalid(definition, name, errors);
  strategy.checkUpdate?.(merged, old, subresource, env);
  admitPodSecurity(env, definition, subresource, merged, old, context);
  env.privileges?.admit(definition, merged, old, context.user);
  return merged;
}

async function storeUpdate(
  env: Environment,
  { definition }: Target,
  current: StoredObject,
  old: KubernetesObject,
  object: KubernetesObject,
  context: WriteContext,
): Promise<StoredObject> {
  if (isFinished(env, strategyOf(definition), object)) {
    if (context.dryRun) return unstored(definition, object, current.revision);
    return removeObject(env, definition, object, current.revision);
  }
  if (changesNothing(object, old) && isStoredSo(definition, current)) return current;
  // What a node reports may be more than was asked for; it is counted, and not refused.
  const isAsked = context.isInternal !== true && object['spec'] !== old['spec'];
  const release = isAsked ? env.quotas.writing(definition, object, false) : undefined;
  try {
    if (context.dryRun) return unstored(definition, object, current.revision);
    return await putObject(env, definition, object, current.revision);
  } finally {
    release?.();
  }
}

/** True when a terminating object has nothing left that holds it: this write removes it. */
export function isFinished(
  env: Environment,
  strategy: Strategy,
  object: KubernetesObject,
): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined) return false;
  if ((deletionGracePeriodSeconds ?? 0) > 0) return false;
  if ((finalizers?.length ?? 0) > 0) return false;
  return strategy.isHeld?.(object, env) !== true;
}
