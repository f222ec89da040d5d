// What roles and bindings allow. Nothing is remembered between requests: each looks up what its user was granted.
import { denied } from '../identity/authorizer.ts';
import type { Attributes, Authorizer, Decision } from '../identity/authorizer.ts';
import type { UserInfo } from '../api/user.ts';

import { combinedResource } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';
import type { Grant, RoleIndex } from './role-index.ts';

/** The rules of a user, and which roles that bindings name are not there. */
export interface UserRules {
  readonly rules: readonly PolicyRule[];
  /** `clusterrole.rbac.authorization.k8s.io "x" not found` */
  readonly problems: readonly string[];
}

export class RBACAuthorizer implements Authorizer {
  readonly #index: RoleIndex;

  constructor(index: RoleIndex) {
    this.#index = index;
  }

  authorize(attributes: Attributes): Decision {
    const index = this.#index;
    const { user, isResourceRequest } = attributes;
    const combined = combinedResource(attributes);
    let found: Decision | undefined;
    // Roles in namespaces say nothing about paths.
    index.some(user, isResourceRequest ? attributes.namespace : '', (grant) => {
      const role = index.role(grant.roleKey);
      if (role === undefined) return false;
      for (const rule of role.compiled) {
        const allows = isResourceRequest
          ? rule.allowsResource(attributes, combined)
          : rule.allowsPath(attributes);
        if (!allows) continue;
        found = grant.decision;
        return true;
      }
      return false;
    });
    return found ?? this.#denial(attributes);
  }

  /** Everything that the user was granted in the namespace, '' for the whole cluster only. */
  rulesFor(user: UserInfo, namespace: string): UserRules {
    const rules: PolicyRule[] = [];
    const problems = new Set<string>();
    this.#index.some(user, namespace, (grant) => {
      const role = this.#index.role(grant.roleKey);
      if (role === undefined) problems.add(notFoundText(grant));
      else rules.push(...role.rules);
      return false;
    });
    return { rules, problems: [...problems] };
  }

  /** A binding to a role that is not there is most often why something is not allowed. */
  #denial({ user, namespace }: Attributes): Decision {
    const problems = new Set<string>();
    this.#index.some(user, namespace, (grant) => {
      if (this.#index.role(grant.roleKey) === undefined) problems.add(notFoundText(grant));
      return false;
    });
    if (problems.size === 0) return denied;
    const list = [...problems];
    return {
      allowed: false,
      reason: `RBAC: ${list.length === 1 ? list[0] : `[${list.join(', ')}]`}`,
    };
  }
}

function notFoundText({ roleKind, roleName }: Grant): string {
  return `${roleKind.toLowerCase()}.rbac.authorization.k8s.io "${roleName}" not found`;
}
