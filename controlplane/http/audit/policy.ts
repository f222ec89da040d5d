// Which requests are written down, and how much of them: the rules of an audit.k8s.io/v1 Policy. The first rule that matches decides;
// a request that none matches is not written down. Matching is upstream's (k8s.io/apiserver/pkg/audit/policy).
import type { Attributes } from '../../identity/authorizer.ts';

export const AUDIT_LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

export const AUDIT_STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete'] as const;
export type AuditStage = (typeof AUDIT_STAGES)[number];

export interface AuditResources {
  /** '' for the core group. */
  readonly group: string;
  /** `pods`, `pods/log`, `pods/*`, `*\/scale`, `*`; none: all of the group. */
  readonly resources: readonly string[];
  /** None: any. */
  readonly resourceNames: readonly string[];
}

/** What a list that is empty asks for, any request has. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly AuditResources[];
  /** '' for what is in no namespace. */
  readonly namespaces: readonly string[];
  /** `/healthz*`; `*` for all. */
  readonly nonResourceURLs: readonly string[];
  /** With those of the policy. */
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
}

type Asked = Pick<
  Attributes,
  | 'user'
  | 'verb'
  | 'isResourceRequest'
  | 'path'
  | 'group'
  | 'resource'
  | 'subresource'
  | 'namespace'
  | 'name'
>;

/** Undefined when the request is not to be written down. */
export function ruleFor(policy: AuditPolicy, asked: Asked): AuditRule | undefined {
  const rule = policy.rules.find((one) => matches(one, asked));
  return rule?.level === 'None' ? undefined : rule;
}

function matches(rule: AuditRule, asked: Asked): boolean {
  const { user } = asked;
  if (rule.users.length > 0 && !rule.users.includes(user.name)) return false;
  if (rule.userGroups.length > 0 && !rule.userGroups.some((one) => user.groups.includes(one)))
    return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(asked.verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return matchesResource(rule, asked);
  if (rule.nonResourceURLs.length > 0) return matchesPath(rule, asked);
  return true;
}

function matchesResource(rule: AuditRule, asked: Asked): boolean {
  if (!asked.isResourceRequest) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(asked.namespace)) return false;
  if (rule.resources.length === 0) return true;
  const { resource, subresource, name } = asked;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return rule.resources.some(({ group, resources, resourceNames }) => {
    if (group !== asked.group) return false;
    if (resources.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
    return resources.some(
      (one) =>
        one === whole ||
        one === '*' ||
        (subresource !== '' && one === `*/${subresource}`) ||
        one === `${resource}/*`,
    );
  });
}

function matchesPath({ nonResourceURLs }: AuditRule, { isResourceRequest, path }: Asked): boolean {
  if (isResourceRequest) return false;
  return nonResourceURLs.some(
    (one) =>
      one === '*' || one === path || (one.endsWith('*') && path.startsWith(one.slice(0, -1))),
  );
}
