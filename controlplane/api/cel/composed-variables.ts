// The variables that a policy gives its own expressions, as fields of `variables`: each is an expression that sees those before it.
import type { Expression, VariableType } from './expressions.ts';

/** An expression, or what is wrong with its text. */
export type Compiled = Expression | { readonly problem: string };

export interface ComposedVariable {
  readonly text: string;
  readonly compiled: Compiled;
}

export interface ComposedVariables {
  /** Of everything that the expressions of the policy see. */
  readonly types: Readonly<Record<string, VariableType>>;
  /** By name. */
  readonly variables: ReadonlyMap<string, ComposedVariable>;
}

/**
 * @param compile compileExpression(): the language is loaded only where it is needed
 * @param base variables that every expression sees
 */
export function composeVariables(
  compile: (text: string, variables: Readonly<Record<string, VariableType>>) => Compiled,
  base: Readonly<Record<string, VariableType>>,
  definitions: readonly { readonly name: string; readonly text: string }[],
): ComposedVariables {
  const fields: Record<string, VariableType> = {};
  const variables = new Map<string, ComposedVariable>();
  for (const { name, text } of definitions) {
    const compiled = compile(text, { ...base, variables: { fields: { ...fields } } });
    // Types of objects that were declared in one expression are unknown to the next.
    const isPlain = !('problem' in compiled) && !/Object\d/.test(compiled.type);
    fields[name] = isPlain ? compiled.type : 'dyn';
    variables.set(name, { text, compiled });
  }
  return { types: { ...base, variables: { fields } }, variables };
}
