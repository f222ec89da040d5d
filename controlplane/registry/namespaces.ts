// What namespaces mean for the objects in them: creation needs a living namespace, the last finalizer of a namespace
// goes only when nothing is left inside.
import { conflict, forbidden, notFound } from '#controlplane/api/errors.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Environment } from './environment.ts';

const subject = { group: '', resource: 'namespaces', kind: 'Namespace' };

export const NAMESPACES = 'core/namespaces';

/**
 * @throws ApiError NotFound when the namespace does not exist, Forbidden (cause NamespaceTerminating) when it is going away
 */
export function admitToNamespace(
  env: Environment,
  definition: ResourceDefinition,
  namespace: string,
  name: string,
): void {
  const stored = env.store.get(NAMESPACES, '', namespace);
  if (stored === undefined) throw notFound(subject, namespace);
  const terminating =
    stored.fields['status.phase'] === 'Terminating' ||
    env.terminating.has(`${NAMESPACES}/${namespace}`);
  if (!terminating) return;
  throw forbidden(
    definition,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/**
 * Refuses to let a namespace go while objects are in it: a create that was in flight when the deletion began may have
 * landed after the namespace controller looked. The controller retries on the conflict.
 *
 * @throws ApiError Conflict naming one remaining kind
 */
export function checkNamespaceEmpty(env: Environment, namespace: string): void {
  for (const { namespaced, storageKey, resource } of env.scheme.definitions()) {
    if (!namespaced) continue;
    if (env.store.list(storageKey, { namespace, limit: 1 }).items.length === 0) continue;
    throw conflict(subject, namespace, `there are still ${resource} in the namespace`);
  }
}
