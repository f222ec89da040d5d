// One policy, for one request and one parameter: what each of its validations says, and what it has for the audit log.
import type { Clock } from '#platform/clock.ts';
import type { Operation } from '../../registry/admission.ts';
import type { AdmissionMetrics } from '../admission-metrics.ts';
import type { ExpressionValues } from '../expression-values.ts';
import type { PolicyRun } from './policy-expressions.ts';
import type { BoundPolicy } from './policy-index.ts';
import type { CompiledValidation, PolicyProgram } from './policy-program.ts';
import type { ValidatingPolicy } from './policy.ts';

export interface Decision {
  /** Place of the validation. */
  readonly index: number;
  readonly message: string;
  readonly reason: string;
  readonly isDenied: boolean;
  /** It could not be evaluated: denied or not, as the failurePolicy says. */
  readonly isError: boolean;
  readonly seconds: number;
}

export interface PolicyResult {
  readonly decisions: readonly Decision[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
}

const NOTHING: PolicyResult = { decisions: [], annotations: [] };
const MAXIMUM_MESSAGE = 5120;
const MAXIMUM_ANNOTATION = 10_240;

export async function evaluatePolicy(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: AdmissionMetrics },
  bound: BoundPolicy<ValidatingPolicy, PolicyProgram>,
  known: ExpressionValues,
  operation: Operation,
): Promise<PolicyResult> {
  const { policy } = bound;
  const program = await bound.program();
  const run = program.expressions.run(known);
  const failed = (index: number, message: string, seconds = 0): Decision => ({
    index,
    message,
    reason: 'Invalid',
    isDenied: !policy.failsOpen,
    isError: true,
    seconds,
  });
  const conditions = await bound.conditions();
  const answer = await conditions.answer(() => Promise.resolve(run.values));
  if (answer === 'excluded') {
    metrics.excluded(policy.name, 'policy', 'validate', operation);
    return NOTHING;
  }
  if (answer !== 'matches') return { ...NOTHING, decisions: [failed(0, answer.failure)] };
  const decisions: Decision[] = program.validations.map((validation, index) => {
    const startedAt = clock.monotonic();
    const outcome = run.evaluate(validation.text, validation.check);
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    if ('error' in outcome) return failed(index, outcome.error, seconds);
    const isDenied = outcome.value !== true;
    return {
      index,
      message: isDenied ? messageOf(run, validation) : '',
      reason: validation.reason,
      isDenied,
      isError: false,
      seconds,
    };
  });
  const annotations: { key: string; value: string }[] = [];
  for (const { name, text, value } of program.auditAnnotations) {
    const outcome = run.evaluate(text, value);
    if ('error' in outcome) decisions.push(failed(decisions.length, outcome.error));
    else if (typeof outcome.value === 'string') {
      const shown = outcome.value.trim();
      if (shown !== '') annotations.push({ key: name, value: shown.slice(0, MAXIMUM_ANNOTATION) });
    }
  }
  return { decisions, annotations };
}

/** What messageExpression gives, where it gives one line of text; else message; else the expression. */
function messageOf(
  run: PolicyRun,
  { text, message, messageExpression }: CompiledValidation,
): string {
  const fallback = message.trim() === '' ? `failed expression: ${text.trim()}` : message.trim();
  if (messageExpression === undefined) return fallback;
  const outcome = run.evaluate('messageExpression', messageExpression);
  if ('error' in outcome || typeof outcome.value !== 'string') return fallback;
  const shown = outcome.value.trim();
  const isUsable = shown !== '' && !/[\r\n]/.test(shown) && shown.length <= MAXIMUM_MESSAGE;
  return isUsable ? shown : fallback;
}
