// POST of a collection: body → prepared, defaulted, validated → stored. Where webhooks or policies are to be asked, they are asked
// in between, and everything that others may have changed meanwhile is looked at again before the write.
import {
  alreadyExists,
  badRequest,
  generateNameConflict,
  invalid,
} from '#controlplane/api/errors.ts';
import { generateName } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { applyDefaults } from '#controlplane/api/schema/default.ts';
import { copyJson, entryOf } from '#controlplane/api/schema/json-value.ts';
import { pruneUnknown } from '#controlplane/api/schema/prune.ts';
import type { Schema } from '#controlplane/api/schema/schema.ts';
import type { Trusted } from '#controlplane/api/schema/trusted.ts';
import { KeyExistsError } from '#controlplane/store/errors.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { admissionNamespace, gateOf } from './admission.ts';
import type { AdmissionRequest, Gate } from './admission.ts';
import { acceptBody, matchNamespace } from './body.ts';
import type { Environment } from './environment.ts';
import { ownNewFields, takeSentEntries } from './field-owners.ts';
import { admitPodSecurity } from './pod-security/admit.ts';
import { dropDuplicateOwners, prepareNewMetadata } from './metadata.ts';
import { warnOfInertKind } from './inert-kinds.ts';
import { keepReadableOwners, refineWith, requestOptions } from './mutated-object.ts';
import { admitToNamespace } from './namespaces.ts';
import { displayName, unstored } from './objects.ts';
import { reportProblems, strictBodyError } from './problems.ts';
import { needRules } from './rules.ts';
import type { Strategy } from './strategy.ts';
import { hasStatus, strategyOf } from './strategy-table.ts';
import type { DecodedObject, Ownership, WriteContext } from './types.ts';
import { validateNew } from './validation.ts';
import { putObject } from './writes.ts';

/** So many generated names are tried before the client is asked to. */
const NAME_ATTEMPTS = 8;

export async function createObject(
  env: Environment,
  definition: ResourceDefinition,
  namespace: string,
  body: DecodedObject,
  context: WriteContext,
  ownership: Ownership = 'tracked',
): Promise<StoredObject> {
  const { object } = body;
  acceptBody(definition, object);
  matchNamespace(definition, object, namespace);
  const dropped = pruneUnknown(definition.schema, object);
  reportProblems(body.problems, dropped, context, strictBodyError(definition));
  const { metadata } = object;
  // Waits before the admissions: from them to the queue of the store nobody may come between, least of all a deletion.
  if (context.isProven === undefined) await needRules(definition, object);
  const gate = gateOf(env, definition, '', 'CREATE', context);
  if (gate !== undefined) return createAsked(env, definition, gate, object, context, ownership);
  const prefix = prefixOf(object);
  if (prefix !== '') metadata.name = generatedName(env, prefix);
  const refusal = versionRefusal(object, context);
  permitHere(env, definition, object);
  prepareCreate(env, definition, object, context, ownership);
  finishCreate(env, definition, object, context);
  if (refusal !== undefined) throw refusal;
  warnOfInertKind(definition, context);
  return store(env, definition, object, prefix, context);
}

/** Of an object that was read from here: told after all else that is wrong with it, and not at all by a dry run, as upstream's storage does. */
function versionRefusal(
  { metadata: { resourceVersion = '' } }: KubernetesObject,
  { dryRun }: WriteContext,
): Error | undefined {
  if (dryRun || resourceVersion === '' || resourceVersion === '0') return undefined;
  return badRequest('resourceVersion should not be set on objects to be created');
}

/** The prefix that the name is to be made from; '' where there is a name. */
function prefixOf({ metadata }: KubernetesObject): string {
  return (metadata.name ?? '') === '' ? (metadata.generateName ?? '') : '';
}

function generatedName(env: Environment, prefix: string): string {
  return generateName(prefix, (length) => env.ids.suffix(length));
}

/** Is there a place for a new object of the kind, now? */
function permitHere(
  env: Environment,
  definition: ResourceDefinition,
  { metadata }: KubernetesObject,
): void {
  const name = displayName(metadata);
  if (definition.namespaced) {
    admitToNamespace(env, definition, metadata.namespace ?? '', name);
  }
  env.customResources.admitCreate(definition, name);
}

/** What the client sent, without what it may not send, with its defaults and who owns what. */
function prepareCreate(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  context: WriteContext,
  ownership: Ownership,
): void {
  stampNew(env, definition, object);
  dropDuplicateOwners(object.metadata, context);
  fillIn(definition, strategyOf(definition), object);
  if (ownership === 'tracked') {
    // What the server adds beyond defaults was set by nobody.
    ownNewFields(env, definition, object, takeSentEntries(object), context);
  }
}

function stampNew(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
): void {
  const strategy = strategyOf(definition);
  prepareNewMetadata(object.metadata, env);
  if (strategy.hasGeneration === true) object.metadata.generation = 1;
  if (strategy.keepsStatusOnCreate !== true && hasStatus(definition))
    emptyStatus(definition, object);
}

/** Nobody sends it. Where upstream writes it even so, as Go writes all that is no pointer, it is there and empty. */
function emptyStatus({ schema }: ResourceDefinition, object: KubernetesObject): void {
  const status = entryOf(schema?.properties, 'status');
  if (typeof status?.zero === 'object' && status.zero !== null)
    object['status'] = zeroOf(status.schema);
  else delete object['status'];
}

function zeroOf(schema: Schema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema.properties ?? {})
      .filter(([, { zero }]) => zero !== undefined && zero !== null && typeof zero !== 'object')
      .map(([name, { zero }]) => [name, zero]),
  );
}

/** What the server adds, and whether the whole may be. Nobody may come between this and the write, or its looks are taken again. */
function finishCreate(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  context: WriteContext,
): void {
  const strategy = strategyOf(definition);
  if (strategy.prepareForCreate !== undefined) {
    strategy.prepareForCreate(object, env, context.user);
    fillIn(definition, strategy, object);
  }
  const errors = context.isProven ? [] : validateNew(definition, strategy, object);
  if (errors.length === 0) errors.push(...(strategy.finish?.(object, env) ?? []));
  if (errors.length > 0) throw invalid(definition, displayName(object.metadata), errors);
  strategy.checkCreate?.(object, env);
  admitPodSecurity(env, definition, '', object, undefined, context);
  env.privileges?.admit(definition, object, undefined, context.user);
}

/** Defaults of the schema and of the kind. @param trusted parts that have them */
export function fillIn(
  definition: ResourceDefinition,
  strategy: Strategy,
  object: KubernetesObject,
  trusted?: Trusted,
): void {
  applyDefaults(definition.schema, object, trusted);
  strategy.applyDefaults?.(object);
}

async function createAsked(
  env: Environment,
  definition: ResourceDefinition,
  gate: Gate,
  sent: KubernetesObject,
  context: WriteContext,
  ownership: Ownership,
): Promise<StoredObject> {
  const { namespace = '', name = '' } = sent.metadata;
  // Who has no place is told before anybody is asked.
  permitHere(env, definition, sent);
  const refusal = versionRefusal(sent, context);
  prepareCreate(env, definition, sent, context, ownership);
  // Given anew to what is stored: nobody is shown one that may change.
  delete sent.metadata.uid;
  delete sent.metadata.creationTimestamp;
  delete sent.metadata.generation;
  const strategy = strategyOf(definition);
  strategy.admit?.(sent, env);
  const request: AdmissionRequest = {
    operation: 'CREATE',
    definition,
    subresource: '',
    kind: definition,
    namespace: admissionNamespace(definition, namespace, name),
    name,
    object: sent,
    old: undefined,
    options: requestOptions('CreateOptions', context),
    context,
    refine: refineWith(definition, (object) => fillIn(definition, strategy, object)),
  };
  let wanted = sent;
  if (gate.mutate !== undefined) {
    wanted = (await gate.mutate(request)) ?? sent;
    if ((wanted.metadata.namespace ?? '') !== namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
    dropDuplicateOwners(wanted.metadata, context);
    keepReadableOwners(wanted, sent.metadata.managedFields, context);
  }
  stampNew(env, definition, wanted);
  warnOfInertKind(definition, context);
  const prefix = prefixOf(wanted);
  for (let attempt = 1; ; attempt += 1) {
    const candidate = copyJson(wanted) as KubernetesObject;
    if (prefix !== '') candidate.metadata.name = generatedName(env, prefix);
    // What was derived from the name (a namespace's label) follows it.
    strategy.applyDefaults?.(candidate);
    const stored = await writeAsked(env, definition, gate, request, candidate, refusal);
    if (stored !== undefined) return stored;
    const taken = candidate.metadata.name ?? '';
    if (prefix === '') throw alreadyExists(definition, taken);
    if (attempt === NAME_ATTEMPTS) throw generateNameConflict(definition, taken);
    context.signal.throwIfAborted();
  }
}

/** @returns undefined when the name is taken */
async function writeAsked(
  env: Environment,
  definition: ResourceDefinition,
  gate: Gate,
  request: AdmissionRequest,
  object: KubernetesObject,
  refusal: Error | undefined,
): Promise<StoredObject | undefined> {
  const { context } = request;
  finishCreate(env, definition, object, context);
  // What the object was given (addresses) stays its own while others think about it.
  const release = env.serviceAddresses.writing(definition, object);
  try {
    if (gate.validate !== undefined) {
      // By now there is a name, whoever gave it.
      const name = object.metadata.name ?? '';
      const namespace = admissionNamespace(definition, request.namespace, name);
      await gate.validate({ ...request, name, namespace, object });
      env.privileges?.admit(definition, object, undefined, context.user);
    }
    permitHere(env, definition, object);
    if (refusal !== undefined) throw refusal;
    return await put(env, definition, object, context);
  } finally {
    release();
  }
}

/** @returns undefined when the name is taken */
async function put(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  context: WriteContext,
): Promise<StoredObject | undefined> {
  const { name = '', namespace = '' } = object.metadata;
  // The last that may refuse, as upstream: whoever was asked before has agreed.
  const release =
    context.isInternal === true ? undefined : env.quotas.writing(definition, object, true);
  try {
    if (!context.dryRun) return await putObject(env, definition, object, 0);
    const place = definition.namespaced ? namespace : '';
    const isTaken = env.store.get(definition.storageKey, place, name) !== undefined;
    return isTaken ? undefined : unstored(definition, object);
  } catch (error) {
    if (error instanceof KeyExistsError) return undefined;
    throw error;
  } finally {
    release?.();
  }
}

async function store(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  prefix: string,
  context: WriteContext,
): Promise<StoredObject> {
  let candidate = object;
  for (let attempt = 1; ; attempt += 1) {
    const stored = await put(env, definition, candidate, context);
    if (stored !== undefined) return stored;
    const name = candidate.metadata.name ?? '';
    if (prefix === '') throw alreadyExists(definition, name);
    if (attempt === NAME_ATTEMPTS) throw generateNameConflict(definition, name);
    candidate = {
      ...object,
      metadata: { ...object.metadata, name: generatedName(env, prefix) },
    };
    // What was derived from the name (a namespace's label) follows the new one.
    strategyOf(definition).applyDefaults?.(candidate);
  }
}
