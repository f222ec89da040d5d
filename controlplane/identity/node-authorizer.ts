// What a node agent may do: its own Node and Lease, the Pods bound to it, and what those Pods refer to; and read all Nodes.
// A stolen node certificate must not open the Secrets of other machines.
import type { UserInfo } from '../api/user.ts';

import { allowed, denied } from './authorizer.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';

const USER_PREFIX = 'system:node:';
const NODE_GROUP = 'system:nodes';
const LEASE_NAMESPACE = 'kube-node-lease';

/** The node's name, when the user is one. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(USER_PREFIX) || !user.groups.includes(NODE_GROUP)) return undefined;
  return user.name.slice(USER_PREFIX.length);
}

/** What the node authorizer asks of the stored Pods. */
export interface BoundPods {
  /** True if the Pod exists and its spec.nodeName is `node`. */
  isBound(namespace: string, name: string, node: string): boolean;
  /** True if a Pod bound to `node`, or the ingress of a Service, refers to this object of core/v1. */
  refersTo(node: string, resource: string, namespace: string, name: string): boolean;
}

const REFERRED_RESOURCES = new Set([
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'serviceaccounts',
]);

export class NodeAuthorizer implements Authorizer {
  readonly #pods: BoundPods;

  constructor(pods: BoundPods) {
    this.#pods = pods;
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return denied;
    if (!attributes.isResourceRequest) return authorizePath(attributes, node);
    switch (`${attributes.group}/${attributes.resource}`) {
      case '/nodes':
        return authorizeNode(attributes, node);
      case 'coordination.k8s.io/leases':
        return authorizeLease(attributes, node);
      case '/pods':
        return this.#authorizePod(attributes, node);
      case 'windlass.dev/services':
        return only(
          isRead(attributes.verb) && attributes.subresource === '',
          'a node may only read services',
        );
      case 'certificates.k8s.io/certificatesigningrequests':
        return only(
          attributes.subresource === '' &&
            (attributes.verb === 'create' || isRead(attributes.verb)),
          'a node may only ask for certificates',
        );
      case '/events':
      case 'events.k8s.io/events':
        return only(
          attributes.verb === 'create' || attributes.verb === 'patch',
          'a node may only create and patch events',
        );
      default:
        return this.#authorizeReference(attributes, node);
    }
  }

  #authorizePod(attributes: Attributes, node: string): Decision {
    const { verb, subresource, namespace, name } = attributes;
    if (verb === 'list' || verb === 'watch') {
      return only(
        subresource === '' && selectsNode(attributes.fieldSelector, node),
        `a node must select its own Pods with fieldSelector spec.nodeName=${node}`,
      );
    }
    const known =
      subresource === ''
        ? verb === 'get' || verb === 'delete'
        : subresource === 'status' && (verb === 'get' || verb === 'patch' || verb === 'update');
    if (!known) return no('a node may get and delete Pods and write their status');
    return only(
      this.#pods.isBound(namespace, name, node),
      `the Pod is not bound to node "${node}"`,
    );
  }

  #authorizeReference(attributes: Attributes, node: string): Decision {
    const { group, resource, verb, subresource, namespace, name } = attributes;
    if (group === '' && resource === 'serviceaccounts' && subresource === 'token') {
      // For which of its Pods is looked at once the body is decoded.
      return only(
        verb === 'create' && this.#pods.refersTo(node, resource, namespace, name),
        `no Pod bound to node "${node}" runs as it`,
      );
    }
    if (group !== '' || !REFERRED_RESOURCES.has(resource) || subresource !== '') {
      return no('nodes have no use for this resource');
    }
    if (!isRead(verb) || name === '') return no('a node may only read single objects of this kind');
    return only(
      this.#pods.refersTo(node, resource, namespace, name),
      `no Pod bound to node "${node}" refers to it`,
    );
  }
}

function authorizeNode(attributes: Attributes, node: string): Decision {
  const { verb, subresource, name } = attributes;
  if (subresource !== '' && subresource !== 'status') return no('not a subresource for nodes');
  if (verb === 'create' && subresource === '') {
    // The name in the body is checked against the user by the caller that has the body; a POST has none in its path.
    return only(name === '' || name === node, OWN_NODE);
  }
  // Agents look up each other's addresses.
  if (isRead(verb)) return allowed;
  return only(name === node && (verb === 'update' || verb === 'patch'), OWN_NODE);
}

const OWN_NODE = 'a node may only create and write its own Node';

function authorizeLease(attributes: Attributes, node: string): Decision {
  const { verb, namespace, name, subresource } = attributes;
  const why = `a node may only use its own Lease in ${LEASE_NAMESPACE}`;
  if (namespace !== LEASE_NAMESPACE || subresource !== '') return no(why);
  if (verb === 'create') return only(name === '' || name === node, why);
  return only(name === node && (verb === 'get' || verb === 'update' || verb === 'patch'), why);
}

function authorizePath(attributes: Attributes, node: string): Decision {
  // Whom to believe, when that changes.
  if (attributes.path === '/windlass/v1/certificates/authorities')
    return only(attributes.verb === 'get', 'authorities are asked for with GET');
  if (attributes.path === `/windlass/v1/nodes/${node}/certificates`)
    return only(attributes.verb === 'post', 'certificates are asked for with POST');
  return only(
    attributes.verb === 'get' &&
      (attributes.path === `/windlass/v1/nodes/${node}/tunnel` ||
        attributes.path.startsWith('/windlass/v1/sessions/')),
    'a node may only open its own tunnel',
  );
}

function isRead(verb: string): boolean {
  return verb === 'get' || verb === 'list' || verb === 'watch';
}

/** True if one requirement of the selector is `spec.nodeName=<node>`; further ones only narrow it. */
function selectsNode(fieldSelector: string, node: string): boolean {
  return fieldSelector
    .split(',')
    .some((part) => part === `spec.nodeName=${node}` || part === `spec.nodeName==${node}`);
}

function only(condition: boolean, reason: string): Decision {
  return condition ? allowed : no(reason);
}

function no(reason: string): Decision {
  return { allowed: false, reason };
}
