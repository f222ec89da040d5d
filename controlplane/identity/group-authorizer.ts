// The rules until RBAC: administrators may do everything, nodes what a node needs, everybody health and version.
import { allowed, denied } from './authorizer.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';
import { nodeNameOf } from './node-authorizer.ts';

const PUBLIC_PATHS = ['/healthz', '/livez', '/readyz', '/version'];

/** Discovery and OpenAPI: what any authenticated client reads before its first request. */
const DISCOVERY_PATHS = ['/api', '/apis', '/openapi'];

export class GroupAuthorizer implements Authorizer {
  readonly #nodes: Authorizer;

  /** @param nodes decides for members of system:nodes */
  constructor(nodes: Authorizer) {
    this.#nodes = nodes;
  }

  authorize(attributes: Attributes): Decision {
    const { groups } = attributes.user;
    if (groups.includes('system:masters')) return allowed;
    if (!attributes.isResourceRequest && attributes.verb === 'get') {
      if (isBelow(attributes.path, PUBLIC_PATHS)) return allowed;
      if (groups.includes('system:authenticated') && isBelow(attributes.path, DISCOVERY_PATHS)) {
        return allowed;
      }
    }
    if (nodeNameOf(attributes.user) !== undefined) return this.#nodes.authorize(attributes);
    return denied;
  }
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some(
    (root) => path === root || (path.startsWith(root) && path[root.length] === '/'),
  );
}
