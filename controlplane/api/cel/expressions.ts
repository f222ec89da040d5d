// Expressions with variables of their own: conditions of webhooks, and policies. Checked when they are written, run when a request
// comes. Imports the expression language: see load.ts.
import { CompilationError, checkVariables } from './checker.ts';
import type { Dialect, VariableType } from './checker.ts';
import { shownType } from './compile-errors.ts';
import { anyValue } from './convert.ts';
import { compileVariables } from './evaluator.ts';
import { AuthorizerValue } from './functions/authorizer.ts';
import { LiteralValue, jsonOf, misnamed } from './literal-value.ts';
import { CostExceededError, EvaluationError, Meter } from './meter.ts';
import { checkPatterns } from './rules.ts';
import { List, ObjectValue } from './values.ts';
import type { Value } from './values.ts';

export { AuthorizerValue, CostExceededError, EvaluationError, Meter, ObjectValue };
export { anyValue };
export { LiteralValue, List, jsonOf, misnamed };
export type { Dialect, Value, VariableType };

export interface Expression {
  /** `bool`, `string`, `dyn` … */
  readonly type: string;
  /** The same as upstream writes it: `list(string)`. */
  readonly shownType: string;
  /** @throws EvaluationError, CostExceededError */
  run(meter: Meter, values: Readonly<Record<string, Value>>): Value;
}

/** What is wrong with the text, or the expression. */
export function compileExpression(
  text: string,
  variables: Readonly<Record<string, VariableType>>,
  dialect: Dialect = 'conditions',
): Expression | { readonly problem: string } {
  const names = Object.keys(variables);
  try {
    const { ast, type } = checkVariables(text, variables, dialect);
    checkPatterns(ast);
    const program = compileVariables(ast, names);
    return {
      type,
      shownType: shownType(type),
      run: (meter, values) =>
        program(
          meter,
          names.map((name) => values[name] ?? null),
        ),
    };
  } catch (error) {
    if (!(error instanceof CompilationError || error instanceof EvaluationError)) throw error;
    return { problem: `compilation failed: ${error.message}` };
  }
}
