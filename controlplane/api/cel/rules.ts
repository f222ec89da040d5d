// The rules of one schema node, compiled once and kept as long as the schema.
import type { FieldError } from '../errors.ts';
import { invalidField } from '../field-errors.ts';
import type { Schema } from '../schema/schema.ts';
import { CompilationError, check, isHas } from './checker.ts';
import { worstCost } from './cost/estimate.ts';
import { compile } from './evaluator.ts';
import type { Program } from './evaluator.ts';
import { resolveFieldPath } from './field-path.ts';
import { compileRegex } from './functions/regex.ts';
import { EvaluationError } from './meter.ts';
import { readRule } from './rule-source.ts';
import type { RuleSource } from './rule-source.ts';
import { childrenOf, mentions } from './tree.ts';
import type { Checked } from './checker.ts';

export interface Rule {
  readonly source: RuleSource;
  readonly run: Program;
  readonly message: Program | undefined;
  /** Units at most, of the expression and of messageExpression: Infinity where nothing bounds them. */
  readonly worst: { readonly rule: number; readonly message: number };
  /** Behind the path of the value: ''. `.name` … */
  readonly field: string;
  /** Says something about the change: there must be an old value. */
  readonly isTransition: boolean;
}

/** @param path of the entry, for errors: `….x-kubernetes-validations[0]` */
export function compileRule(
  entry: unknown,
  schema: Schema,
  path: string,
): Rule | readonly FieldError[] {
  const source = readRule(entry, path);
  if (!('rule' in source)) return source;
  const errors: FieldError[] = [];
  const optionalOld = source.optionalOldSelf === true;
  const rule = compileText(source.rule, 'bool', `${path}.rule`, errors, schema, optionalOld);
  const text = source.messageExpression;
  const message =
    text === undefined
      ? undefined
      : compileText(text, 'string', `${path}.messageExpression`, errors, schema, optionalOld);
  const { fieldPath } = source;
  const field = fieldPath === undefined ? '' : resolveFieldPath(fieldPath, schema);
  if (field === undefined) {
    const detail = 'must be a path to a field of the schema, such as .spec.name';
    errors.push(invalidField(`${path}.fieldPath`, fieldPath, detail));
  }
  const isTransition = rule?.usesOld === true;
  if (source.optionalOldSelf !== undefined && rule !== undefined && !isTransition) {
    const detail = 'may not be set when the rule does not use oldSelf';
    errors.push(invalidField(`${path}.optionalOldSelf`, source.optionalOldSelf, detail));
  }
  if (rule === undefined || field === undefined || errors.length > 0) return errors;
  return {
    source,
    run: rule.program,
    message: message?.program,
    worst: { rule: rule.worst, message: message?.worst ?? 0 },
    field,
    isTransition,
  };
}

interface Compiled {
  readonly program: Program;
  readonly usesOld: boolean;
  readonly worst: number;
}

function compileText(
  text: string,
  expected: 'bool' | 'string',
  path: string,
  errors: FieldError[],
  schema: Schema,
  optionalOld: boolean,
): Compiled | undefined {
  try {
    const { ast, type } = check(text, schema, optionalOld);
    if (type !== expected && !type.startsWith('dyn')) {
      const detail =
        expected === 'bool'
          ? 'cel expression must evaluate to a bool'
          : 'messageExpression must evaluate to a string';
      errors.push(invalidField(path, text, detail));
      return undefined;
    }
    checkPatterns(ast);
    const worst = worstCost(ast, { root: schema, optionalOld, has: isHas });
    return { program: compile(ast), usesOld: mentions(ast, 'oldSelf'), worst };
  } catch (error) {
    if (!(error instanceof CompilationError || error instanceof EvaluationError)) throw error;
    errors.push(invalidField(path, text, `compilation failed: ${error.message}`));
    return undefined;
  }
}

/** A regular expression that is written out is compiled now. @throws EvaluationError */
export function checkPatterns(node: Checked['ast']): void {
  if (node.op === 'rcall' && ['matches', 'find', 'findAll'].includes(node.args[0])) {
    const [pattern] = node.args[2];
    if (pattern?.op === 'value' && typeof pattern.args === 'string') compileRegex(pattern.args);
  }
  for (const child of childrenOf(node)) checkPatterns(child);
}

/** Only a definition that an older release stored can have one: it was never checked, and must not pass for true. */
function uncompiled(problem: string): Rule {
  const source: RuleSource = {
    rule: 'true',
    message: 'a rule of the definition that cannot be compiled',
    messageExpression: undefined,
    reason: 'FieldValueInvalid',
    fieldPath: undefined,
    optionalOldSelf: undefined,
  };
  const run = (): never => {
    throw new EvaluationError(problem);
  };
  const worst = { rule: 0, message: 0 };
  return { source, run, message: undefined, worst, field: '', isTransition: false };
}

const compiled = new WeakMap<Schema, readonly Rule[]>();

/** The rules of `schema` itself. */
export function rulesOf(schema: Schema): readonly Rule[] {
  let rules = compiled.get(schema);
  if (rules === undefined) {
    rules = (schema.validations ?? []).map((entry, at) => {
      const rule = compileRule(entry, schema, `x-kubernetes-validations[${at}]`);
      if ('run' in rule) return rule;
      const problems = rule.map((error) => `${error.field}: ${error.message}`);
      return uncompiled(`rule compile error: ${problems.join('; ')}`);
    });
    compiled.set(schema, rules);
  }
  return rules;
}
