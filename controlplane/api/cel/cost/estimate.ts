// Estimates what an expression costs at most before it ever runs, from the sizes that the schema of `self` allows. The rules are those of
// cel-go's estimator, over the tree of the library in use here, where macros are calls.
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Schema } from '../../schema/schema.ts';
import { NAMESPACES } from '../functions/table.ts';
import { callEstimate } from './function-cost.ts';
import { macroTerm } from './macro-cost.ts';
import { PER_CHARACTER, either, exactly, scaled, sum } from './range.ts';
import type { Range } from './range.ts';
import { kindOfSchema, knownSize, sizeOf } from './term.ts';
import type { Estimator, Locals, Term } from './term.ts';

const ONE = exactly(1);
const NEW_LIST = exactly(10);
const NEW_MAP = exactly(30);
const TEXTUAL: ReadonlySet<string> = new Set(['string', 'bytes']);
/** Whose equality is one operation. */
const SMALL: ReadonlySet<string> = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity']);

interface Estimating {
  /** Of `self` and `oldSelf`. */
  readonly root: Schema;
  readonly optionalOld: boolean;
  readonly has: (node: ASTNode) => boolean;
}

/** Units at most; Infinity for what nothing bounds. @param ast checked */
export function worstCost(ast: ASTNode, estimating: Estimating): number {
  return new Estimate(estimating).term(ast, new Map()).cost.max;
}

class Estimate implements Estimator {
  readonly #root: Schema;
  readonly #optionalOld: boolean;
  readonly #has: (node: ASTNode) => boolean;

  constructor({ root, optionalOld, has }: Estimating) {
    this.#root = root;
    this.#optionalOld = optionalOld;
    this.#has = has;
  }

  term(node: ASTNode, locals: Locals): Term {
    const term = this.#term(node, locals);
    return term.itemKind === undefined && term.kind === 'list'
      ? { ...term, itemKind: itemKindOf(term, node) }
      : term;
  }

  #term(node: ASTNode, locals: Locals): Term {
    switch (node.op) {
      case 'value':
        return literal(node.args);
      case 'id':
        return this.#name(node, locals);
      case '.':
        return this.#select(node, this.term(node.args[0], locals), node.args[1]);
      case '.?':
        return { cost: sum(this.term(node.args[0], locals).cost, ONE), kind: 'optional' };
      case '[]':
      case '[?]':
        return this.#index(node, this.term(node.args[0], locals), this.term(node.args[1], locals));
      case 'call':
        return this.#call(node, locals);
      case 'rcall':
        return this.#method(node, locals);
      case 'list':
        return this.#list(node.args.map((item) => this.term(item, locals)));
      case 'map':
        return this.#map(
          node.args.map(
            ([key, value]) => [this.term(key, locals), this.term(value, locals)] as const,
          ),
        );
      case '?:':
        return this.#choice(
          node,
          node.args.map((part) => this.term(part, locals)),
        );
      case '||':
      case '&&': {
        const [left, right] = node.args.map((part) => this.term(part, locals).cost);
        return {
          cost: { min: left?.min ?? 0, max: (left?.max ?? 0) + (right?.max ?? 0) },
          kind: 'bool',
        };
      }
      case '!_':
      case '-_': {
        const operand = this.term(node.args, locals);
        return { cost: sum(operand.cost, ONE), kind: operand.kind };
      }
      default: {
        const [left, right] = node.args;
        return this.#operation(node, this.term(left, locals), this.term(right, locals));
      }
    }
  }

  loopVariables(range: Term, two: boolean): readonly Term[] {
    const isList = range.kind === 'list';
    const key: Term = isList
      ? { cost: ONE, kind: 'int' }
      : {
          cost: ONE,
          kind: 'string',
          size: range.schema ? exactly(0) : undefined,
          lastSize: range.entries?.key,
        };
    const value = this.#below(
      range,
      isList ? range.schema?.items : range.schema?.additionalProperties,
    );
    if (two) return [key, value];
    return [isList ? value : key];
  }

  /** A part of a part. What is no part of self passes for self, as upstream has it. */
  #below(of: Term, schema: Schema | undefined): Term {
    const found = of.schema === undefined ? this.#root : (schema ?? null);
    const own = of.schema === undefined ? undefined : schema;
    return {
      cost: ONE,
      kind: own === undefined ? (of.itemKind ?? 'dyn') : kindOfSchema(own),
      schema: found,
      lastSize: of.entries?.value,
    };
  }

  #name(node: ASTNode & { readonly op: 'id' }, locals: Locals): Term {
    const name = node.args;
    const local = locals.get(name);
    if (local !== undefined) return { ...local, cost: ONE };
    if (name !== 'self' && name !== 'oldSelf')
      return { cost: ONE, kind: typeOf(node), schema: this.#root };
    const kind = name === 'oldSelf' && this.#optionalOld ? 'optional' : kindOfSchema(this.#root);
    return { cost: ONE, kind, schema: this.#root };
  }

  #select(node: ASTNode, of: Term, field: string): Term {
    const isStruct = of.kind === 'object' || of.kind === 'map';
    const schema =
      of.schema?.properties?.[unescaped(field)]?.schema ?? of.schema?.additionalProperties;
    const found = of.schema === undefined ? this.#root : (schema ?? null);
    const kind =
      of.schema === undefined || schema === undefined ? typeOf(node) : kindOfSchema(schema);
    return { cost: sum(of.cost, isStruct ? ONE : exactly(0)), kind, schema: found };
  }

  #index(node: ASTNode, of: Term, key: Term): Term {
    const cost = sum(of.cost, key.cost, ONE);
    if (node.op === '[?]') return { cost, kind: 'optional' };
    const schema = of.kind === 'map' ? of.schema?.additionalProperties : of.schema?.items;
    if (of.schema === undefined) {
      return { cost, kind: typeOf(node), size: of.entries?.value, schema: this.#root };
    }
    return {
      cost,
      kind: schema === undefined ? typeOf(node) : kindOfSchema(schema),
      schema: schema ?? null,
    };
  }

  #call(node: ASTNode & { readonly op: 'call' }, locals: Locals): Term {
    const [name, args] = node.args;
    if (this.#has(node)) {
      const [field] = args;
      // The question itself is for nothing.
      const asked = field?.op === '.' || field?.op === '.?' ? field.args[0] : undefined;
      return { cost: asked === undefined ? ONE : this.term(asked, locals).cost, kind: 'bool' };
    }
    const terms = args.map((arg) => this.term(arg, locals));
    const [first] = terms;
    if (name === 'dyn' && first !== undefined)
      return {
        ...first,
        cost: sum(first.cost, ONE),
        kind: 'dyn',
        size: knownSize(first),
        schema: undefined,
      };
    return this.#called(node, name, undefined, terms);
  }

  #method(node: ASTNode & { readonly op: 'rcall' }, locals: Locals): Term {
    const [name, receiver, args] = node.args;
    const macro = macroTerm(this, node, locals);
    if (macro !== undefined) return macro;
    const terms = args.map((arg) => this.term(arg, locals));
    if (
      receiver.op === 'id' &&
      !locals.has(receiver.args) &&
      Object.hasOwn(NAMESPACES, receiver.args)
    ) {
      return this.#called(node, `${receiver.args}.${name}`, undefined, terms);
    }
    return this.#called(node, name, this.term(receiver, locals), terms);
  }

  #called(node: ASTNode, name: string, target: Term | undefined, args: readonly Term[]): Term {
    const { cost, size } = callEstimate(name, target, args);
    const costs = [...args.map((arg) => arg.cost), ...(target === undefined ? [] : [target.cost])];
    return { cost: sum(cost, ...costs), kind: typeOf(node), size };
  }

  #list(items: readonly Term[]): Term {
    return {
      cost: sum(NEW_LIST, ...items.map(({ cost }) => cost)),
      kind: 'list',
      itemKind: items[0]?.kind ?? 'dyn',
      size: exactly(items.length),
      entries: { key: ONE, value: unionOf(items) },
    };
  }

  #map(entries: readonly (readonly [Term, Term])[]): Term {
    return {
      cost: sum(NEW_MAP, ...entries.flat().map(({ cost }) => cost)),
      kind: 'map',
      size: exactly(entries.length),
      entries: {
        key: unionOf(entries.map(([key]) => key)),
        value: unionOf(entries.map(([, value]) => value)),
      },
    };
  }

  #choice(node: ASTNode, [condition, yes, no]: readonly Term[]): Term {
    if (condition === undefined || yes === undefined || no === undefined)
      return { cost: ONE, kind: typeOf(node) };
    return {
      cost: sum(condition.cost, either(yes.cost, no.cost)),
      kind: yes.kind === no.kind ? yes.kind : typeOf(node),
      size: either(sizeOf(yes), sizeOf(no)),
      entries: unionOfEntries(yes, no),
    };
  }

  #operation({ op }: ASTNode, left: Term, right: Term): Term {
    const args = sum(left.cost, right.cost);
    const smaller = Math.min(sizeOf(left).max, sizeOf(right).max);
    const compared = scaled({ min: smaller > 0 ? 1 : 0, max: smaller }, PER_CHARACTER);
    const isTextual = TEXTUAL.has(left.kind) || TEXTUAL.has(right.kind);
    const mayBeTextual = isTextual || (left.kind === 'dyn' && right.kind === 'dyn');
    switch (op) {
      case '==':
      case '!=':
        return {
          cost: sum(
            op === '==' && SMALL.has(left.kind) && left.kind === right.kind ? ONE : compared,
            args,
          ),
          kind: 'bool',
        };
      case '<':
      case '<=':
      case '>':
      case '>=':
        return {
          cost: sum(isTextual ? compared : mayBeTextual ? either(compared, ONE) : ONE, args),
          kind: 'bool',
        };
      case 'in': {
        const searched =
          right.kind === 'map'
            ? ONE
            : right.kind === 'list'
              ? sizeOf(right)
              : either(sizeOf(right), ONE);
        return { cost: sum(searched, args), kind: 'bool' };
      }
      case '+': {
        const size = sum(sizeOf(left), sizeOf(right));
        const isList = left.kind === 'list' || right.kind === 'list';
        if (isList)
          return {
            cost: sum(ONE, args),
            kind: 'list',
            size,
            entries: unionOfEntries(left, right),
            ...(left.itemKind === undefined ? {} : { itemKind: left.itemKind }),
          };
        if (mayBeTextual)
          return { cost: sum(scaled(size, PER_CHARACTER), args), kind: left.kind, size };
        return { cost: sum(ONE, args), kind: left.kind };
      }
      default:
        return { cost: sum(ONE, args), kind: left.kind };
    }
  }
}

function literal(value: unknown): Term {
  const cost = exactly(0);
  if (typeof value === 'string')
    return { cost, kind: 'string', size: exactly(Array.from(value).length) };
  if (value instanceof Uint8Array) return { cost, kind: 'bytes', size: exactly(value.length) };
  if (typeof value === 'bigint') return { cost, kind: 'int', size: ONE, whole: Number(value) };
  const kind =
    value === null
      ? 'null'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'number'
          ? 'double'
          : 'uint';
  return { cost, kind, size: ONE };
}

function unionOf(terms: readonly Term[]): Range {
  return terms.length === 0 ? exactly(0) : terms.map(sizeOf).reduce(either);
}

function unionOfEntries(a: Term, b: Term): Term['entries'] {
  if (a.entries === undefined || b.entries === undefined) return undefined;
  return {
    key: either(a.entries.key, b.entries.key),
    value: either(a.entries.value, b.entries.value),
  };
}

interface CheckedType {
  readonly kind?: string;
  readonly name?: string;
  readonly valueType?: CheckedType;
}

function checkedTypeOf(node: ASTNode): CheckedType {
  return (node as { readonly checkedType?: CheckedType }).checkedType ?? {};
}

/** What the library's checker found it to be. */
function typeOf(node: ASTNode): string {
  return shortName(checkedTypeOf(node));
}

function shortName({ kind = 'dyn', name = 'dyn' }: CheckedType): string {
  if (kind === 'list' || kind === 'map' || kind === 'optional') return kind;
  if (/^Object\d+$/.test(name)) return 'object';
  if (name === 'google.protobuf.Timestamp') return 'timestamp';
  return name === 'google.protobuf.Duration' ? 'duration' : name;
}

function itemKindOf({ schema }: Term, node: ASTNode): string {
  const items = schema?.items;
  if (items !== undefined) return kindOfSchema(items);
  const { valueType } = checkedTypeOf(node);
  return valueType === undefined ? 'dyn' : shortName(valueType);
}

/** Names of fields are escaped in expressions where they would be no names. */
function unescaped(field: string): string {
  if (!field.includes('__')) return field;
  return field
    .replace(/^__([a-z]+)__$/, '$1')
    .replaceAll('__underscores__', '__')
    .replaceAll('__dot__', '.')
    .replaceAll('__dash__', '-')
    .replaceAll('__slash__', '/');
}
