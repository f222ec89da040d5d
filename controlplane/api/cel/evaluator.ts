// From a checked syntax tree to a function of its variables. Each operation spends from the meter before it works;
// `&&` and `||` swallow errors of one side when the other decides, as CEL wants it, but never a spent budget.
import type { ASTNode } from '@marcbachmann/cel-js';
import { CompilationError, isHas } from './checker.ts';
import { calculate, compare, equals, includes, mapKey, negate, noOverload } from './compare.ts';
import { compileMacro } from './comprehensions.ts';
import { Scope, truth } from './frame.ts';
import type { Step } from './frame.ts';
import { isNamespaceName, resolveCall } from './functions/table.ts';
import { ERROR_COST, EvaluationError } from './meter.ts';
import type { Meter } from './meter.ts';
import {
  List,
  MapValue,
  ObjectValue,
  Opaque,
  Optional,
  TypeValue,
  Uint,
  typeOf,
} from './values.ts';
import type { Value } from './values.ts';

export type Program = (meter: Meter, self: Value, oldSelf: Value) => Value;

/** @throws CompilationError for functions that rules do not have */
export function compile(ast: ASTNode): Program {
  const step = compileVariables(ast, ['self', 'oldSelf']);
  return (meter, self, oldSelf) => step(meter, [self, oldSelf]);
}

/**
 * @param names of the variables, whose values are given in the same order
 * @throws CompilationError for functions that expressions do not have
 */
export function compileVariables(
  ast: ASTNode,
  names: readonly string[],
): (meter: Meter, values: readonly Value[]) => Value {
  const slots = new Map(names.map((name, slot) => [name, slot]));
  const step = compileNode(ast, new Scope(slots, { next: names.length }));
  return (meter, values) => step({ meter, slots: [...values] });
}

function compileNode(node: ASTNode, scope: Scope): Step {
  const step = compileOperation(node, scope);
  return (frame) => {
    frame.meter.spend(1);
    return step(frame);
  };
}

function compileOperation(node: ASTNode, scope: Scope): Step {
  switch (node.op) {
    case 'value': {
      const value = literal(node.args);
      return () => value;
    }
    case 'id':
      return compileName(node.args, scope);
    case '.':
    case '.?': {
      const [target, field] = node.args;
      const of = compileNode(target, scope);
      return node.op === '.'
        ? (frame) => select(of(frame), field)
        : (frame) => selectOptional(of(frame), field);
    }
    case '[]':
    case '[?]': {
      const of = compileNode(node.args[0], scope);
      const key = compileNode(node.args[1], scope);
      return node.op === '[]'
        ? (frame) => select(of(frame), key(frame))
        : (frame) => selectOptional(of(frame), key(frame));
    }
    case 'call':
      return compileCall(node, scope);
    case 'rcall':
      return compileMethod(node, scope);
    case 'list': {
      const items = node.args.map((item) => compileNode(item, scope));
      return (frame) => new List(items.map((item) => item(frame)));
    }
    case 'map':
      return compileMap(node.args, scope);
    case '?:': {
      const [condition, yes, no] = node.args.map((part) => compileNode(part, scope)) as [
        Step,
        Step,
        Step,
      ];
      return (frame) => (truth(condition(frame)) ? yes(frame) : no(frame));
    }
    case '||':
      return compileLogic(node.args, true, scope);
    case '&&':
      return compileLogic(node.args, false, scope);
    case '!_': {
      const operand = compileNode(node.args, scope);
      return (frame) => !truth(operand(frame));
    }
    case '-_': {
      const operand = compileNode(node.args, scope);
      return (frame) => negate(operand(frame));
    }
    default:
      return compileBinary(node.op, node.args, scope);
  }
}

function literal(value: unknown): Value {
  // The library's unsigned integers: 5u.
  const inner: unknown = value?.valueOf();
  if (typeof value === 'object' && typeof inner === 'bigint') return new Uint(inner);
  return value as Value;
}

const TYPES: Readonly<Record<string, string>> = {
  bool: 'bool',
  bytes: 'bytes',
  double: 'double',
  int: 'int',
  list: 'list',
  map: 'map',
  null_type: 'null_type',
  string: 'string',
  type: 'type',
  uint: 'uint',
};

function compileName(name: string, scope: Scope): Step {
  const slot = scope.slotOf(name);
  if (slot !== undefined) return ({ slots }) => slots[slot] ?? null;
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (type === undefined) throw unknownName(name);
  const value = new TypeValue(type);
  return () => value;
}

function unknownName(name: string): CompilationError {
  return new CompilationError(`undeclared reference to '${name}' (in container '')`);
}

function compileCall(node: ASTNode & { readonly op: 'call' }, scope: Scope): Step {
  const [name, args] = node.args;
  if (isHas(node)) {
    const [argument] = args;
    if (argument?.op === '.' || argument?.op === '.?') {
      const of = compileNode(argument.args[0], scope);
      const field = argument.args[1];
      return (frame) => lookUp(of(frame), field) !== undefined;
    }
  }
  const call = resolveCall('function', name, args.length);
  if (call === undefined) throw unknownName(name);
  const steps = args.map((arg) => compileNode(arg, scope));
  return (frame) =>
    call(
      frame.meter,
      steps.map((step) => step(frame)),
    );
}

function compileMethod(node: ASTNode & { readonly op: 'rcall' }, scope: Scope): Step {
  const [name, receiver, args] = node.args;
  const macro = compileMacro(node, scope, compileNode);
  if (macro !== undefined) return macro;
  const isNamespace =
    receiver.op === 'id' &&
    scope.slotOf(receiver.args) === undefined &&
    isNamespaceName(receiver.args);
  const call = isNamespace
    ? resolveCall('namespace', `${receiver.args}.${name}`, args.length)
    : resolveCall('method', name, args.length);
  if (call === undefined) throw unknownName(name);
  const steps = (isNamespace ? args : [receiver, ...args]).map((arg) => compileNode(arg, scope));
  return (frame) =>
    call(
      frame.meter,
      steps.map((step) => step(frame)),
    );
}

function compileMap(entries: readonly (readonly [ASTNode, ASTNode])[], scope: Scope): Step {
  const steps = entries.map(
    ([key, value]) => [compileNode(key, scope), compileNode(value, scope)] as const,
  );
  return (frame) =>
    new MapValue(new Map(steps.map(([key, value]) => [mapKey(key(frame)), value(frame)])));
}

/** @param decisive the value of either side that settles the matter */
function compileLogic(
  operands: readonly [ASTNode, ASTNode],
  decisive: boolean,
  scope: Scope,
): Step {
  const left = compileNode(operands[0], scope);
  const right = compileNode(operands[1], scope);
  return (frame) => {
    let failure: EvaluationError | undefined;
    try {
      if (truth(left(frame)) === decisive) return decisive;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      frame.meter.spend(ERROR_COST);
      failure = error;
    }
    if (truth(right(frame)) === decisive) return decisive;
    if (failure !== undefined) throw failure;
    return !decisive;
  };
}

function compileBinary(
  operator: string,
  operands: readonly [ASTNode, ASTNode],
  scope: Scope,
): Step {
  const left = compileNode(operands[0], scope);
  const right = compileNode(operands[1], scope);
  switch (operator) {
    case '==':
      return (frame) => equals(left(frame), right(frame), frame.meter);
    case '!=':
      return (frame) => !equals(left(frame), right(frame), frame.meter);
    case 'in':
      return (frame) => isIn(left(frame), right(frame), frame.meter);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return (frame) => {
        const order = compare(left(frame), right(frame), operator, frame.meter);
        if (order === undefined) return false;
        if (operator === '<') return order < 0;
        if (operator === '<=') return order <= 0;
        return operator === '>' ? order > 0 : order >= 0;
      };
    default:
      return (frame) => calculate(operator, left(frame), right(frame), frame.meter);
  }
}

function isIn(value: Value, range: Value, meter: Meter): boolean {
  if (range instanceof List) return includes(range.items, value, meter);
  if (range instanceof MapValue) return range.entries.has(mapKey(value));
  throw noOverload('in', value, range);
}

/** A field or item, undefined when it is not there. @throws EvaluationError for what has none */
function lookUp(target: Value, key: Value): Value | undefined {
  if (target instanceof ObjectValue && typeof key === 'string') return target.get(key);
  if (target instanceof MapValue) return target.entries.get(mapKey(key));
  if (target instanceof List && (typeof key === 'bigint' || typeof key === 'number')) {
    return key < 0 || key >= target.items.length ? undefined : target.items[Number(key)];
  }
  if (target instanceof Optional) {
    return target.value === undefined ? undefined : lookUp(target.value, key);
  }
  if (target instanceof Opaque && typeof key === 'string') return target.field(key);
  throw new EvaluationError(`no such overload: ${typeOf(target)} has no fields`);
}

function select(target: Value, key: Value): Value {
  if (target instanceof Optional) return selectOptional(target, key);
  const found = lookUp(target, key);
  if (found !== undefined) return found;
  const shown = typeof key === 'string' || typeof key === 'bigint' ? String(key) : typeOf(key);
  throw new EvaluationError(
    target instanceof List ? `index out of bounds: ${shown}` : `no such key: ${shown}`,
  );
}

function selectOptional(target: Value, key: Value): Value {
  const found = lookUp(target, key);
  return found === undefined ? Optional.none : new Optional(found);
}
