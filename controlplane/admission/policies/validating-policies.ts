// ValidatingAdmissionPolicies at a write: who matches it is evaluated, once for each binding and each of its parameters; the first
// that denies is what the client is told, all of them warn and note what they want.
import type { Clock } from '#platform/clock.ts';
import { ApiError, forbidden } from '../../api/errors.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Scheme } from '../../api/scheme.ts';
import type { Authorizer } from '../../identity/authorizer.ts';
import type { AdmissionRequest } from '../../registry/admission.ts';
import type { Conversions } from '../../registry/conversion.ts';
import type { Store } from '../../store/types.ts';
import type { AdmissionMetrics } from '../admission-metrics.ts';
import { versionShown } from '../equivalent-version.ts';
import { expressionValues, jsonValues } from '../expression-values.ts';
import type { ResourceRule } from '../resource-rule.ts';
import { isSelected } from '../selected.ts';
import { shownTo } from '../webhook-call.ts';
import { evaluatePolicy } from './evaluate-policy.ts';
import type { Decision } from './evaluate-policy.ts';
import type { PolicyBinding, PolicyMatch } from './policy.ts';
import type { BoundPolicy } from './policy-index.ts';
import type { PolicyMetrics } from './policy-metrics.ts';
import { paramsOf } from './policy-params.ts';

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
export interface PolicyInvocation {
  readonly bound: BoundPolicy;
  readonly as: ResourceDefinition;
}

interface Denial {
  readonly message: string;
  readonly reason: string;
}

const NAMESPACES = 'core/namespaces';
const FAILURE = 'validation.policy.admission.k8s.io/validation_failure';
const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  RequestEntityTooLarge: 413,
};

/** @throws ApiError of the first that denies */
export async function askPolicies(
  parts: PolicyParts,
  invocations: readonly PolicyInvocation[],
  request: AdmissionRequest,
): Promise<void> {
  const denials: Denial[] = [];
  const failures: unknown[] = [];
  const notes = new Map<string, Set<string>>();
  for (const invocation of invocations) {
    denials.push(...(await askPolicy(parts, invocation, request, failures, notes)));
  }
  const { context } = request;
  for (const [key, values] of notes) context.annotate?.(key, [...values].join(', '));
  if (failures.length > 0) context.annotate?.(FAILURE, JSON.stringify(failures));
  const [first] = denials;
  if (first !== undefined) throw refusal(request, first);
}

function refusal({ definition, name }: AdmissionRequest, { message, reason }: Denial): ApiError {
  const { message: text, details } = forbidden(definition, name, message);
  return new ApiError(CODES[reason] ?? 422, reason, text, {
    details: { ...details, causes: [{ message }] },
  });
}

async function askPolicy(
  parts: PolicyParts,
  { bound, as }: PolicyInvocation,
  request: AdmissionRequest,
  failures: unknown[],
  notes: Map<string, Set<string>>,
): Promise<readonly Denial[]> {
  const { policy, bindings } = bound;
  if (!isMatched(policy.match, parts, request)) return [];
  const chosen = bindings.filter(
    ({ match }) => match === undefined || isMatched(match, parts, request),
  );
  if (chosen.length === 0) return [];
  const shown = await shownTo(parts, { as }, request);
  const known = await expressionValues(request, shown, parts.authorizer);
  const denials: Denial[] = [];
  for (const binding of chosen) {
    const params = paramsOf(
      parts.scheme,
      parts.store,
      policy.paramKind,
      binding,
      request.namespace,
    );
    if ('problem' in params) {
      if (policy.failsOpen) continue;
      const message = `failed to configure binding: ${params.problem}`;
      denials.push({ message: denied(bound, binding, message), reason: 'Invalid' });
      continue;
    }
    for (const param of params.objects) {
      const { decisions, annotations } = await evaluatePolicy(
        parts,
        bound,
        {
          ...known,
          ...(await jsonValues({ namespaceObject: namespaceOf(parts, request), params: param })),
        },
        request.operation,
      );
      for (const { key, value } of annotations) {
        const at = `${policy.name}/${key}`;
        notes.set(at, (notes.get(at) ?? new Set()).add(value));
      }
      denials.push(...act(parts, bound, binding, request, decisions, failures));
    }
  }
  return denials;
}

const denied = ({ policy }: BoundPolicy, binding: PolicyBinding, message: string): string =>
  `ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}' denied request: ${message}`;

/** What is to become of each decision, by the binding. */
function act(
  { policyMetrics }: PolicyParts,
  bound: BoundPolicy,
  binding: PolicyBinding,
  { context }: AdmissionRequest,
  decisions: readonly Decision[],
  failures: unknown[],
): Denial[] {
  const denials: Denial[] = [];
  const { name: policy } = bound.policy;
  for (const { index, message, reason, isDenied, isError, seconds } of decisions) {
    const check = {
      policy,
      binding: binding.name,
      error: isError ? 'cel_evaluation_error' : 'no_error',
      seconds,
    } as const;
    if (!isDenied) {
      policyMetrics.checked({ ...check, action: 'allow' });
      continue;
    }
    for (const action of binding.actions) {
      switch (action) {
        case 'Deny':
          denials.push({ message: denied(bound, binding, message), reason });
          policyMetrics.checked({ ...check, action: 'deny' });
          break;
        case 'Warn':
          context.warn(
            `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}': ${message}`,
          );
          policyMetrics.checked({ ...check, action: 'warn' });
          break;
        default:
          failures.push({
            message,
            policy,
            binding: binding.name,
            expressionIndex: index,
            validationActions: binding.actions,
          });
          policyMetrics.checked({ ...check, action: 'audit' });
      }
    }
  }
  return denials;
}

/** @returns undefined for an object of the cluster */
function namespaceOf({ store }: PolicyParts, { namespace, definition }: AdmissionRequest): unknown {
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
