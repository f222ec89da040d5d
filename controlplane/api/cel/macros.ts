// The macros that the library's checker lacks: comprehensions over two variables (index or key, and value) and those of
// optionals. Only their types are worked out here; what they do is in comprehensions.ts.
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { EvaluationError } from './meter.ts';

interface CheckedType {
  readonly kind: string;
  readonly name: string;
  readonly keyType?: CheckedType;
  readonly valueType?: CheckedType;
}

/** What the library hands to a macro's type check. */
interface Checker {
  check(node: ASTNode, context: Context): CheckedType;
  getType(name: string): CheckedType;
}

interface Context {
  forkWithVariable(name: string, type: CheckedType): Context;
}

interface MacroCall {
  readonly args: readonly ASTNode[];
  readonly receiver: ASTNode;
}

type TypeCheck = (call: MacroCall, checker: Checker, context: Context) => CheckedType;

function variable(node: ASTNode | undefined): string {
  if (node?.op !== 'id') throw new EvaluationError('argument must be a simple name');
  return node.args;
}

function argument(call: MacroCall, at: number): ASTNode {
  const node = call.args[at];
  if (node === undefined) throw new EvaluationError('an argument is missing');
  return node;
}

function requireBool(type: CheckedType): void {
  if (type.name !== 'bool' && type.kind !== 'dyn') {
    throw new EvaluationError(`predicate must be bool, not ${type.name}`);
  }
}

/** The context in which the predicate of a comprehension over two variables is checked. */
function inside(call: MacroCall, checker: Checker, context: Context): Context {
  const range = checker.check(call.receiver, context);
  const dyn = checker.getType('dyn');
  if (range.kind !== 'list' && range.kind !== 'map' && range.kind !== 'dyn') {
    throw new EvaluationError(
      `expression of type '${range.name}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  }
  const key = range.kind === 'list' ? checker.getType('int') : (range.keyType ?? dyn);
  return context
    .forkWithVariable(variable(call.args[0]), key)
    .forkWithVariable(variable(call.args[1]), range.valueType ?? dyn);
}

const quantifier: TypeCheck = (call, checker, context) => {
  requireBool(checker.check(argument(call, 2), inside(call, checker, context)));
  return checker.getType('bool');
};

/** @param filtered whether a predicate stands before the transformation */
function transformList(filtered: boolean): TypeCheck {
  return (call, checker, context) => {
    const within = inside(call, checker, context);
    if (filtered) requireBool(checker.check(argument(call, 2), within));
    const item = checker.check(argument(call, filtered ? 3 : 2), within);
    return checker.getType(`list<${item.name}>`);
  };
}

function transformMap(filtered: boolean): TypeCheck {
  return (call, checker, context) => {
    const within = inside(call, checker, context);
    if (filtered) requireBool(checker.check(argument(call, 2), within));
    const item = checker.check(argument(call, filtered ? 3 : 2), within);
    const range = checker.check(call.receiver, context);
    const key = range.kind === 'list' ? 'int' : (range.keyType?.name ?? 'dyn');
    return checker.getType(`map<${key}, ${item.name}>`);
  };
}

/** @param flat the expression is optional itself */
function optionalMap(flat: boolean): TypeCheck {
  return (call, checker, context) => {
    const type = checker.check(call.receiver, context);
    const inner = type.kind === 'optional' ? type.valueType : undefined;
    if (inner === undefined && type.kind !== 'dyn') {
      throw new EvaluationError(`optMap() needs an optional, not ${type.name}`);
    }
    const within = context.forkWithVariable(
      variable(call.args[0]),
      inner ?? checker.getType('dyn'),
    );
    const result = checker.check(argument(call, 1), within);
    return flat ? result : checker.getType(`optional<${result.name}>`);
  };
}

const MACROS: readonly (readonly [signature: string, typeCheck: TypeCheck])[] = [
  ['list.all(ast, ast, ast): bool', quantifier],
  ['list.exists(ast, ast, ast): bool', quantifier],
  ['list.existsOne(ast, ast, ast): bool', quantifier],
  ['list.transformList(ast, ast, ast): list<dyn>', transformList(false)],
  ['list.transformList(ast, ast, ast, ast): list<dyn>', transformList(true)],
  ['list.transformMap(ast, ast, ast): map<dyn, dyn>', transformMap(false)],
  ['list.transformMap(ast, ast, ast, ast): map<dyn, dyn>', transformMap(true)],
  ['optional.optMap(ast, ast): optional<dyn>', optionalMap(false)],
  ['optional.optFlatMap(ast, ast): optional<dyn>', optionalMap(true)],
];

export function registerMacros(environment: Environment): void {
  for (const [signature, typeCheck] of MACROS) {
    environment.registerFunction(signature, (call: MacroCall) => ({
      call,
      typeCheck: (checker: Checker, { call: of }: { call: MacroCall }, context: Context) =>
        typeCheck(of, checker, context),
      evaluate: () => {
        throw new EvaluationError('macros are evaluated by comprehensions.ts');
      },
    }));
  }
}
