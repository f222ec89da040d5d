// all, exists, exists_one, map, filter, the forms over two variables, and what continues an optional. Each step
// is paid for; a list has at most as many steps as it has items, and nesting multiplies what is paid.
import type { ASTNode } from '@marcbachmann/cel-js';
import { truth } from './frame.ts';
import type { Compile, Frame, Scope, Step } from './frame.ts';
import { ERROR_COST, EvaluationError } from './meter.ts';
import { List, MapValue, Optional, typeOf } from './values.ts';
import type { MapKey, Value } from './values.ts';

type Method = ASTNode & { readonly op: 'rcall' };

/** A macro with its variables bound: what runs over and what is said of each. */
interface Loop {
  readonly range: Step;
  readonly bind: (frame: Frame, key: Value, item: Value) => void;
  readonly two: boolean;
  readonly steps: readonly Step[];
}

type Runner = (loop: Loop, frame: Frame) => Value;

/** Name and number of arguments, variables included, to what it does. */
const MACROS: Readonly<Record<string, { readonly variables: 1 | 2; readonly run: Runner }>> = {
  'all 2': { variables: 1, run: quantifier(false) },
  'exists 2': { variables: 1, run: quantifier(true) },
  'exists_one 2': { variables: 1, run: existsOne },
  'map 2': { variables: 1, run: transformList(false) },
  'map 3': { variables: 1, run: transformList(true) },
  'filter 2': { variables: 1, run: filter },
  'all 3': { variables: 2, run: quantifier(false) },
  'exists 3': { variables: 2, run: quantifier(true) },
  'existsOne 3': { variables: 2, run: existsOne },
  'transformList 3': { variables: 2, run: transformList(false) },
  'transformList 4': { variables: 2, run: transformList(true) },
  'transformMap 3': { variables: 2, run: transformMap(false) },
  'transformMap 4': { variables: 2, run: transformMap(true) },
};

/** Undefined when the call is none of a macro. */
export function compileMacro(node: Method, scope: Scope, compileNode: Compile): Step | undefined {
  const [name, receiver, args] = node.args;
  if (name === 'or' || name === 'orValue') return compileOr(node, scope, compileNode);
  if (name === 'optMap' || name === 'optFlatMap')
    return compileOptionalMap(node, scope, compileNode);
  const macro = MACROS[`${name} ${args.length}`];
  if (macro === undefined) return undefined;
  const two = macro.variables === 2;
  const range = compileNode(receiver, scope);
  const first = scope.with(nameOf(args[0]));
  const second = two ? first.scope.with(nameOf(args[1])) : first;
  const steps = args.slice(macro.variables).map((arg) => compileNode(arg, second.scope));
  const loop: Loop = {
    range,
    two,
    steps,
    bind({ slots }, key, item) {
      slots[first.slot] = two ? key : item;
      if (two) slots[second.slot] = item;
    },
  };
  return (frame) => macro.run(loop, frame);
}

function nameOf(node: ASTNode | undefined): string {
  if (node?.op !== 'id') throw new EvaluationError('argument must be a simple name');
  return node.args;
}

/** Runs over items, or over the keys of a map; with two variables over index or key and value. */
function* turns({ range, bind, two }: Loop, frame: Frame): Generator<Value> {
  const over = range(frame);
  if (over instanceof List) {
    for (const [at, item] of over.items.entries()) {
      frame.meter.spend(1);
      bind(frame, BigInt(at), item);
      yield two ? BigInt(at) : item;
    }
    return;
  }
  if (!(over instanceof MapValue)) {
    throw new EvaluationError(`no such overload: cannot run over ${typeOf(over)}`);
  }
  for (const [key, item] of over.entries) {
    frame.meter.spend(1);
    bind(frame, key, two ? item : key);
    yield key;
  }
}

function last(steps: readonly Step[]): Step {
  const step = steps.at(-1);
  if (step === undefined) throw new EvaluationError('an argument is missing');
  return step;
}

/** @param decisive what one item must give to settle the matter; errors of others do not count then */
function quantifier(decisive: boolean): Runner {
  return (loop, frame) => {
    const step = last(loop.steps);
    let failure: EvaluationError | undefined;
    for (const _ of turns(loop, frame)) {
      try {
        if (truth(step(frame)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        frame.meter.spend(ERROR_COST);
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return !decisive;
  };
}

function existsOne(loop: Loop, frame: Frame): Value {
  const step = last(loop.steps);
  let count = 0;
  for (const _ of turns(loop, frame)) if (truth(step(frame))) count += 1;
  return count === 1;
}

function filter(loop: Loop, frame: Frame): Value {
  const step = last(loop.steps);
  const items: Value[] = [];
  for (const item of turns(loop, frame)) if (truth(step(frame))) items.push(item);
  return new List(items);
}

/** @param filtered whether a predicate stands before the transformation */
function transformList(filtered: boolean): Runner {
  return (loop, frame) => {
    const items: Value[] = [];
    for (const _ of turns(loop, frame)) {
      if (wanted(loop, frame, filtered)) items.push(last(loop.steps)(frame));
    }
    return new List(items);
  };
}

function transformMap(filtered: boolean): Runner {
  return (loop, frame) => {
    const entries = new Map<MapKey, Value>();
    for (const key of turns(loop, frame)) {
      if (wanted(loop, frame, filtered)) entries.set(key as MapKey, last(loop.steps)(frame));
    }
    return new MapValue(entries);
  };
}

function wanted({ steps }: Loop, frame: Frame, filtered: boolean): boolean {
  const [predicate] = steps;
  return !filtered || predicate === undefined || truth(predicate(frame));
}

function optionalOf(value: Value): Optional {
  if (value instanceof Optional) return value;
  throw new EvaluationError(`no such overload: optional expected, found ${typeOf(value)}`);
}

/** `a.or(b)` and `a.orValue(b)`: the other side is evaluated only when it is needed. */
function compileOr(node: Method, scope: Scope, compileNode: Compile): Step | undefined {
  const [name, receiver, [other]] = node.args;
  if (other === undefined) return undefined;
  const of = compileNode(receiver, scope);
  const alternative = compileNode(other, scope);
  return (frame) => {
    const optional = optionalOf(of(frame));
    if (optional.value === undefined) return alternative(frame);
    return name === 'or' ? optional : optional.value;
  };
}

function compileOptionalMap(node: Method, scope: Scope, compileNode: Compile): Step | undefined {
  const [name, receiver, [variable, expression]] = node.args;
  if (expression === undefined) return undefined;
  const of = compileNode(receiver, scope);
  const { scope: inner, slot } = scope.with(nameOf(variable));
  const step = compileNode(expression, inner);
  return (frame) => {
    const { value } = optionalOf(of(frame));
    if (value === undefined) return Optional.none;
    frame.slots[slot] = value;
    const result = step(frame);
    return name === 'optFlatMap' ? optionalOf(result) : new Optional(result);
  };
}
