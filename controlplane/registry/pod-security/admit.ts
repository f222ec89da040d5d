// Pod security at writes: Pods that break what their namespace enforces are refused, workloads that would make such Pods and changes
// of a namespace that has such Pods are answered with a warning.
import { forbidden, invalid } from '#controlplane/api/errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Environment } from '../environment.ts';
import { sameJSON } from '../equality.ts';
import { NAMESPACES } from '../namespaces.ts';
import { storedJSON } from '../objects.ts';
import type { WriteContext } from '../types.ts';
import { violationsOf, violationsText } from './evaluate.ts';
import type { Evaluation } from './metrics.ts';
import { isStricter, labelErrors, policyText, samePolicy, securityPolicyOf } from './policy.ts';
import type { LevelVersion, SecurityPolicy } from './policy.ts';
import { securityPodOf } from './security-pod.ts';
import type { SecurityPod } from './security-pod.ts';

const PODS = 'core/pods';
const PREFIX = 'pod-security.kubernetes.io/';
const NONE: LevelVersion = { level: 'privileged', version: 'latest' };
/** So many of a namespace are looked at when its labels change. */
const MOST_PODS = 3_000;

/** Where a workload has its template. */
const TEMPLATES: ReadonlyMap<string, readonly string[]> = new Map([
  ['core/replicationcontrollers', ['spec', 'template']],
  ['core/podtemplates', ['template']],
  ['apps/replicasets', ['spec', 'template']],
  ['apps/deployments', ['spec', 'template']],
  ['apps/statefulsets', ['spec', 'template']],
  ['apps/daemonsets', ['spec', 'template']],
  ['batch/jobs', ['spec', 'template']],
  ['batch/cronjobs', ['spec', 'jobTemplate', 'spec', 'template']],
]);

/** Subresources of Pods through which what is checked may change. */
const OF_SPEC: ReadonlySet<string> = new Set(['', 'ephemeralcontainers', 'resize']);

/**
 * Looks at a finished object that is about to be written.
 *
 * @param old absent for a new one
 * @throws ApiError Forbidden for a Pod, Invalid for labels of a namespace
 */
export function admitPodSecurity(
  env: Environment,
  { storageKey }: ResourceDefinition,
  subresource: string,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  context: WriteContext,
): void {
  if (storageKey === PODS) {
    if (OF_SPEC.has(subresource)) admitPod(env, subresource, object, old, context);
  } else if (storageKey === NAMESPACES) {
    if (subresource === '') admitNamespace(env, object, old, context);
  } else if (subresource === '') {
    const path = TEMPLATES.get(storageKey);
    if (path !== undefined) warnOfTemplate(env, path, object, old === undefined, context);
  }
}

function policyOf(env: Environment, namespace: string): SecurityPolicy | undefined {
  const stored = env.store.get(NAMESPACES, '', namespace);
  return stored === undefined ? undefined : securityPolicyOf(stored.labels);
}

function admitPod(
  env: Environment,
  subresource: string,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  context: WriteContext,
): void {
  const { namespace = '', name = '' } = object.metadata;
  const policy = policyOf(env, namespace);
  if (policy === undefined || (old !== undefined && !isSignificant(object, old))) return;
  const pod = securityPodOf(object);
  context.annotate?.(`${PREFIX}enforce-policy`, policyText(policy.enforce));
  const violations = violationsOf(pod, policy.enforce);
  const asked = { resource: 'pod', subresource, isNew: old === undefined } as const;
  const decision = violations.length === 0 ? 'allow' : 'deny';
  env.podSecurity?.evaluated({ ...asked, decision, mode: 'enforce', policy: policy.enforce });
  tell(env, asked, pod, policy, violations.length > 0 ? undefined : context, context);
  if (violations.length === 0) return;
  throw forbidden(
    { group: '', resource: 'pods', kind: 'Pod' },
    name,
    `violates PodSecurity "${policyText(policy.enforce)}": ${violationsText(violations)}`,
  );
}

function warnOfTemplate(
  env: Environment,
  path: readonly string[],
  object: KubernetesObject,
  isNew: boolean,
  context: WriteContext,
): void {
  const policy = policyOf(env, object.metadata.namespace ?? '');
  if (policy === undefined) return;
  const asked = { resource: 'controller', subresource: '', isNew } as const;
  tell(env, asked, securityPodOf(objectAt(object, ...path)), policy, context, context);
}

/** @param warned undefined for who is refused anyway */
function tell(
  env: Environment,
  asked: Pick<Evaluation, 'resource' | 'subresource' | 'isNew'>,
  pod: SecurityPod,
  { audit, warn }: SecurityPolicy,
  warned: WriteContext | undefined,
  context: WriteContext,
): void {
  const text = (policy: LevelVersion, mode: Evaluation['mode']): string | undefined => {
    const violations = violationsOf(pod, policy);
    if (violations.length === 0) return undefined;
    env.podSecurity?.evaluated({ ...asked, decision: 'deny', mode, policy });
    return `would violate PodSecurity "${policyText(policy)}": ${violationsText(violations)}`;
  };
  const audited = context.annotate === undefined ? undefined : text(audit, 'audit');
  if (audited !== undefined) context.annotate?.(`${PREFIX}audit-violations`, audited);
  const warning = warned === undefined ? undefined : text(warn, 'warn');
  if (warning !== undefined) warned?.warn(warning);
}

/** Of a Pod that exists only images and further containers may change. */
function isSignificant(object: KubernetesObject, old: KubernetesObject): boolean {
  const shown = (pod: KubernetesObject): unknown => [
    ['initContainers', 'containers', 'ephemeralContainers'].map((list) =>
      listAt(pod, 'spec', list).map((one) => [stringAt(one, 'name'), stringAt(one, 'image')]),
    ),
    Object.entries(pod.metadata.annotations ?? {}).filter(([key]) =>
      /^(container\.(apparmor|seccomp)|seccomp)\./.test(key),
    ),
  ];
  return !sameJSON(shown(object), shown(old));
}

function admitNamespace(
  env: Environment,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  context: WriteContext,
): void {
  const { labels = {}, name = '' } = object.metadata;
  const before = old?.metadata.labels ?? {};
  const errors = labelErrors(labels);
  // Whoever changes something else is not kept from it.
  if (errors.length > 0 && !sameJSON(errors, labelErrors(before))) {
    throw invalid({ group: '', kind: 'Namespace' }, name, errors);
  }
  if (old === undefined) return;
  const now = securityPolicyOf(labels)?.enforce ?? NONE;
  const was = securityPolicyOf(before)?.enforce ?? NONE;
  if (samePolicy(now, was) || now.level === 'privileged') return;
  if (now.version === was.version && !isStricter(now, was)) return;
  for (const warning of existingPods(env, name, now)) context.warn(warning);
}

/** What Pods that are there break, one line for those that break the same. */
function existingPods(env: Environment, namespace: string, policy: LevelVersion): string[] {
  const { items, remaining = 0 } = env.store.list(PODS, { namespace, limit: MOST_PODS });
  const breaking = new Map<string, string[]>();
  for (const stored of items) {
    const violations = violationsOf(securityPodOf(storedJSON(stored)), policy);
    if (violations.length === 0) continue;
    const reasons = violations.map(({ reason }) => reason).join(', ');
    breaking.set(reasons, [...(breaking.get(reasons) ?? []), stored.name]);
  }
  const lines = [...breaking].map(([reasons, [first = '', ...others]]) => {
    const more =
      others.length === 0
        ? ''
        : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`;
    return `${first}${more}: ${reasons}`;
  });
  return [
    ...(remaining === 0
      ? []
      : [
          `new PodSecurity enforce level only checked against the first ${items.length} of ${items.length + remaining} existing pods`,
        ]),
    ...(lines.length === 0
      ? []
      : [
          `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${policyText(policy)}"`,
        ]),
    ...lines.toSorted((a, b) => (a < b ? -1 : 1)),
  ];
}
