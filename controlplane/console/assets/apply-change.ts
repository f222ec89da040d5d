// Carries a change of a service out, or has the server say what it would make of it. What somebody agreed to is done to what they saw: if
// the spec has been changed meanwhile, nothing is.
import { ApiFailure } from './api-failure.ts';
import type { Api } from './api.ts';
import type { ApiObject } from './api-object.ts';
import { pathOf } from './kinds.ts';
import type { Kind } from './kinds.ts';
import { differences } from './merge-patch.ts';
import type { Difference } from './merge-patch.ts';

/** How often somebody may be faster with what is no change of the spec, as the controllers are with the status. */
const ATTEMPTS = 10;

/** What the server would change, its own bookkeeping aside. @throws ApiFailure */
export async function dryRun(
  api: Api,
  kind: Kind,
  object: ApiObject,
  patch: object,
): Promise<readonly Difference[]> {
  const after = await patched(api, kind, object, patch, '?dryRun=All&pretty=false');
  return differences(visible(object), visible(after));
}

/** @throws ApiFailure */
export async function applyChange(
  api: Api,
  kind: Kind,
  seen: ApiObject,
  patch: object,
): Promise<void> {
  const { namespace, name, generation, uid } = seen.metadata;
  let { resourceVersion } = seen.metadata;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await patched(api, kind, seen, withVersion(patch, resourceVersion), '');
      return;
    } catch (error) {
      if (!(error instanceof ApiFailure) || error.code !== 409 || attempt === ATTEMPTS) throw error;
      const { metadata } = await api.get<ApiObject>(kind, { namespace, name });
      if (metadata.generation !== generation || metadata.uid !== uid)
        throw new ApiFailure(409, 'Conflict', 'somebody has changed it meanwhile: look again', {
          cause: error,
        });
      ({ resourceVersion } = metadata);
    }
  }
}

function patched(
  api: Api,
  kind: Kind,
  { metadata: { namespace, name } }: ApiObject,
  body: object,
  query: string,
): Promise<ApiObject> {
  const contentType = 'application/merge-patch+json';
  return api.request('PATCH', `${pathOf(kind, { namespace, name })}${query}`, {
    body,
    contentType,
  });
}

function withVersion(patch: object, resourceVersion: string | undefined): object {
  const { metadata = {} } = patch as { readonly metadata?: object };
  return { ...patch, metadata: { ...metadata, resourceVersion } };
}

function visible(object: ApiObject): object {
  const { metadata, spec } = object as ApiObject & { readonly spec?: unknown };
  const { annotations = {}, labels = {} } = metadata;
  return { metadata: { annotations, labels }, spec };
}
