// `--audit-policy-file FILE`: which requests are written down, as upstream's audit.k8s.io/v1 Policy says it.
import { AUDIT_LEVELS, AUDIT_STAGES } from '#controlplane/start.ts';
import type { AuditPolicy, AuditResources, AuditRule } from '#controlplane/start.ts';
import { ConfigReader } from './config-reader.ts';

const RULE_FIELDS = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
];
/** Upstream has one more, for what broke in the middle of an answer. Here that is answered with 500, and complete. */
const STAGES = [...AUDIT_STAGES, 'Panic'] as const;

/** @throws UsageError naming the field */
export function readAuditPolicy(file: string): AuditPolicy {
  const reader = new PolicyReader(`--audit-policy-file ${file}`);
  const root = reader.object(reader.file(file), '', [
    'apiVersion',
    'kind',
    'metadata',
    'rules',
    'omitStages',
    'omitManagedFields',
  ]);
  if (root['kind'] !== 'Policy' || root['apiVersion'] !== 'audit.k8s.io/v1')
    throw reader.error('', 'must be a Policy of audit.k8s.io/v1');
  const rules = reader.list(root['rules'], 'rules');
  if (rules.length === 0)
    throw reader.error('rules', 'must have at least one; level: None writes down nothing');
  const common = {
    omitStages: reader.stages(root['omitStages'], 'omitStages'),
    omitManagedFields: reader.flag(root['omitManagedFields'], 'omitManagedFields', false),
  };
  return { rules: rules.map((item, index) => reader.rule(item, `rules[${index}]`, common)) };
}

class PolicyReader extends ConfigReader {
  rule(
    value: unknown,
    field: string,
    common: Pick<AuditRule, 'omitStages' | 'omitManagedFields'>,
  ): AuditRule {
    const root = this.object(value, field, RULE_FIELDS);
    const texts = (name: string): readonly string[] => this.texts(root[name], `${field}.${name}`);
    const rule = {
      level: this.one(root['level'], `${field}.level`, AUDIT_LEVELS),
      users: texts('users'),
      userGroups: texts('userGroups'),
      verbs: texts('verbs'),
      namespaces: texts('namespaces'),
      nonResourceURLs: texts('nonResourceURLs'),
      resources: this.list(root['resources'], `${field}.resources`).map((item, index) =>
        this.resources(item, `${field}.resources[${index}]`),
      ),
      omitStages: [...common.omitStages, ...this.stages(root['omitStages'], `${field}.omitStages`)],
      omitManagedFields: this.flag(
        root['omitManagedFields'],
        `${field}.omitManagedFields`,
        common.omitManagedFields,
      ),
    };
    if (rule.nonResourceURLs.length > 0 && rule.resources.length + rule.namespaces.length > 0)
      throw this.error(
        `${field}.nonResourceURLs`,
        'cannot go with resources and namespaces; make two rules',
      );
    for (const [index, path] of rule.nonResourceURLs.entries()) {
      const star = path.indexOf('*');
      if (path !== '*' && (!path.startsWith('/') || (star >= 0 && star < path.length - 1)))
        throw this.error(
          `${field}.nonResourceURLs[${index}]`,
          `must be * or a path that may end in *, found ${JSON.stringify(path)}`,
        );
    }
    return rule;
  }

  resources(value: unknown, field: string): AuditResources {
    const root = this.object(value, field, ['group', 'resources', 'resourceNames']);
    const { group = '' } = root;
    if (typeof group !== 'string' || group.includes('/'))
      throw this.error(`${field}.group`, 'must be the name of a group, without a version');
    const resources = this.texts(root['resources'], `${field}.resources`);
    const resourceNames = this.texts(root['resourceNames'], `${field}.resourceNames`);
    if (resources.length === 0 && resourceNames.length > 0)
      throw this.error(`${field}.resourceNames`, 'needs resources');
    return { group, resources, resourceNames };
  }

  stages(value: unknown, field: string): AuditRule['omitStages'] {
    const stages = this.list(value, field).map((item, index) =>
      this.one(item, `${field}[${index}]`, STAGES),
    );
    return stages.filter((stage) => stage !== 'Panic');
  }

  flag(value: unknown, field: string, otherwise: boolean): boolean {
    if (value === undefined || value === null) return otherwise;
    if (typeof value !== 'boolean') throw this.error(field, 'must be true or false');
    return value;
  }

  one<T extends string>(value: unknown, field: string, choices: readonly T[]): T {
    const found = choices.find((choice) => choice === value);
    if (found === undefined)
      throw this.error(
        field,
        `must be one of ${choices.join(', ')}, found ${JSON.stringify(value)}`,
      );
    return found;
  }
}
