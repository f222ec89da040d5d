// POST of a collection: body → prepared, defaulted, validated → stored.
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
import { pruneUnknown } from '#controlplane/api/schema/prune.ts';
import type { Trusted } from '#controlplane/api/schema/trusted.ts';
import { KeyExistsError } from '#controlplane/store/errors.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { acceptBody, matchNamespace } from './body.ts';
import type { Environment } from './environment.ts';
import { ownNewFields, takeSentEntries } from './field-owners.ts';
import { dropDuplicateOwners, prepareNewMetadata } from './metadata.ts';
import { warnOfInertKind } from './inert-kinds.ts';
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
  if ((metadata.resourceVersion ?? '') !== '' && metadata.resourceVersion !== '0') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  // Waits before the admissions: from them to the queue of the store nobody may come between, least of all a deletion.
  if (context.isProven === undefined) await needRules(definition, object);
  const prefix = (metadata.name ?? '') === '' ? (metadata.generateName ?? '') : '';
  if (prefix !== '') metadata.name = generatedName(env, prefix);
  if (definition.namespaced) admitToNamespace(env, definition, namespace, displayName(metadata));
  env.customResources.admitCreate(definition, displayName(metadata));
  prepareCreate(env, definition, object, context, ownership);
  warnOfInertKind(definition, context);
  return store(env, definition, object, prefix, context);
}

function generatedName(env: Environment, prefix: string): string {
  return generateName(prefix, (length) => env.ids.suffix(length));
}

function prepareCreate(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  context: WriteContext,
  ownership: Ownership,
): void {
  const strategy = strategyOf(definition);
  const { metadata } = object;
  prepareNewMetadata(metadata, env);
  dropDuplicateOwners(metadata, context);
  if (strategy.hasGeneration === true) metadata.generation = 1;
  if (strategy.keepsStatusOnCreate !== true && hasStatus(definition)) delete object['status'];
  fillIn(definition, strategy, object);
  if (ownership === 'tracked') {
    // What the server adds beyond defaults was set by nobody.
    ownNewFields(env, definition, object, takeSentEntries(object), context);
  }
  if (strategy.prepareForCreate !== undefined) {
    strategy.prepareForCreate(object, env, context.user);
    fillIn(definition, strategy, object);
  }
  const errors = context.isProven ? [] : validateNew(definition, strategy, object);
  if (errors.length === 0) errors.push(...(strategy.finish?.(object, env) ?? []));
  if (errors.length > 0) throw invalid(definition, displayName(metadata), errors);
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

async function store(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  prefix: string,
  context: WriteContext,
): Promise<StoredObject> {
  let candidate = object;
  for (let attempt = 1; ; attempt += 1) {
    const name = candidate.metadata.name ?? '';
    const namespace = definition.namespaced ? (candidate.metadata.namespace ?? '') : '';
    if (context.dryRun && env.store.get(definition.storageKey, namespace, name) === undefined) {
      return unstored(definition, candidate);
    }
    try {
      if (context.dryRun) throw new KeyExistsError(name);
      return await putObject(env, definition, candidate, 0);
    } catch (error) {
      if (!(error instanceof KeyExistsError)) throw error;
      if (prefix === '') throw alreadyExists(definition, name);
      if (attempt === NAME_ATTEMPTS) throw generateNameConflict(definition, name);
    }
    candidate = {
      ...object,
      metadata: { ...object.metadata, name: generatedName(env, prefix) },
    };
    // What was derived from the name (a namespace's label) follows the new one.
    strategyOf(definition).applyDefaults?.(candidate);
  }
}
