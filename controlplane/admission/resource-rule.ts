// One rule of a webhook or policy: operations, and the resources that they are about. Pure.
import { listAt, stringAt } from '../api/fields.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Operation } from '../registry/admission.ts';

export interface ResourceRule {
  readonly operations: readonly string[];
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  /** Plural and subresource, either of which may be `*`. */
  readonly resources: readonly (readonly [resource: string, subresource: string])[];
  readonly scope: string;
  /** Only these names; all when empty. */
  readonly names: readonly string[];
}

/** @param rule a RuleWithOperations or NamedRuleWithOperations that was validated */
export function readRule(rule: unknown): ResourceRule {
  const texts = (field: string): readonly string[] => listAt(rule, field).map(String);
  return {
    operations: texts('operations'),
    groups: texts('apiGroups'),
    versions: texts('apiVersions'),
    resources: texts('resources').map((text) => {
      const slash = text.indexOf('/');
      return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
    }),
    scope: stringAt(rule, 'scope') || '*',
    names: texts('resourceNames'),
  };
}

const holds = (list: readonly string[], value: string): boolean =>
  list.includes('*') || list.includes(value);

/** Whether a rule is about such writes; names are another matter. */
export function matchesWrite(
  rule: ResourceRule,
  { group, version, resource, namespaced }: ResourceDefinition,
  subresource: string,
  operation: Operation,
): boolean {
  if (rule.scope === 'Namespaced' && !namespaced) return false;
  // A Namespace counts as an object of the cluster.
  if (rule.scope === 'Cluster' && namespaced) return false;
  return (
    holds(rule.operations, operation) &&
    holds(rule.groups, group) &&
    holds(rule.versions, version) &&
    rule.resources.some(
      ([name, sub]) => (name === '*' || name === resource) && (sub === '*' || sub === subresource),
    )
  );
}
