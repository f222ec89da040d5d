// Which policies and bindings are about a write, and what they need to be asked.
import type { Clock } from '#platform/clock.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Scheme } from '../../api/scheme.ts';
import type { Authorizer } from '../../identity/authorizer.ts';
import type { AdmissionRequest } from '../../registry/admission.ts';
import type { Conversions } from '../../registry/conversion.ts';
import type { Store } from '../../store/types.ts';
import type { AdmissionMetrics } from '../admission-metrics.ts';
import { versionShown } from '../equivalent-version.ts';
import type { ResourceRule } from '../resource-rule.ts';
import { isSelected } from '../selected.ts';
import type { PolicyBinding, PolicyMatch } from './policy.ts';
import type { BoundPolicy } from './policy-index.ts';
import type { PolicyMetrics } from './policy-metrics.ts';

const NAMESPACES = 'core/namespaces';

export interface PolicyParts {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly metrics: AdmissionMetrics;
  readonly policyMetrics: PolicyMetrics;
  readonly conversions: Pick<Conversions, 'between'>;
}

/** A policy whose rules are about a sort of writes, and the version of the kind that it is to be shown. */
export interface PolicyInvocation<B extends BoundPolicy = BoundPolicy> {
  readonly bound: B;
  readonly as: ResourceDefinition;
}

/** The bindings of a policy that are about a request; none when the policy itself is not. */
export function chosenBindings(
  { policy, bindings }: BoundPolicy,
  parts: PolicyParts,
  request: AdmissionRequest,
): readonly PolicyBinding[] {
  if (!isMatched(policy.match, parts, request)) return [];
  return bindings.filter(({ match }) => match === undefined || isMatched(match, parts, request));
}

/** @returns undefined for an object of the cluster */
export function namespaceOf(
  { store }: PolicyParts,
  { namespace, definition }: AdmissionRequest,
): unknown {
  const stored = definition.namespaced ? store.get(NAMESPACES, '', namespace) : undefined;
  return stored === undefined ? undefined : JSON.parse(stored.bytes.toString());
}

/** The rules of a binding are all when there are none. */
function isMatched(
  { rules, excluded, equivalent, selectors }: PolicyMatch,
  { scheme, store }: PolicyParts,
  request: AdmissionRequest,
): boolean {
  const { definition, subresource, operation, name } = request;
  const isAbout = (rule: ResourceRule): boolean =>
    (rule.names.length === 0 || rule.names.includes(name)) &&
    versionShown([rule], equivalent, scheme, definition, subresource, operation) !== undefined;
  return (
    (rules.length === 0 || rules.some(isAbout)) &&
    !excluded.some(isAbout) &&
    isSelected(selectors, request, store)
  );
}
