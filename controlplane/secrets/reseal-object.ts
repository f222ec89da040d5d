// Writes one object again as it is, so that it is sealed with the key of now. A new revision as for any write: replicas and
// watches see it in order.
import { RevisionConflictError } from '../store/errors.ts';
import { parseObject } from '../store/stored-object.ts';
import type { Store, StoredObject } from '../store/types.ts';

export interface SealedObject {
  /** Storage key of the kind. */
  readonly resource: string;
  readonly stored: StoredObject;
}

/**
 * Also done when somebody else wrote or deleted the object meanwhile.
 *
 * @param isDone whether a version is sealed as wanted
 * @throws StorageUnavailableError
 */
export async function resealObject(
  store: Store,
  { resource, stored: { namespace, name } }: SealedObject,
  isDone: (object: SealedObject) => boolean,
): Promise<void> {
  for (;;) {
    const stored = store.get(resource, namespace, name);
    if (stored === undefined || isDone({ resource, stored })) return;
    try {
      const at = { resource, namespace, name, expectedRevision: stored.revision };
      await store.put(at, parseObject(stored.bytes));
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      // What was faster is sealed with the key of now; when it fails, this is tried again.
      await store.settled(resource, namespace, name);
    }
  }
}
