// ValidatingAdmissionPolicies at a write: who matches it is evaluated, once for each binding and each of its parameters; the first
// that denies is what the client is told, all of them warn and note what they want.
import { ApiError, forbidden } from '../../api/errors.ts';
import type { AdmissionRequest } from '../../registry/admission.ts';
import { expressionValues, jsonValues } from '../expression-values.ts';
import { shownTo } from '../webhook-call.ts';
import { evaluatePolicy } from './evaluate-policy.ts';
import type { Decision } from './evaluate-policy.ts';
import type { PolicyBinding, ValidatingPolicy } from './policy.ts';
import type { BoundPolicy } from './policy-index.ts';
import { chosenBindings, namespaceOf } from './policy-match.ts';
import type { PolicyInvocation, PolicyParts } from './policy-match.ts';
import { paramsOf } from './policy-params.ts';
import type { PolicyProgram } from './policy-program.ts';

type Invocation = PolicyInvocation<BoundPolicy<ValidatingPolicy, PolicyProgram>>;

interface Denial {
  readonly message: string;
  readonly reason: string;
}

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure';
const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  RequestEntityTooLarge: 413,
};

/** @throws ApiError of the first that denies */
export async function askPolicies(
  parts: PolicyParts,
  invocations: readonly Invocation[],
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
  { bound, as }: Invocation,
  request: AdmissionRequest,
  failures: unknown[],
  notes: Map<string, Set<string>>,
): Promise<readonly Denial[]> {
  const { policy } = bound;
  const chosen = chosenBindings(bound, parts, request);
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
