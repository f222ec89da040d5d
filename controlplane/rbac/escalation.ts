// Nobody hands out rights that they do not hold: checked of each Role, ClusterRole and binding that is written, unless the writer may
// escalate (roles) or bind (bindings), which are verbs of their own.
import { forbidden, notFound } from '../api/errors.ts';
import type { ApiError } from '../api/errors.ts';
import { fieldAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import { resourceAttributes } from '../identity/authorizer.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import { MASTERS } from '../identity/union-authorizer.ts';
import { sameJSON } from '../registry/equality.ts';
import type { PrivilegeGuard } from '../registry/privileges.ts';

import { rulesOf } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';
import type { RBACAuthorizer } from './rbac-authorizer.ts';
import { RoleIndex } from './role-index.ts';
import { describeRules, missingRules, quotedList } from './rule-cover.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Whoever gathers the rules of others by labels may come to hold anything. */
const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

interface Write {
  readonly definition: ResourceDefinition;
  readonly object: KubernetesObject;
  readonly old: KubernetesObject | undefined;
  readonly user: UserInfo;
  readonly namespace: string;
  readonly name: string;
}

export class EscalationGuard implements PrivilegeGuard {
  readonly #authorizer: Authorizer;
  readonly #rbac: RBACAuthorizer;
  readonly #index: RoleIndex;

  /** @param authorizer decides about the verbs escalate and bind */
  constructor(authorizer: Authorizer, rbac: RBACAuthorizer, index: RoleIndex) {
    this.#authorizer = authorizer;
    this.#rbac = rbac;
    this.#index = index;
  }

  admit(
    definition: ResourceDefinition,
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    user: UserInfo,
  ): void {
    if (definition.group !== GROUP || user.groups.includes(MASTERS)) return;
    if (old !== undefined && isLifeCycleOnly(object, old)) return;
    const namespace = definition.namespaced ? (object.metadata.namespace ?? '') : '';
    const name = object.metadata.name ?? '';
    const write = { definition, object, old, user, namespace, name };
    if (definition.resource.endsWith('bindings')) this.#admitBinding(write);
    else this.#admitRole(write);
  }

  #admitRole(write: Write): void {
    const { definition, object, old, name, user, namespace } = write;
    if (this.#may(user, 'escalate', definition.resource, namespace, name)) return;
    this.#needRules(write, rulesOf(object));
    if (
      fieldAt(object, 'aggregationRule') === undefined &&
      fieldAt(old, 'aggregationRule') === undefined
    )
      return;
    if (this.#missing(user, namespace, EVERYTHING).length === 0) return;
    throw forbidden(
      definition,
      name,
      'must have cluster-admin privileges to use the aggregationRule',
    );
  }

  #admitBinding(write: Write): void {
    const { object, user, namespace } = write;
    const kind = stringAt(object, 'roleRef', 'kind');
    const roleName = stringAt(object, 'roleRef', 'name');
    const resource = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (this.#may(user, 'bind', resource, namespace, roleName)) return;
    const role = this.#index.role(RoleIndex.roleKey(kind, namespace, roleName));
    if (role === undefined) throw notFound({ group: GROUP, resource, kind }, roleName);
    this.#needRules(write, role.rules);
  }

  #may(user: UserInfo, verb: string, resource: string, namespace: string, name: string): boolean {
    const asked = { verb, group: GROUP, resource, namespace, name };
    return this.#authorizer.authorize(resourceAttributes(user, asked)).allowed;
  }

  #missing(user: UserInfo, namespace: string, rules: readonly PolicyRule[]): readonly PolicyRule[] {
    return missingRules(this.#rbac.rulesFor(user, namespace).rules, rules);
  }

  #needRules({ definition, name, user, namespace }: Write, rules: readonly PolicyRule[]): void {
    const missing = this.#missing(user, namespace, rules);
    if (missing.length === 0) return;
    const { problems } = this.#rbac.rulesFor(user, namespace);
    throw notHeld(definition, name, user, missing, problems);
  }
}

function notHeld(
  definition: ResourceDefinition,
  name: string,
  user: UserInfo,
  missing: readonly PolicyRule[],
  problems: readonly string[],
): ApiError {
  const why = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describeRules(missing)}`;
  const suffix = problems.length === 0 ? '' : `; resolution errors: [${problems.join(', ')}]`;
  return forbidden(definition, name, `${why}${suffix}`);
}

/** True when nothing but owners and finalizers changes: garbage collection must not need the rights of what it collects. */
function isLifeCycleOnly(object: KubernetesObject, old: KubernetesObject): boolean {
  const rest = ({ metadata, ...fields }: KubernetesObject): unknown => {
    const {
      ownerReferences: _owners,
      finalizers: _finalizers,
      managedFields: _managed,
      labels = {},
      annotations = {},
      ...kept
    } = metadata;
    return { ...fields, metadata: { ...kept, labels, annotations, resourceVersion: '' } };
  };
  return sameJSON(rest(object), rest(old));
}
