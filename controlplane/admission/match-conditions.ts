// matchConditions: expressions that all must hold before a webhook (or policy) is asked. Compiled when the first request comes that
// everything else lets through.
import { conditionVariables } from '../api/cel/admission-variables.ts';
import type { Expression, Value, VariableType } from '../api/cel/expressions.ts';
import { loadExpressions } from '../api/cel/load.ts';
import { stringAt } from '../api/fields.ts';
import type { ExpressionValues } from './expression-values.ts';

/** For all conditions of one webhook together, as upstream: a quarter of a policy's. */
const BUDGET = 2_500_000;

type Compiled = readonly { readonly text: string; readonly run: Expression | string }[];

export type MatchAnswer = 'matches' | 'excluded' | { readonly failure: string };

export class MatchConditions {
  readonly #sources: readonly string[];
  readonly #failsOpen: boolean;
  readonly #variables: Readonly<Record<string, VariableType>>;
  #compiled: Compiled | undefined;

  /** @param failsOpen a condition that cannot be evaluated excludes instead of refusing */
  constructor(
    conditions: readonly unknown[],
    failsOpen: boolean,
    variables: Readonly<Record<string, VariableType>> = conditionVariables,
  ) {
    this.#sources = conditions.map((condition) => stringAt(condition, 'expression'));
    this.#failsOpen = failsOpen;
    this.#variables = variables;
  }

  get isEmpty(): boolean {
    return this.#sources.length === 0;
  }

  /** @param values made only when there is a condition */
  async answer(values: () => Promise<ExpressionValues>): Promise<MatchAnswer> {
    if (this.isEmpty) return 'matches';
    const language = await loadExpressions();
    this.#compiled ??= this.#sources.map((text) => {
      const expression = language.compileExpression(text, this.#variables);
      return { text, run: 'problem' in expression ? expression.problem : expression };
    });
    const meter = new language.Meter(BUDGET);
    const known = await values();
    const failures: string[] = [];
    for (const { text, run } of this.#compiled) {
      let value: Value;
      try {
        if (typeof run === 'string') throw new language.EvaluationError(run);
        value = run.run(meter, known);
      } catch (error) {
        const isOurs =
          error instanceof language.EvaluationError || error instanceof language.CostExceededError;
        if (!isOurs) throw error;
        failures.push(`expression '${text}' resulted in error: ${error.message}`);
        continue;
      }
      // One that does not hold settles it, whatever else went wrong.
      if (value === false) return 'excluded';
      if (value !== true) failures.push(`expression '${text}' resulted in error: no bool`);
    }
    if (failures.length === 0) return 'matches';
    if (this.#failsOpen) return 'excluded';
    const [only = ''] = failures;
    return { failure: failures.length === 1 ? only : `[${failures.join(', ')}]` };
  }
}
