// PATCH: JSON, merge and strategic merge patches, as a change of the newest state.
import { badRequest, unsupportedMediaType } from '#controlplane/api/errors.ts';
import { isObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { applyJSONPatch } from '#controlplane/api/patch/json-patch.ts';
import { applyMergePatch } from '#controlplane/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '#controlplane/api/patch/strategic-merge.ts';
import { conformMetadata, conformObject } from '#controlplane/api/schema/decode.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import type { Trusted } from '#controlplane/api/schema/trusted.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { applyObject } from './apply.ts';
import { acceptBody, matchName, matchNamespace } from './body.ts';
import type { Environment } from './environment.ts';
import { strictPatchError } from './problems.ts';
import type { PatchRequest, Target, WriteContext, WriteResult } from './types.ts';
import { changeObject } from './update.ts';

const BUILTIN_PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
const CUSTOM_PATCHES = ['application/json-patch+json', 'application/merge-patch+json'];

export function patchObject(
  env: Environment,
  target: Target,
  subresource: string,
  request: PatchRequest,
  context: WriteContext,
): Promise<WriteResult> {
  const { definition, namespace, name } = target;
  if (request.type === 'apply') return applyObject(env, target, subresource, request, context);
  return changeObject(
    env,
    target,
    subresource,
    {
      conditional: false,
      refusal: strictPatchError(definition, request.patch),
      apply(old, trusted) {
        const object = applyPatch(definition, request, old, trusted) as KubernetesObject;
        // The rules of a decoded body: wrong types are refused, nulls and zeros that mean nothing dropped.
        const unknown = definition.custom
          ? conformMetadata(object)
          : conformPatched(definition, request, object, trusted);
        acceptBody(definition, object);
        matchNamespace(definition, object, namespace);
        matchName(object, name);
        return { object, problems: [...request.problems, ...unknown] };
      },
    },
    context,
  );
}

/** Of a strategic patch upstream says what is wrong with the types as of any other field, and in other words. */
function conformPatched(
  definition: ResourceDefinition,
  { type, patch }: PatchRequest,
  object: KubernetesObject,
  trusted: Trusted | undefined,
): readonly string[] {
  try {
    return conformObject(object, definition.schema, trusted);
  } catch (error) {
    const why = error instanceof Error ? WRONG_CONTAINER.exec(error.message) : null;
    if (type !== 'strategic' || why === null) throw error;
    const [, found = '', wanted = ''] = why;
    const what = wanted.startsWith('[]') ? 'slice' : 'map';
    throw strictPatchError(definition, patch)(`cannot restore ${what} from ${found}`);
  }
}

const WRONG_CONTAINER = /cannot unmarshal (string|number|bool) into .* of type (map\[|\[\])/;

/**
 * The patched copy of `document`, which stays as it is.
 *
 * @param trusted parts of it that the copy may share
 * @throws ApiError 400 or 422 for what is wrong with the patch, 415 for a type that the kind does not take
 */
export function applyPatch(
  definition: Pick<ResourceDefinition, 'custom' | 'schema'>,
  { type, patch }: PatchRequest,
  document: unknown,
  trusted?: Trusted,
): unknown {
  const accepted = definition.custom ? CUSTOM_PATCHES : BUILTIN_PATCHES;
  switch (type) {
    case 'json':
      return mustBeObject(applyJSONPatch(copyJson(document), patch));
    case 'merge':
      if (!isObject(patch)) throw badRequest('a merge patch must be a JSON object');
      return mustBeObject(applyMergePatch(copyJson(document, trusted), patch));
    case 'strategic':
      if (definition.custom) throw unsupportedMediaType(accepted);
      if (!isObject(patch)) throw badRequest('a strategic merge patch must be a JSON object');
      return mustBeObject(
        applyStrategicMergePatch(copyJson(document, trusted), patch, definition.schema),
      );
    case 'apply':
      throw unsupportedMediaType(accepted);
  }
}

function mustBeObject(result: unknown): unknown {
  if (!isObject(result)) throw badRequest('the patch leaves no object behind');
  return result;
}
