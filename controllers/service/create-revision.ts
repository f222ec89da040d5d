// Writes a new entry of a service's history. Its name follows from the template, so whoever is second, a restarted controller or
// another one, finds the entry of the first.
import type { Client } from '../machinery/client-types.ts';
import { controllerOf } from '../machinery/owner-references.ts';
import { isAlreadyExists } from '../machinery/request-error.ts';
import { CONTROLLER_REVISIONS } from '../machinery/resources.ts';
import type { ControllerRevision, NewRevision } from './revision.ts';
import type { Service } from './types.ts';

/** @throws RequestError; Error while an entry of an earlier service of that name is still there */
export async function createRevision(
  client: Client,
  service: Service,
  object: NewRevision,
  signal: AbortSignal,
): Promise<ControllerRevision> {
  const { namespace = '', uid } = service.metadata;
  const { name } = object.metadata;
  try {
    return await client.create<ControllerRevision>(CONTROLLER_REVISIONS, namespace, object, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get<ControllerRevision>(
      CONTROLLER_REVISIONS,
      namespace,
      name,
      signal,
    );
    if (controllerOf(existing)?.uid === uid) return existing;
    throw new Error(
      `Cannot create ControllerRevision ${namespace}/${name}: one of another owner has that name`,
      { cause: error },
    );
  }
}
