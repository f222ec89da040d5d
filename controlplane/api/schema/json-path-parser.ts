// Reads the JSONPath subset of json-path.ts into steps. Linear in the text.

export interface Filter {
  readonly path: readonly Step[];
  readonly operator: 'exists' | '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly literal: unknown;
}

export type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly start: number | undefined; readonly end: number | undefined }
  | { readonly kind: 'filter'; readonly filter: Filter };

const OPERATOR = /^\s*(==|!=|<=|>=|<|>)\s*/;
const SLICE = /^(-?\d{1,9})?:(-?\d{1,9})?$/;

/** @throws Error naming the text and where it cannot be read */
export function parseJsonPath(text: string): readonly Step[] {
  const whole = text.trim();
  const inner = whole.startsWith('{') && whole.endsWith('}') ? whole.slice(1, -1) : whole;
  const path = inner.startsWith('$') ? inner.slice(1) : inner;
  const steps = parseSteps(path, text);
  if (steps.length === 0 && path !== '.') throw unreadable(text, 'it is empty');
  return steps;
}

function unreadable(text: string, why: string): Error {
  return new Error(`Cannot read the JSON path ${JSON.stringify(text)}: ${why}`);
}

function parseSteps(path: string, text: string): readonly Step[] {
  const steps: Step[] = [];
  let at = 0;
  while (at < path.length) {
    const char = path.charAt(at);
    if (char === '.') {
      if (path.charAt(at + 1) === '.') throw unreadable(text, '".." is not supported');
      if (path.charAt(at + 1) === '[' || path.length === 1) {
        at += 1;
        continue;
      }
      const { name, end } = readName(path, at + 1);
      if (name === '') throw unreadable(text, `a name is missing at character ${at + 1}`);
      steps.push(name === '*' ? { kind: 'wildcard' } : { kind: 'field', name });
      at = end;
    } else if (char === '[') {
      const end = closingBracket(path, at, text);
      steps.push(parseBracket(path.slice(at + 1, end).trim(), text));
      at = end + 1;
    } else {
      throw unreadable(text, `it must start with "." or "[", and so must each of its parts`);
    }
  }
  return steps;
}

/** Up to the next dot or bracket; a backslash takes the next character as it is. */
function readName(path: string, start: number): { name: string; end: number } {
  let name = '';
  let at = start;
  for (; at < path.length; at += 1) {
    const char = path.charAt(at);
    if (char === '.' || char === '[') break;
    if (char === '\\') at += 1;
    name += path.charAt(at);
  }
  return { name, end: at };
}

/** The bracket that closes the one at `open`, quotes and filters inside skipped. */
function closingBracket(path: string, open: number, text: string): number {
  let quote = '';
  let depth = 0;
  for (let at = open; at < path.length; at += 1) {
    const char = path.charAt(at);
    if (char === '\\') at += 1;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '[') depth += 1;
    else if (char === ']') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  throw unreadable(text, 'a "[" is not closed');
}

function unquoted(token: string): string | undefined {
  const quote = token.charAt(0);
  if ((quote !== '"' && quote !== "'") || token.length < 2 || !token.endsWith(quote)) {
    return undefined;
  }
  return token.slice(1, -1).replace(/\\(.)/g, '$1');
}

function parseBracket(token: string, text: string): Step {
  if (token === '*') return { kind: 'wildcard' };
  const name = unquoted(token);
  if (name !== undefined) return { kind: 'field', name };
  if (/^-?\d{1,9}$/.test(token)) return { kind: 'index', index: Number(token) };
  const slice = SLICE.exec(token);
  if (slice !== null) {
    const bound = (digits: string | undefined): number | undefined =>
      digits === undefined ? undefined : Number(digits);
    return { kind: 'slice', start: bound(slice[1]), end: bound(slice[2]) };
  }
  if (token.startsWith('?(') && token.endsWith(')')) {
    return { kind: 'filter', filter: parseFilter(token.slice(2, -1).trim(), text) };
  }
  throw unreadable(text, `"[${token}]" is no index, name, slice or filter`);
}

function parseFilter(expression: string, text: string): Filter {
  if (!expression.startsWith('@')) throw unreadable(text, 'a filter must start with "@"');
  const end = endOfOperand(expression);
  const path = parseSteps(expression.slice(1, end), text);
  const rest = expression.slice(end);
  if (rest.trim() === '') return { path, operator: 'exists', literal: undefined };
  const match = OPERATOR.exec(rest);
  if (match === null) throw unreadable(text, `a filter cannot have "${rest.trim()}"`);
  const operator = match[1] as Filter['operator'];
  return { path, operator, literal: parseLiteral(rest.slice(match[0].length).trim(), text) };
}

/** Where the left side of a comparison ends: at a space or operator outside brackets. */
function endOfOperand(expression: string): number {
  let depth = 0;
  for (let at = 0; at < expression.length; at += 1) {
    const char = expression.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '[') depth += 1;
    else if (char === ']') depth -= 1;
    else if (depth === 0 && /[\s=!<>]/.test(char)) return at;
  }
  return expression.length;
}

function parseLiteral(token: string, text: string): unknown {
  const string = unquoted(token);
  if (string !== undefined) return string;
  if (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(token)) return Number(token);
  if (token === 'true' || token === 'false') return token === 'true';
  if (token === 'null' || token === 'nil') return null;
  throw unreadable(text, `"${token}" is no string, number or boolean`);
}
