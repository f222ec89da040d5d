// DELETE of a collection: each matching object is deleted on its own, as by its own DELETE.
import { ApiError } from '#controlplane/api/errors.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { deleteObject } from './deletion.ts';
import type { Environment } from './environment.ts';
import { listShown } from './list-shown.ts';
import type {
  CollectionResult,
  CollectionSelector,
  DeleteOptions,
  DeleteResult,
  WriteContext,
} from './types.ts';

/** Deletions under way at once: enough to fill the store's batches, few enough not to starve other requests. */
const PARALLEL = 64;

export async function deleteCollection(
  env: Environment,
  definition: ResourceDefinition,
  namespace: string | undefined,
  selector: CollectionSelector,
  options: DeleteOptions,
  context: WriteContext,
): Promise<CollectionResult> {
  const wanted = { ...(namespace === undefined ? {} : { namespace }), ...selector };
  const { items, ...list } = await listShown(
    env.store,
    env.conversions,
    definition,
    wanted,
    context.signal,
  );
  const results: DeleteResult[] = [];
  for (let start = 0; start < items.length; start += PARALLEL) {
    context.signal.throwIfAborted();
    const group = items.slice(start, start + PARALLEL);
    const outcomes = await Promise.all(
      group.map((item) => deleteListed(env, definition, item, options, context)),
    );
    for (const outcome of outcomes) if (outcome !== undefined) results.push(outcome);
  }
  return { ...list, results };
}

/** Undefined when the object went away, or was replaced by a namesake, since it was listed. */
async function deleteListed(
  env: Environment,
  definition: ResourceDefinition,
  { namespace, name, uid }: StoredObject,
  options: DeleteOptions,
  context: WriteContext,
): Promise<DeleteResult | undefined> {
  const pinned = { ...options, preconditions: { uid, ...options.preconditions } };
  try {
    return await deleteObject(env, { definition, namespace, name }, pinned, context, {
      name: '',
      options,
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const now = env.store.get(definition.storageKey, namespace, name);
    if (error.reason === 'NotFound' || (error.reason === 'Conflict' && now?.uid !== uid)) {
      return undefined;
    }
    throw error;
  }
}
