// Where a kind may be asked for: below a namespace, or outside of them all.
import { methodNotAllowed } from '../api/errors.ts';
import type { ResourceDefinition } from '../api/resource.ts';

import type { RequestInfo } from './request-info.ts';

/** Cluster-scoped kinds have no place in a namespace; single namespaced objects have none outside. */
export function isInScope(info: RequestInfo, definition: ResourceDefinition): boolean {
  if (definition.namespaced) {
    if (info.namespace !== '') return true;
    if (info.name !== '') return false;
    if (info.verb === 'create' || info.verb === 'deletecollection') {
      if (definition.custom) return false;
      throw methodNotAllowed(definition);
    }
    return true;
  }
  // RequestInfo puts a Namespace into itself.
  return info.namespace === '' || (definition.group === '' && definition.resource === 'namespaces');
}
