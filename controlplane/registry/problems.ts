// What to do with unknown and duplicate fields: refuse, warn or ignore, as the request's fieldValidation says.
import type { ApiError } from '#controlplane/api/errors.ts';
import { badRequest, invalid } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { WriteContext } from './types.ts';

/**
 * @param problems from strict decoding: `unknown field "spec.foo"`, `duplicate field "x"`
 * @param dropped paths that pruning removed
 * @param refusal makes the error of Strict
 * @throws ApiError what `refusal` makes, when fieldValidation is Strict and there is a problem
 */
export function reportProblems(
  problems: readonly string[],
  dropped: readonly string[],
  context: WriteContext,
  refusal: (text: string) => ApiError,
): void {
  if (context.fieldValidation === 'Ignore') return;
  if (problems.length === 0 && dropped.length === 0) return;
  const all = [...new Set([...problems, ...dropped.map((path) => `unknown field "${path}"`)])];
  if (context.fieldValidation === 'Strict') {
    throw refusal(`strict decoding error: ${all.join(', ')}`);
  }
  for (const text of all) context.warn(text);
}

export function strictBodyError(definition: ResourceDefinition): (text: string) => ApiError {
  return (text) => cannotHandle(definition, text);
}

export function strictPatchError(
  definition: ResourceDefinition,
  patch: unknown,
): (text: string) => ApiError {
  return (text) => {
    // A Secret's patch holds what no message may show.
    const shown = definition.storageKey === 'core/secrets' ? '<not shown>' : JSON.stringify(patch);
    return invalid({ group: '', kind: '' }, '', [invalidField('patch', shown, text)]);
  };
}

/** 400 `Pod in version "v1" cannot be handled as a Pod: …`, the form of upstream's decoding errors. */
export function cannotHandle(definition: ResourceDefinition, why: string): ApiError {
  const { kind, version } = definition;
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}
