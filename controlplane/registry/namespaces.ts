// What namespaces mean for the objects in them: creation needs a living namespace.
import { forbidden, notFound } from '#controlplane/api/errors.ts';
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
