// What is wrong with an expression, in the words of cel-go, and at the place where it says so: authors search for these texts. The
// library has its own words, and points at the beginning of an operation where cel-go points at its sign.
import type { ASTNode } from '@marcbachmann/cel-js';
import { isFunctionName } from './functions/table.ts';

/** What the library's errors have. */
export interface LibraryError extends Error {
  readonly summary?: string;
  readonly range?: { readonly start: number; readonly end: number };
  /** Of text that is no expression only its place. */
  readonly node?: ASTNode | NoNode | undefined;
}

interface NoNode {
  readonly op?: undefined;
}

export interface Problem {
  readonly text: string;
  readonly at: number;
}

const AFTER = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** `list(string)` of the checker's `list<string>`; type parameters that nothing settled are dyn. */
export function shownType(type: string): string {
  return type
    .replaceAll(/\bnull\b/g, 'null_type')
    .replaceAll(/\boptional</g, 'optional_type<')
    .replaceAll(/\b[A-Z]\b/g, 'dyn')
    .replaceAll('<', '(')
    .replaceAll('>', ')');
}

export function undeclared(name: string): string {
  return `undeclared reference to '${name}' (in container '')`;
}

const noOverload = (name: string, types: string): string =>
  `found no matching overload for '${name}' applied to '${shownType(types)}'`;

/** @param text that was parsed */
export function explain(error: LibraryError, text: string): Problem {
  const { summary = error.message, range = { start: 0, end: 0 }, node } = error;
  const syntax = syntaxProblem(summary, range, text);
  if (syntax !== undefined) return syntax;
  for (const [pattern, say] of TYPE_PROBLEMS) {
    const found = pattern.exec(summary);
    if (found !== null)
      return { text: say(...found.slice(1)), at: placeOf(node, text, range.start) };
  }
  return { text: summary, at: range.start };
}

const TYPE_PROBLEMS: readonly (readonly [RegExp, (...parts: readonly string[]) => string])[] = [
  [/^No such key: (.*)$/s, (name) => `undefined field '${name}'`],
  [/^Unknown variable: (.*)$/s, (name = '') => undeclared(name)],
  [/^Reserved identifier: (.*)$/s, (name) => `reserved identifier: ${name}`],
  [/^no such overload: ([!-])(\S.*)$/s, (sign, type) => noOverload(`${sign}_`, `(${type})`)],
  [
    /^no such overload: (.+) (\S+) (.+)$/s,
    (left, sign = '', right) =>
      noOverload(sign === 'in' ? '@in' : `_${sign}_`, `(${left}, ${right})`),
  ],
  [
    /^found no matching overload for '(?:([^(]+)\.)?(\w+)\((.*)\)'$/s,
    (receiver, name = '', types) => {
      if (!isFunctionName(name)) return undeclared(name);
      const isMethod = receiver !== undefined && !receiver.endsWith('Namespace');
      return noOverload(name, `${isMethod ? `${receiver}.` : ''}(${types})`);
    },
  ],
  [
    /^Ternary branches must have the same type, got '(.*)' and '(.*)'$/s,
    (yes, no) => noOverload('_?_:_', `(bool, ${yes}, ${no})`),
  ],
  [
    /^Logical operator requires bool operands, got '(.*)'$/s,
    (type = '') => `expected type 'bool' but found '${shownType(type)}'`,
  ],
  [
    /^Cannot index type '(.*)' with type '(.*)'$/s,
    (of, by) => noOverload('_[_]', `(${of}, ${by})`),
  ],
  [
    /^Cannot index type '(.*)'$/s,
    (type = '') => `type '${shownType(type)}' does not support field selection`,
  ],
  [/^List index must be int, got '(.*)'$/s, (by) => noOverload('_[_]', `(list, ${by})`)],
  [/ invalid predicate iteration variable$/, () => 'argument must be a simple name'],
];

/** Where cel-go says that an operation stands: at its sign, at the dot of a field, at the parenthesis of a call. */
export function placeOf(node: ASTNode | NoNode | undefined, text: string, start: number): number {
  if (node?.op === undefined) return start;
  switch (node.op) {
    case 'value':
    case 'id':
    case 'map':
    case 'list':
    case '!_':
    case '-_':
      return start;
    case '.':
    case '.?':
      return Math.max(text.indexOf('.', node.args[0].end), 0);
    case '[]':
    case '[?]':
      return Math.max(text.indexOf('[', node.args[0].end), 0);
    case 'call':
      return Math.max(text.indexOf('(', node.start + node.args[0].length), 0);
    case 'rcall': {
      const [name, receiver] = node.args;
      const at = text.indexOf(name, text.indexOf('.', receiver.end));
      return Math.max(text.indexOf('(', at + name.length), 0);
    }
    case '?:':
      return Math.max(text.indexOf('?', node.args[0].end), 0);
    case '||':
    case '&&':
      return placeOf(node.args[0], text, node.args[0].start);
    default:
      return Math.max(text.indexOf(node.op, node.args[0].end), 0);
  }
}

function syntaxProblem(
  summary: string,
  { start, end }: { readonly start: number; readonly end: number },
  text: string,
): Problem | undefined {
  const found = start >= text.length ? '<EOF>' : text.slice(start, end);
  const problem = (what: string, at = start): Problem => ({ text: `Syntax error: ${what}`, at });
  const [, wanted] = /^Expected (\w+), got \w+$/.exec(summary) ?? [];
  switch (wanted) {
    case undefined:
      break;
    case 'IDENTIFIER':
      return problem(`no viable alternative at input '.${found === '<EOF>' ? '' : found}'`);
    case 'RPAREN':
      return problem(`missing ')' at '${found}'`);
    case 'COLON':
      return problem(`mismatched input '${found}' expecting ':'`);
    default: {
      const closing = wanted === 'RBRACKET' ? ']' : '}';
      return problem(`mismatched input '${found}' expecting {'${closing}', ','}`);
    }
  }
  if (summary === 'Unexpected token: DOT') {
    return problem("no viable alternative at input '.'", start + 1);
  }
  if (summary.startsWith('Unexpected token: ')) {
    const before = text.slice(0, start).trimEnd();
    const isArgument = /\w\s*\($/.test(before) ? "')', " : '';
    const isIndex = /[\w)\]]\s*\[$/.test(before) ? "'?', " : '';
    const how = before.endsWith('!') ? 'extraneous' : 'mismatched';
    return problem(
      `${how} input '${found}' expecting {'[', '{', '(', ${isArgument}'.', '-', '!', ${isIndex}${AFTER}`,
    );
  }
  // The library ends a message that is about a whole token with a quote, and one about a sign without.
  if (/^Unexpected character: '.*'$/s.test(summary)) {
    const how = text.slice(end).trim() === '' ? 'extraneous' : 'mismatched';
    return problem(`${how} input '${found}' expecting <EOF>`);
  }
  if (/^Unexpected character: |^Unterminated /.test(summary)) {
    // An operator of two signs is given up at the second.
    const isHalf = /[=&|]/.test(text[start] ?? '');
    const seen = text.slice(start, Math.max(end, start + (isHalf ? 2 : 1)));
    return problem(`token recognition error at: '${seen}'`);
  }
  return undefined;
}
