// How the expressions of a policy see a request: variables are worked out when somebody first asks for them, and everything together may
// cost only so much.
import { policyVariables } from '../../api/cel/admission-variables.ts';
import { composeVariables } from '../../api/cel/composed-variables.ts';
import type { Compiled, ComposedVariables } from '../../api/cel/composed-variables.ts';
import type { Dialect, Value } from '../../api/cel/expressions.ts';
import { loadExpressions } from '../../api/cel/load.ts';
import type { ExpressionValues } from '../expression-values.ts';
import type { Policy } from './policy.ts';

type Language = Awaited<ReturnType<typeof loadExpressions>>;

/** Of all expressions of one policy for one request, and of a single one, as upstream. */
const BUDGET = 10_000_000;
const EXPRESSION_LIMIT = 1_000_000;

/** What an expression came to. */
export type Outcome = { readonly value: Value } | { readonly error: string };

/** What the expressions of one policy share: its variables. */
export class PolicyExpressions {
  readonly language: Language;
  readonly #composed: ComposedVariables;

  private constructor(language: Language, { paramKind, variables }: Policy) {
    this.language = language;
    const base = policyVariables(paramKind !== undefined);
    this.#composed = composeVariables(language.compileExpression, base, variables);
  }

  static async load(policy: Policy): Promise<PolicyExpressions> {
    return new PolicyExpressions(await loadExpressions(), policy);
  }

  /** Of what they see. */
  get types(): ComposedVariables['types'] {
    return this.#composed.types;
  }

  compile(text: string, dialect?: Dialect): Compiled {
    return this.language.compileExpression(text, this.types, dialect);
  }

  /** How they see one request. */
  run(known: ExpressionValues): PolicyRun {
    return new PolicyRun(this.language, this.#composed, known);
  }
}

export class PolicyRun {
  readonly #language: Language;
  readonly #values: Record<string, Value>;
  #left = BUDGET;
  #meter: InstanceType<Language['Meter']>;

  constructor(language: Language, { variables }: ComposedVariables, known: ExpressionValues) {
    this.#language = language;
    // What conditions ask of variables before anything else is evaluated.
    this.#meter = new language.Meter(EXPRESSION_LIMIT);
    const lazily = (name: string): Value | undefined => {
      const variable = variables.get(name);
      if (variable === undefined) return undefined;
      const { compiled } = variable;
      if ('problem' in compiled) throw new language.EvaluationError(compiled.problem);
      try {
        return compiled.run(this.#meter, this.#values);
      } catch (error) {
        if (!(error instanceof language.EvaluationError)) throw error;
        const why = `composited variable "${name}" fails to evaluate: ${error.message}`;
        throw new language.EvaluationError(why);
      }
    };
    this.#values = { ...known, variables: new language.ObjectValue({ type: 'any' }, {}, lazily) };
  }

  get values(): ExpressionValues {
    return this.#values;
  }

  evaluate(text: string, compiled: Compiled): Outcome {
    const { CostExceededError, EvaluationError, Meter } = this.#language;
    if ('problem' in compiled) return { error: compiled.problem };
    const limit = Math.min(EXPRESSION_LIMIT, this.#left);
    this.#meter = new Meter(limit);
    try {
      return { value: compiled.run(this.#meter, this.#values) };
    } catch (error) {
      if (error instanceof CostExceededError && this.#left < EXPRESSION_LIMIT) {
        return {
          error:
            'validation failed due to running out of cost budget, no further validation rules will be run',
        };
      }
      const isOurs = error instanceof EvaluationError || error instanceof CostExceededError;
      if (!isOurs) throw error;
      return { error: `expression '${text}' resulted in error: ${error.message}` };
    } finally {
      this.#left -= limit - Math.max(this.#meter.left, 0);
    }
  }
}
