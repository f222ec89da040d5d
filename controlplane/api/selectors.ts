// Label selectors: the string grammar of `?labelSelector=` and `kubectl -l`, and the LabelSelector objects in specs.
// Both become a list of requirements that must all hold. Field selectors are in field-selectors.ts.
import { badRequest } from './errors.ts';
import type { ApiError } from './errors.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';

export type LabelOperator = 'in' | 'notin' | '=' | '!=' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** One for `=`, `!=`, `gt`, `lt`; none for `exists`, `!`. */
  readonly values: readonly string[];
}

export type LabelSelector = readonly LabelRequirement[];
export type Labels = Readonly<Record<string, string>>;

/** True when every requirement holds; an empty selector matches everything. */
export function matchesLabels(selector: LabelSelector, labels: Labels): boolean {
  for (const requirement of selector) if (!holds(requirement, labels)) return false;
  return true;
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return compares(value, operator, values[0]);
  }
}

function compares(value: string | undefined, operator: 'gt' | 'lt', bound = ''): boolean {
  if (value === undefined || !INTEGER.test(value)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

// ---------------------------------------------------------------------------------------------- the string grammar

const INTEGER = /^-?\d{1,19}$/;
const SYMBOLS = new Set(['=', '!', '(', ')', ',', '>', '<']);
const LONG_SYMBOLS = new Set(['==', '!=']);

/** Splits into symbols, words and, last, ''. Words are whatever stands between symbols and white space. */
function tokenize(text: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/.test(char)) {
      at += 1;
    } else if (SYMBOLS.has(char)) {
      const two = text.slice(at, at + 2);
      tokens.push(LONG_SYMBOLS.has(two) ? two : char);
      at += LONG_SYMBOLS.has(two) ? 2 : 1;
    } else {
      let end = at + 1;
      while (end < text.length && !/\s/.test(text.charAt(end)) && !SYMBOLS.has(text.charAt(end))) {
        end += 1;
      }
      tokens.push(text.slice(at, end));
      at = end;
    }
  }
  tokens.push('');
  return tokens;
}

const isWord = (token: string): boolean =>
  token !== '' && !SYMBOLS.has(token) && !LONG_SYMBOLS.has(token);

function unparsable(why: string): ApiError {
  return badRequest(`unable to parse requirement: ${why}`);
}

function found(token: string, expected: string): ApiError {
  return unparsable(`found '${token}', expected: ${expected}`);
}

/**
 * Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>5`.
 *
 * @throws ApiError BadRequest `unable to parse requirement: …`
 */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens = tokenize(text);
  const requirements: LabelRequirement[] = [];
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const peek = (): string => tokens[at] ?? '';
  if (peek() === '') return requirements;
  for (;;) {
    requirements.push(parseRequirement(next, peek));
    const separator = next();
    if (separator === '') return requirements;
    if (separator !== ',') throw found(separator, "',' or 'end of string'");
    if (!isWord(peek()) && peek() !== '!') throw found(peek(), "identifier after ','");
  }
}

function parseRequirement(next: () => string, peek: () => string): LabelRequirement {
  const negated = peek() === '!';
  if (negated) next();
  const key = next();
  if (!isWord(key)) throw found(key, "!, identifier, or 'end of string'");
  if (negated) return checked({ key, operator: '!', values: [] });
  const operator = peek();
  if (operator === '' || operator === ',') return checked({ key, operator: 'exists', values: [] });
  next();
  switch (operator) {
    case 'in':
    case 'notin':
      return checked({ key, operator, values: parseValueSet(next, peek) });
    case '=':
    case '==':
      return checked({ key, operator: '=', values: [parseValue(next, peek)] });
    case '!=':
      return checked({ key, operator: '!=', values: [parseValue(next, peek)] });
    case '>':
      return checked({ key, operator: 'gt', values: [parseValue(next, peek)] });
    case '<':
      return checked({ key, operator: 'lt', values: [parseValue(next, peek)] });
    default:
      throw found(operator, 'in, notin, =, ==, !=, gt, lt');
  }
}

/** `a=` asks for the empty value. */
function parseValue(next: () => string, peek: () => string): string {
  if (peek() === '' || peek() === ',') return '';
  const value = next();
  if (!isWord(value)) throw found(value, 'identifier');
  return value;
}

function parseValueSet(next: () => string, peek: () => string): string[] {
  const open = next();
  if (open !== '(') throw found(open, "'('");
  const values: string[] = [];
  for (;;) {
    if (peek() === ',' || peek() === ')') values.push('');
    else {
      const value = next();
      if (!isWord(value)) throw found(value, "',', ')' or identifier");
      values.push(value);
    }
    const separator = next();
    if (separator === ')') return [...new Set(values)].toSorted();
    if (separator !== ',') throw found(separator, "',' or ')'");
  }
}

function checked(requirement: LabelRequirement): LabelRequirement {
  const wrong = checkRequirement(requirement);
  if (wrong !== undefined) throw unparsable(wrong);
  return requirement;
}

function checkRequirement({ key, operator, values }: LabelRequirement): string | undefined {
  const wrongKey = checkQualifiedName(key);
  if (wrongKey !== undefined) return `key: Invalid value: ${JSON.stringify(key)}: ${wrongKey}`;
  for (const [index, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && !INTEGER.test(value)) {
      return `values[${index}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`;
    }
    const wrong = operator === 'gt' || operator === 'lt' ? undefined : checkLabelValue(value);
    if (wrong !== undefined) {
      return `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong}`;
    }
  }
  return undefined;
}

/** The string form that parseLabelSelector reads back: what `status.selector` of a Scale holds. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    case '=':
    case '!=':
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

// ------------------------------------------------------------------------------------------- LabelSelector objects

/** metav1.LabelSelector as it stands in specs. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * Requirements of a LabelSelector object; an empty object matches everything. Absent selectors (null) match nothing
 * upstream: that is the caller's case.
 *
 * @throws ApiError BadRequest naming the operator, key or value that is wrong
 */
export function labelSelectorOf(object: LabelSelectorObject): LabelSelector {
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(object.matchLabels ?? {}).toSorted(byKey)) {
    requirements.push(checked({ key, operator: '=', values: [value] }));
  }
  for (const { key, operator: name, values = [] } of object.matchExpressions ?? []) {
    const operator = Object.hasOwn(OBJECT_OPERATORS, name) ? OBJECT_OPERATORS[name] : undefined;
    if (operator === undefined)
      throw badRequest(`"${name}" is not a valid label selector operator`);
    const takesValues = operator === 'in' || operator === 'notin';
    if (takesValues && values.length === 0) {
      throw badRequest(`for 'in', 'notin' operators, values set can't be empty (key "${key}")`);
    }
    if (!takesValues && values.length > 0) {
      throw badRequest(`values set must be empty for exists and does not exist (key "${key}")`);
    }
    requirements.push(checked({ key, operator, values: [...values].toSorted() }));
  }
  return requirements;
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : Number(a > b);
}
