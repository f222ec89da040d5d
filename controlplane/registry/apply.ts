// PATCH with application/apply-patch+yaml: server-side apply, as a change of the newest state or as the making of a new object.
import { ApiError, badRequest, conflict } from '#controlplane/api/errors.ts';
import { applyConfiguration, KUBECTL } from '#controlplane/api/managed-fields/apply.ts';
import { keepLastApplied } from '#controlplane/api/managed-fields/last-applied.ts';
import { NOTHING } from '#controlplane/api/managed-fields/update.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { conformMetadata, conformObject } from '#controlplane/api/schema/decode.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { acceptConfiguration, strictApplyError } from './applied-configuration.ts';
import { acceptBody, matchName, matchNamespace } from './body.ts';
import { createObject } from './create.ts';
import type { Environment } from './environment.ts';
import { managerOf, perspectiveOf, setEntries, storedEntries } from './field-owners.ts';
import { reportProblems } from './problems.ts';
import type { DecodedObject, PatchRequest, Target, WriteContext, WriteResult } from './types.ts';
import { changeObject } from './update.ts';
import { withForms } from './version-forms.ts';

/** @throws ApiError Conflict for fields of others, BadRequest or 500 in upstream's words for what is no configuration of the kind */
export async function applyObject(
  env: Environment,
  target: Target,
  subresource: string,
  request: PatchRequest,
  context: WriteContext,
): Promise<WriteResult> {
  const { definition, namespace, name } = target;
  const config = acceptConfiguration(definition, namespace, request.patch);
  reportProblems(request.problems, [], context, strictApplyError);
  const isThere = (): boolean =>
    subresource !== '' || env.store.get(definition.storageKey, namespace, name) !== undefined;
  while (!isThere()) {
    const live = NOTHING as KubernetesObject;
    const body = await applied(env, target, subresource, live, config, request, context);
    refuseUid(target, config);
    context.permitCreate?.();
    // It says which object was meant; there is none yet.
    delete body.object.metadata.resourceVersion;
    try {
      const stored = await createObject(env, definition, namespace, body, context, 'given');
      return { stored, created: true };
    } catch (error) {
      // Somebody else made it in between: then it is there to be changed.
      if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
      if (!isThere()) await env.store.settled(definition.storageKey, namespace, name);
      context.signal.throwIfAborted();
    }
  }
  return changeObject(
    env,
    target,
    subresource,
    {
      conditional: false,
      ownership: 'given',
      refusal: badRequest,
      apply: (old) => applied(env, target, subresource, old, config, request, context),
    },
    context,
  );
}

async function applied(
  env: Environment,
  { definition, namespace, name }: Target,
  subresource: string,
  old: KubernetesObject,
  config: KubernetesObject,
  { force = false }: PatchRequest,
  context: WriteContext,
): Promise<DecodedObject> {
  const perspective = perspectiveOf(env, definition, subresource);
  const manager = managerOf(env, context);
  const { managedFields: _entries, ...metadata } = old.metadata;
  const live = { ...old, metadata };
  const result = await withForms(env, definition, perspective, (seeing) =>
    applyConfiguration(seeing, live, storedEntries(old.metadata), {
      object: config,
      manager,
      force,
    }),
  );
  // It shares parts with the stored state and the request, which both stay as they are.
  const object = copyJson(result.object) as KubernetesObject;
  if (manager.name === KUBECTL) keepLastApplied(object, config);
  const unknown = definition.custom
    ? conformMetadata(object)
    : conformObject(object, definition.schema);
  acceptBody(definition, object);
  if ((object.metadata.name ?? '') === '') {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  matchNamespace(definition, object, namespace);
  matchName(object, name);
  setEntries(object, result.entries);
  return { object, problems: unknown };
}

/** A configuration with a uid means an object that is gone. */
function refuseUid({ definition, name }: Target, { metadata }: KubernetesObject): void {
  const { uid = '' } = (metadata ?? {}) as { uid?: string };
  if (uid === '') return;
  throw conflict(
    definition,
    name,
    `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
  );
}
