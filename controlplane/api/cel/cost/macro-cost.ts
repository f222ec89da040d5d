// What the macros of the language cost: each is a loop, of which the numbers are those of what it stands for upstream.
import type { ASTNode } from '@marcbachmann/cel-js';
import { exactly, product, sum } from './range.ts';
import { knownSize, sizeOf } from './term.ts';
import type { Estimator, Locals, Term } from './term.ts';

type Method = ASTNode & { readonly op: 'rcall' };

interface Loop {
  readonly variables: 1 | 2;
  /** The first of two expressions says which items count. */
  readonly filters?: boolean;
  /** Beside its expressions, of each turn. */
  readonly turn: number;
  /** Before and after. */
  readonly once: number;
  readonly makes: 'bool' | 'list' | 'map';
}

/** By name and number of arguments. */
const LOOPS: Readonly<Record<string, Loop>> = {
  'all 2': { variables: 1, turn: 3, once: 1, makes: 'bool' },
  'exists 2': { variables: 1, turn: 4, once: 1, makes: 'bool' },
  'exists_one 2': { variables: 1, turn: 2, once: 2, makes: 'bool' },
  'map 2': { variables: 1, turn: 12, once: 11, makes: 'list' },
  'map 3': { variables: 1, turn: 12, once: 11, makes: 'list', filters: true },
  'filter 2': { variables: 1, turn: 13, once: 11, makes: 'list' },
  'all 3': { variables: 2, turn: 3, once: 1, makes: 'bool' },
  'exists 3': { variables: 2, turn: 4, once: 1, makes: 'bool' },
  'existsOne 3': { variables: 2, turn: 2, once: 2, makes: 'bool' },
  'transformList 3': { variables: 2, turn: 12, once: 11, makes: 'list' },
  'transformList 4': { variables: 2, turn: 12, once: 11, makes: 'list', filters: true },
  'transformMap 3': { variables: 2, turn: 3, once: 31, makes: 'map' },
  'transformMap 4': { variables: 2, turn: 3, once: 31, makes: 'map', filters: true },
};

/** Undefined for what is no macro. */
export function macroTerm(estimate: Estimator, node: Method, locals: Locals): Term | undefined {
  const [name, receiver, args] = node.args;
  const loop = LOOPS[`${name} ${args.length}`];
  if (loop !== undefined && args[0]?.op === 'id')
    return looped(estimate, loop, receiver, args, locals);
  if (name === 'optMap' || name === 'optFlatMap') return optional(estimate, receiver, args, locals);
  return undefined;
}

function looped(
  estimate: Estimator,
  { variables, turn, once, makes }: Loop,
  receiver: ASTNode,
  args: readonly ASTNode[],
  locals: Locals,
): Term {
  const range = estimate.term(receiver, locals);
  const inside = new Map(locals);
  const values = estimate.loopVariables(range, variables === 2);
  for (const [at, value] of values.entries()) {
    const variable = args[at];
    if (variable?.op === 'id') inside.set(variable.args, value);
  }
  const steps = args.slice(variables).map((step) => estimate.term(step, inside));
  const count = sizeOf(range);
  const ofTurn = sum(...steps.map(({ cost }) => cost), exactly(turn));
  const cost = sum(range.cost, exactly(once), product(count, { min: 0, max: ofTurn.max }));
  if (makes === 'bool') return { cost, kind: 'bool', size: exactly(1) };
  // Of a filter it is the items themselves that come out.
  const made = variables === 1 && turn === 13 ? values[0] : steps.at(-1);
  const value = made === undefined ? undefined : knownSize(made);
  return {
    cost,
    kind: makes,
    size: count,
    ...(made === undefined ? {} : { itemKind: made.kind }),
    ...(value === undefined ? {} : { entries: { key: exactly(1), value } }),
  };
}

/** `a.optMap(x, f)`: whether it is there, its value as x, f of that, and an optional of it. */
function optional(
  estimate: Estimator,
  receiver: ASTNode,
  args: readonly ASTNode[],
  locals: Locals,
): Term | undefined {
  const [variable, body] = args;
  if (variable?.op !== 'id' || body === undefined) return undefined;
  const target = estimate.term(receiver, locals);
  const result = estimate.term(
    body,
    new Map(locals).set(variable.args, { cost: exactly(1), kind: 'dyn' }),
  );
  return {
    cost: sum(target.cost, target.cost, exactly(13), { min: 0, max: result.cost.max }),
    kind: 'optional',
  };
}
