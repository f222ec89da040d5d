// Makes sure at each start that the roles and bindings of the server are there and give at least what this release means by them.
// What administrators added stays; what they marked `rbac.authorization.kubernetes.io/autoupdate: "false"` is theirs.
import { decodeStored } from '../registry/objects.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { Scheme } from '../api/scheme.ts';
import { copyJson } from '../api/schema/json-value.ts';
import { sameJSON } from '../registry/equality.ts';
import { internalContext } from '../registry/internal-context.ts';
import type { Registry, Target } from '../registry/types.ts';
import type { Store } from '../store/types.ts';

import { BOOTSTRAP_BINDINGS } from './bootstrap-bindings.ts';
import type { BootstrapBinding } from './bootstrap-bindings.ts';
import { rulesOf } from './policy-rule.ts';
import { missingRules } from './rule-cover.ts';
import { SYSTEM_ROLES } from './system-roles.ts';
import { aggregationRuleOf, USER_ROLES } from './user-roles.ts';
import type { BootstrapRole } from './user-roles.ts';

const GROUP = 'rbac.authorization.k8s.io';
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** What a composition root adds: roles of programs that come with it. */
export interface BootstrapPolicy {
  readonly roles: readonly BootstrapRole[];
  readonly bindings: readonly BootstrapBinding[];
}

export interface BootstrapParts {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
}

/** @throws ApiError when the store refuses the writes; the signal's reason */
export async function bootstrapPolicy(
  parts: BootstrapParts,
  policy: BootstrapPolicy,
  signal: AbortSignal,
): Promise<void> {
  const roles = [...USER_ROLES, ...SYSTEM_ROLES, ...policy.roles];
  const bindings = [...BOOTSTRAP_BINDINGS, ...policy.bindings];
  await Promise.all([
    ...roles.map((role) => ensure(parts, roleObject(role), withMissingRules, signal)),
    ...bindings.map((binding) =>
      ensure(parts, bindingObject(binding), withMissingSubjects, signal),
    ),
  ]);
}

function metadataOf(
  name: string,
  labels?: Readonly<Record<string, string>>,
): KubernetesObject['metadata'] {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { [AUTOUPDATE]: 'true' },
  };
}

function roleObject({ name, labels, gathers, rules }: BootstrapRole): KubernetesObject {
  return {
    kind: 'ClusterRole',
    apiVersion: `${GROUP}/v1`,
    metadata: metadataOf(name, labels),
    ...(gathers === undefined
      ? { rules }
      : { aggregationRule: aggregationRuleOf(gathers), rules: [] }),
  };
}

function bindingObject({
  name,
  role,
  users = [],
  groups = [],
}: BootstrapBinding): KubernetesObject {
  const subject = (kind: string) => (of: string) => ({ kind, apiGroup: GROUP, name: of });
  return {
    kind: 'ClusterRoleBinding',
    apiVersion: `${GROUP}/v1`,
    metadata: metadataOf(name),
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: [...users.map(subject('User')), ...groups.map(subject('Group'))],
  };
}

/** The stored object with what the wanted one has and it lacks. */
type Complete = (stored: KubernetesObject, wanted: KubernetesObject) => KubernetesObject;

async function ensure(
  { scheme, store, registry }: BootstrapParts,
  wanted: KubernetesObject,
  complete: Complete,
  signal: AbortSignal,
): Promise<void> {
  const definition = scheme.byKind(GROUP, 'v1', wanted.kind);
  if (definition === undefined) throw new TypeError(`nothing serves ${wanted.kind}`);
  const name = wanted.metadata.name ?? '';
  const target: Target = { definition, namespace: '', name };
  const context = internalContext('windlass', signal);
  const create = async (): Promise<void> => {
    const object = copyJson(wanted) as KubernetesObject;
    await registry.create(definition, '', { object, problems: [] }, context);
  };
  const stored = store.get(definition.storageKey, '', name);
  if (stored === undefined) return create();
  const old = decodeStored(stored, definition);
  if (old.metadata.annotations?.[AUTOUPDATE] === 'false') return;
  if (!sameJSON(old['roleRef'], wanted['roleRef'])) {
    // A binding's role cannot be changed: it is another binding.
    await registry.delete(target, {}, context);
    return create();
  }
  const completed = withMetadata(complete(old, wanted), wanted);
  if (sameJSON(completed, old)) return;
  await registry.update(target, '', { object: completed, problems: [] }, context);
}

function withMetadata(object: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...wanted.metadata.labels },
      annotations: { ...wanted.metadata.annotations, ...metadata.annotations },
    },
  };
}

function withMissingRules(stored: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  if (wanted['aggregationRule'] !== undefined) {
    // Its rules are gathered; whose selectors were changed keeps them.
    return stored['aggregationRule'] === undefined
      ? { ...stored, aggregationRule: wanted['aggregationRule'] }
      : stored;
  }
  const held = rulesOf(stored);
  const lacking = rulesOf(wanted).filter((rule) => missingRules(held, [rule]).length > 0);
  return lacking.length === 0 ? stored : { ...stored, rules: [...held, ...lacking] };
}

function withMissingSubjects(stored: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const held = (stored['subjects'] ?? []) as readonly unknown[];
  const lacking = (wanted['subjects'] as readonly unknown[]).filter(
    (subject) => !held.some((one) => sameJSON(one, subject)),
  );
  return lacking.length === 0 ? stored : { ...stored, subjects: [...held, ...lacking] };
}
