// DELETE: preconditions, propagation finalizers, grace; either the object is gone afterwards or it is terminating and
// whoever holds it (finalizers, a node agent, the namespace controller) finishes the job.
import { conflict, notFound } from '#controlplane/api/errors.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import { formatTimestamp, parseTimestamp } from '#controlplane/api/timestamps.ts';
import { RevisionConflictError } from '#controlplane/store/errors.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { admissionNamespace, gateOf } from './admission.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';
import { NAMESPACES } from './namespaces.ts';
import { requestOptions } from './mutated-object.ts';
import { decodeStored, needsConversion, unstored } from './objects.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from './strategies/custom-resource-definition.ts';
import { strategyOf } from './strategy-table.ts';
import type { DeleteOptions, DeleteResult, Target, WriteContext } from './types.ts';
import { isFinished } from './update.ts';
import { putObject, removeObject } from './writes.ts';

const CONFLICT_ATTEMPTS = 256;
/** 68 years. Longer ones would end beyond the year 9999, where RFC 3339 ends. */
const GRACE_LIMIT_SECONDS = 2 ** 31 - 1;

/** @param shown what webhooks and policies are told of the request, when it was about a whole collection */
export async function deleteObject(
  env: Environment,
  target: Target,
  options: DeleteOptions,
  context: WriteContext,
  shown: { readonly name: string; readonly options: DeleteOptions } = {
    name: target.name,
    options,
  },
): Promise<DeleteResult> {
  const { definition, namespace, name } = target;
  for (let attempt = 1; ; attempt += 1) {
    const current = env.store.get(definition.storageKey, namespace, name);
    if (current === undefined) throw notFound(definition, name);
    checkPreconditions(target, options, current);
    if (needsConversion(definition, current)) {
      await env.conversions.show(definition, [current], context.signal);
    }
    const asked = askAbout(env, target, current, context, shown);
    if (asked !== undefined) await asked;
    try {
      return await deleteCurrent(env, target, options, current, context);
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      if (attempt === CONFLICT_ATTEMPTS) throw conflict(definition, name);
    }
    await env.store.settled(definition.storageKey, namespace, name);
    context.signal.throwIfAborted();
  }
}

/** Whoever is to be asked sees the state that goes: should it be another by then, they are asked again. */
function askAbout(
  env: Environment,
  { definition, namespace, name }: Target,
  current: StoredObject,
  context: WriteContext,
  shown: { readonly name: string; readonly options: DeleteOptions },
): Promise<void> | undefined {
  const gate = gateOf(env, definition, '', 'DELETE', context);
  if (gate === undefined) return undefined;
  const request = {
    operation: 'DELETE',
    definition,
    subresource: '',
    kind: definition,
    namespace: admissionNamespace(definition, namespace, name),
    name: shown.name,
    object: undefined,
    old: decodeStored(current, definition),
    options: requestOptions('DeleteOptions', context, { ...shown.options }),
    context,
    refine: () => undefined,
  } as const;
  return (async () => {
    await gate.mutate?.(request);
    await gate.validate?.(request);
  })();
}

function checkPreconditions(target: Target, options: DeleteOptions, current: StoredObject): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid !== undefined && uid !== current.uid) {
    throw conflict(
      target.definition,
      target.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.uid}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(current.revision)) {
    throw conflict(
      target.definition,
      target.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${current.revision}`,
    );
  }
}

async function deleteCurrent(
  env: Environment,
  { definition }: Target,
  options: DeleteOptions,
  current: StoredObject,
  context: WriteContext,
): Promise<DeleteResult> {
  const strategy = strategyOf(definition);
  const old = decodeStored(current, definition);
  strategy.checkDelete?.(old);
  const object: KubernetesObject = { ...old, metadata: { ...old.metadata } };
  setPropagation(object.metadata, options.propagationPolicy ?? strategy.defaultPropagation);
  const grace = gracePeriodOf(options, strategy.gracePeriodSeconds?.(object));
  terminate(object.metadata, grace, env.clock.now());
  const release = hold(env, definition.storageKey, current.name);
  try {
    strategy.prepareForDelete?.(object, env);
    if (isFinished(env, strategy, object)) {
      const last = lastState(object, old);
      const stored = context.dryRun
        ? unstored(definition, object, current.revision)
        : await removeObject(
            env,
            definition,
            last,
            current.revision,
            last === old ? current : undefined,
          );
      return { stored, removed: true };
    }
    if (sameJSON(object, old)) return { stored: current, removed: false };
    const stored = context.dryRun
      ? unstored(definition, object, current.revision)
      : await putObject(env, definition, object, current.revision);
    return { stored, removed: false };
  } finally {
    release();
  }
}

const HOLDERS: ReadonlySet<string> = new Set([NAMESPACES, CUSTOM_RESOURCE_DEFINITIONS]);

/** From here until the deletion is visible (or has failed) nothing new may start in the namespace or of the kind. */
function hold(env: Environment, storageKey: string, name: string): () => void {
  const key = `${storageKey}/${name}`;
  if (!HOLDERS.has(storageKey) || env.terminating.has(key)) return () => undefined;
  env.terminating.add(key);
  return () => env.terminating.delete(key);
}

/** An object that goes at once is shown as it was, without a deletionTimestamp that nobody ever saw. */
function lastState(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  return old.metadata.deletionTimestamp === undefined ? old : object;
}

function gracePeriodOf(options: DeleteOptions, ofKind: number | undefined): number | undefined {
  if (ofKind === undefined) return undefined;
  const asked = options.gracePeriodSeconds;
  // 0 of the kind means that nothing is running: there is nothing to wait for.
  const wanted = asked === undefined || ofKind === 0 ? ofKind : asked < 0 ? 1 : asked;
  return Math.min(wanted, GRACE_LIMIT_SECONDS);
}

/** Sets deletionTimestamp and grace, or shortens the grace of what already terminates; it never grows. */
function terminate(metadata: ObjectMeta, grace: number | undefined, now: number): void {
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = formatTimestamp(now + (grace ?? 0) * 1000);
    metadata.deletionGracePeriodSeconds = grace ?? 0;
    if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation += 1;
    return;
  }
  if (grace === undefined || grace >= before) return;
  const end = parseTimestamp(metadata.deletionTimestamp) ?? now;
  metadata.deletionTimestamp = formatTimestamp(end - (before - grace) * 1000);
  metadata.deletionGracePeriodSeconds = grace;
}

const PROPAGATION_FINALIZERS = {
  Background: undefined,
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
} as const;

/** Asks the garbage collector, through a finalizer, to look after the dependents first. */
function setPropagation(metadata: ObjectMeta, policy: DeleteOptions['propagationPolicy']): void {
  if (policy === undefined) return;
  const wanted = PROPAGATION_FINALIZERS[policy];
  const finalizers = (metadata.finalizers ?? []).filter(
    (finalizer) => finalizer === wanted || !['foregroundDeletion', 'orphan'].includes(finalizer),
  );
  if (wanted !== undefined && !finalizers.includes(wanted)) finalizers.push(wanted);
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;
}
