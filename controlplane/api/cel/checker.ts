// Parses an expression and checks its types against a schema, with @marcbachmann/cel-js. Evaluation is not left to the
// library: each step must be paid for and regular expressions must be linear, so evaluator.ts does that over its AST.
import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Schema } from '../schema/schema.ts';
import { explain, placeOf, undeclared } from './compile-errors.ts';
import type { Problem } from './compile-errors.ts';
import { literalProblems } from './literal-checks.ts';
import { escapedFields, fieldsOf } from './convert.ts';
import { CidrValue, IpValue } from './functions/addresses.ts';
import { AccessCheck, AuthorizerValue, DecisionValue, PathCheck } from './functions/authorizer.ts';
import { QuantityValue } from './functions/quantity.ts';
import { NamedFormat } from './functions/named-format.ts';
import { literalFunctions } from './functions/literals.ts';
import { MUTATION_NAMESPACES, NAMESPACES, declaredFunctions } from './functions/table.ts';
import { UrlValue } from './functions/url.ts';
import {
  JSON_PATCH,
  LiteralValue,
  OBJECT,
  OBJECT_FIELD,
  ObjectLiteral,
  PatchLiteral,
} from './literal-value.ts';
import { registerMacros } from './macros.ts';
import { LiteralSyntaxError, MAKERS, rewriteLiterals } from './message-literals.ts';
import type { Rewritten } from './message-literals.ts';
import { childrenOf } from './tree.ts';

/** Longer rules are nobody's; parsing is linear in them. */
const MAXIMUM_LENGTH = 32_768;

/** Everything that walks a tree does so recursively. */
const MAXIMUM_DEPTH = 400;

/** As long as `has`, so that positions stay: see parse(). */
const HAS = 'hAs';

/** The expression does not parse or its types do not fit. `message` is in cel-go's form, position and all. */
export class CompilationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CompilationError';
  }
}

/** What expressions may use: mutations also write objects, as literals. */
export type Dialect = 'conditions' | 'mutations';

let base: Environment | undefined;
let withLiterals: Environment | undefined;

function environmentOf(dialect: Dialect): Environment {
  if (dialect === 'conditions') return baseEnvironment();
  if (withLiterals !== undefined) return withLiterals;
  const environment = baseEnvironment().clone();
  const types = [
    [OBJECT, ObjectLiteral],
    [OBJECT_FIELD, LiteralValue],
    [JSON_PATCH, PatchLiteral],
  ] as const;
  for (const [name, ctor] of types) {
    environment.registerType(name, { ctor });
    environment.registerOperator(`${name} == ${name}`, notHere);
  }
  const { jsonpatch } = MUTATION_NAMESPACES;
  environment.registerType(jsonpatch, { fields: {} });
  environment.registerVariable('jsonpatch', jsonpatch);
  for (const { signature } of literalFunctions) {
    environment.registerFunction(signature, notHere, { async: false });
  }
  withLiterals = environment;
  return environment;
}

function baseEnvironment(): Environment {
  if (base !== undefined) return base;
  const environment = new Environment({
    enableOptionalTypes: true,
    // `'%s-%d'.format([name, 1])` needs it.
    homogeneousAggregateLiterals: false,
    limits: { maxDepth: 100 },
  });
  const types: readonly (readonly [string, new (...args: never[]) => object])[] = [
    ['kubernetes.URL', UrlValue],
    ['kubernetes.Quantity', QuantityValue],
    ['kubernetes.NamedFormat', NamedFormat],
    ['net.IP', IpValue],
    ['net.CIDR', CidrValue],
    ['kubernetes.authorization.ResourceCheck', AccessCheck],
    ['kubernetes.authorization.Authorizer', AuthorizerValue],
    ['kubernetes.authorization.PathCheck', PathCheck],
    ['kubernetes.authorization.Decision', DecisionValue],
  ];
  for (const [name, ctor] of types) {
    const fields = name.endsWith('.Authorizer')
      ? { fields: { requestResource: 'kubernetes.authorization.ResourceCheck' } }
      : {};
    environment.registerType(name, { ctor, ...fields });
    environment.registerOperator(`${name} == ${name}`, notHere);
  }
  for (const [name, type] of Object.entries(NAMESPACES)) {
    if (environment.hasVariable(name)) continue;
    environment.registerType(type, { fields: {} });
    environment.registerVariable(name, type);
  }
  const known = new Set(environment.getDefinitions().functions.map(({ signature }) => signature));
  for (const { signature } of declaredFunctions) {
    if (!known.has(signature)) environment.registerFunction(signature, notHere, { async: false });
  }
  environment.registerFunction(`${HAS}(dyn): bool`, notHere, { async: false });
  registerMacros(environment);
  base = environment;
  return environment;
}

function notHere(): never {
  throw new Error('Expressions are evaluated by evaluator.ts');
}

export interface Checked {
  readonly ast: ASTNode;
  /** `bool`, `string`, `list<int>` … */
  readonly type: string;
}

/**
 * @param schema of `self` (and of `oldSelf`)
 * @param optionalOld `oldSelf` is an optional
 * @throws CompilationError
 */
export function check(text: string, schema: Schema, optionalOld: boolean): Checked {
  return checkIn(text, (environment, names) => {
    const self = names.nameOf(schema) ?? 'dyn';
    environment.registerVariable('self', self);
    environment.registerVariable('oldSelf', optionalOld ? `optional<${self}>` : self);
  });
}

/** The type of a variable: of a schema, one of the language's by name, or an object of such. */
export type VariableType =
  | Schema
  | string
  | { readonly fields: Readonly<Record<string, VariableType>> }
  /** An object of a kind, all of whose fields can be seen. */
  | { readonly whole: Schema };

/** @throws CompilationError */
export function checkVariables(
  text: string,
  variables: Readonly<Record<string, VariableType>>,
  dialect: Dialect = 'conditions',
): Checked {
  return checkIn(
    text,
    (environment, names) => {
      for (const [name, type] of Object.entries(variables)) {
        environment.registerVariable(name, names.named(type));
      }
    },
    dialect,
  );
}

function checkIn(
  text: string,
  declare: (environment: Environment, names: TypeNames) => void,
  dialect: Dialect = 'conditions',
): Checked {
  if (text.length > MAXIMUM_LENGTH) {
    throw new CompilationError(`expression is longer than ${MAXIMUM_LENGTH} characters`);
  }
  const environment = environmentOf(dialect).clone();
  declare(environment, new TypeNames(environment, text));
  const source = sourceOf(text, dialect);
  try {
    const parsed = environment.parse(withCheckedHas(environment, source));
    const result = parsed.check();
    if (result.error !== undefined) throw result.error;
    throwProblems(literalProblems(parsed.ast), source);
    return { ast: parsed.ast, type: typeShown(parsed.ast, result.type ?? 'dyn') };
  } catch (error) {
    if (error instanceof CompilationError) throw error;
    throw describe(error, source);
  }
}

/** An expression as it is parsed, and as its author sees it. */
interface Source extends Rewritten {
  readonly written: string;
}

function sourceOf(written: string, dialect: Dialect): Source {
  const plain = { text: written, placeOf: (at: number): number => at, written };
  if (dialect === 'conditions') return plain;
  for (const name of Object.values(MAKERS)) {
    const at = written.indexOf(name);
    if (at >= 0) throw problemAt(undeclared(name), at, plain);
  }
  try {
    return { ...rewriteLiterals(written), written };
  } catch (error) {
    if (!(error instanceof LiteralSyntaxError)) throw error;
    throw problemAt(error.message, error.start, plain);
  }
}

/** The library has one name for all literals below an object. */
function typeShown(ast: ASTNode, type: string): string {
  if (type !== OBJECT_FIELD || ast.op !== 'call') return type;
  const path = ast.args[1][0];
  return path?.op === 'value' && typeof path.args === 'string' ? path.args : type;
}

/** The library does not check what `has()` is asked about; under another name it is checked like any argument. */
function withCheckedHas(environment: Environment, source: Source): string {
  let result = source.text;
  const walk = (node: ASTNode, depth: number): void => {
    if (depth > MAXIMUM_DEPTH) {
      throw problemAt(`nested deeper than ${MAXIMUM_DEPTH} operations`, node.start, source);
    }
    if (node.op === 'call') {
      const [name, args] = node.args;
      if (name === HAS) throw problemAt(undeclared(HAS), node.start, source);
      if (name === 'has') {
        const [argument] = args;
        if (args.length !== 1 || (argument?.op !== '.' && argument?.op !== '.?')) {
          const at = argument?.start ?? node.start;
          throw problemAt('invalid argument to has() macro', at, source);
        }
        result = `${result.slice(0, node.start)}${HAS}${result.slice(node.start + HAS.length)}`;
      }
    }
    refuseBind(node, source);
    for (const child of childrenOf(node)) walk(child, depth + 1);
  };
  walk(environment.parse(source.text).ast, 0);
  return result;
}

/** The library knows `cel.bind()`, which the expressions of a kube-apiserver do not have. */
function refuseBind(node: ASTNode, source: Source): void {
  if (node.op !== 'rcall' || node.args[0] !== 'bind') return;
  const receiver = node.args[1];
  if (receiver.op !== 'id' || receiver.args !== 'cel') return;
  const bind = { text: undeclared('bind'), at: placeOf(node, source.text, 0) };
  throwProblems([{ text: undeclared('cel'), at: receiver.start }, bind], source);
}

function throwProblems(problems: readonly Problem[], source: Source): void {
  if (problems.length === 0) return;
  const messages = problems.map(({ text, at }) => problemAt(text, at, source).message);
  throw new CompilationError(messages.join('\n'));
}

/** Whether a node is what `has(…)` became. */
export function isHas(node: ASTNode): boolean {
  return node.op === 'call' && node.args[0] === HAS;
}

function describe(error: unknown, source: Source): CompilationError {
  if (!(error instanceof Error)) return new CompilationError(String(error));
  const { text, at } = explain(error, source.text);
  return problemAt(text, at, source);
}

function problemAt(problem: string, place: number, source: Source): CompilationError {
  const text = source.written;
  const lines = text.slice(0, source.placeOf(place)).split('\n');
  const column = lines.at(-1)?.length ?? 0;
  const line = text.split('\n')[lines.length - 1] ?? '';
  const at = `<input>:${lines.length}:${column + 1}`;
  return new CompilationError(`ERROR: ${at}: ${problem}\n | ${line}\n | ${'.'.repeat(column)}^`);
}

/**
 * Declares the object types of a schema as far as an expression can reach them: only fields whose names occur in its
 * text. The library keeps types by name for ever, so names are numbers and used again.
 */
class TypeNames {
  readonly #environment: Environment;
  readonly #words: ReadonlySet<string>;
  /** Schemas that are being declared: those of types that contain themselves. */
  readonly #open = new Set<Schema>();
  #isWhole = false;
  #count = 0;

  constructor(environment: Environment, text: string) {
    this.#environment = environment;
    this.#words = new Set(text.match(/\w+/g));
  }

  named(type: VariableType): string {
    if (typeof type === 'string') return type;
    if ('type' in type) return this.nameOf(type) ?? 'dyn';
    if ('whole' in type) {
      this.#isWhole = true;
      const name = this.nameOf(type.whole) ?? 'dyn';
      this.#isWhole = false;
      return name;
    }
    this.#count += 1;
    const name = `Object${this.#count}`;
    const fields = Object.entries(type.fields).map(([field, of]) => [field, this.named(of)]);
    this.#environment.registerType(name, {
      fields: Object.fromEntries(fields) as Record<string, string>,
    });
    this.#environment.registerOperator(`${name} == ${name}`, notHere);
    return name;
  }

  /** Undefined for what rules cannot see. */
  nameOf(schema: Schema): string | undefined {
    if (schema.type === 'any') return undefined;
    // A value that may be null is told apart only when it is there.
    if (schema.nullable === true) return 'dyn';
    switch (schema.type) {
      case 'boolean':
        return 'bool';
      case 'integer':
        return 'int';
      case 'number':
        return 'double';
      case 'intOrString':
        return 'dyn';
      case 'string':
        return stringType(schema.format);
      case 'array':
        return `list<${(schema.items && this.nameOf(schema.items)) ?? 'dyn'}>`;
      case 'object':
        return this.#objectType(schema);
    }
  }

  #objectType(schema: Schema): string {
    const { properties, additionalProperties } = schema;
    if (properties === undefined && additionalProperties !== undefined) {
      return `map<string, ${this.nameOf(additionalProperties) ?? 'dyn'}>`;
    }
    if (this.#open.has(schema)) return 'dyn';
    this.#open.add(schema);
    this.#count += 1;
    const name = `Object${this.#count}`;
    const fields: Record<string, string> = Object.create(null) as Record<string, string>;
    const visible = this.#isWhole ? escapedFields(schema, true) : fieldsOf(schema);
    for (const [escaped, field] of visible) {
      const child = properties?.[field]?.schema;
      const isSeen = child !== undefined && this.#words.has(escaped);
      const type = isSeen ? (this.nameOf(child) ?? (this.#isWhole ? 'dyn' : undefined)) : undefined;
      if (type !== undefined) fields[escaped] = type;
    }
    this.#open.delete(schema);
    this.#environment.registerType(name, { fields });
    // An object may be null, as oldObject of a new one is.
    for (const other of [name, 'null']) {
      this.#environment.registerOperator(`${name} == ${other}`, notHere);
    }
    return name;
  }
}

function stringType(format: string | undefined): string {
  switch (format) {
    case 'byte':
      return 'bytes';
    case 'date':
    case 'date-time':
      return 'google.protobuf.Timestamp';
    case 'duration':
      return 'google.protobuf.Duration';
    default:
      return 'string';
  }
}
