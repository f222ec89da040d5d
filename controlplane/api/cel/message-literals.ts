// Literals of typed objects (`Object.spec{replicas: 1}`, `JSONPatch{op: "add", …}`) are written in mutations. The library's parser does
// not know them, so they become calls of functions that it does: `newObject({"spec": …})`. What it then says of a place is brought back
// to where that stands in the text that the author wrote.

/** What literals became. None of them may stand in an author's text. */
export const MAKERS = {
  object: 'newObjectLiteral',
  field: 'newFieldLiteral',
  patch: 'newPatchLiteral',
} as const;

/** In front of the key of a field that is left out where its value is an optional without one: `?name: …`. */
export const OPTIONAL_MARK = '?';

export interface Rewritten {
  readonly text: string;
  /** Of a place in `text`, that in the author's. */
  readonly placeOf: (at: number) => number;
}

interface Token {
  readonly text: string;
  readonly start: number;
}

/** Of a literal that has no fields of the form `name: value`. */
export class LiteralSyntaxError extends Error {
  /** Place in the author's text. */
  readonly start: number;

  constructor(found: string, start: number) {
    super(`Syntax error: a field name expected, found '${found}'`);
    this.name = 'LiteralSyntaxError';
    this.start = start;
  }
}

/** Strings with their prefixes, names, and all else sign by sign; comments are no tokens. */
const TOKENS =
  /(?<comment>\/\/[^\n]*)|[bBrR]{0,2}(?:"""(?:\\[\s\S]|(?!""")[\s\S])*"""|'''(?:\\[\s\S]|(?!''')[\s\S])*'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|`[^`\n]*`|[A-Za-z_]\w*|[^\s]/g;
const NAME = /^[A-Za-z_]\w*$/;

function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(TOKENS)]
    .filter(({ groups }) => groups?.['comment'] === undefined)
    .map((match) => ({ text: match[0], start: match.index }));
}

/** The name of the type and the place of its `{`, where a literal begins at a token. */
function literalAt(
  tokens: readonly Token[],
  at: number,
): { readonly type: string; readonly brace: number } | undefined {
  const root = tokens[at]?.text;
  // `x.Object{}` is none.
  if ((root !== 'Object' && root !== 'JSONPatch') || tokens[at - 1]?.text === '.') return undefined;
  let type = root;
  let next = at + 1;
  while (tokens[next]?.text === '.' && NAME.test(tokens[next + 1]?.text ?? '')) {
    type += `.${tokens[next + 1]?.text ?? ''}`;
    next += 2;
  }
  const isLiteral = tokens[next]?.text === '{' && (root === 'Object' || type === root);
  return isLiteral ? { type, brace: next } : undefined;
}

function openingOf(type: string): string {
  if (type === 'Object') return `${MAKERS.object}({`;
  if (type === 'JSONPatch') return `${MAKERS.patch}({`;
  return `${MAKERS.field}(${JSON.stringify(type)}, {`;
}

/** @throws LiteralSyntaxError */
export function rewriteLiterals(text: string): Rewritten {
  const tokens = tokensOf(text);
  const edits: { readonly start: number; readonly end: number; readonly by: string }[] = [];
  /** What is open: true for a literal. */
  const open: boolean[] = [];
  let at = 0;
  while (at < tokens.length) {
    const { text: word, start } = tokens[at] ?? { text: '', start: 0 };
    const literal = literalAt(tokens, at);
    if (literal !== undefined) {
      const brace = tokens[literal.brace]?.start ?? start;
      edits.push({ start, end: brace + 1, by: openingOf(literal.type) });
      open.push(true);
      at = fieldName(literal.brace + 1);
      continue;
    }
    at += 1;
    if (word === '{' || word === '[' || word === '(') open.push(false);
    else if (word === '}' || word === ']' || word === ')') {
      if (open.pop() === true) edits.push({ start, end: start + 1, by: '})' });
    } else if (word === ',' && open.at(-1) === true) at = fieldName(at);
  }
  return withEdits(text, edits);

  /** Quotes the name of a field; returns where its value begins. A literal may end instead. */
  function fieldName(from: number): number {
    const mark = tokens[from]?.text === OPTIONAL_MARK ? 1 : 0;
    const name = tokens[from + mark];
    if (mark === 0 && (name === undefined || name.text === '}')) return from;
    const plain = name?.text.replace(/^`(.*)`$/, '$1') ?? '';
    const isName = NAME.test(name?.text ?? '') || plain !== name?.text;
    if (name === undefined || !isName || tokens[from + mark + 1]?.text !== ':') {
      throw new LiteralSyntaxError(name?.text ?? '<EOF>', name?.start ?? text.length);
    }
    const key = JSON.stringify(mark === 1 ? OPTIONAL_MARK + plain : plain);
    const start = tokens[from]?.start ?? name.start;
    edits.push({ start, end: name.start + name.text.length, by: key });
    return from + mark + 2;
  }
}

function withEdits(
  text: string,
  edits: readonly { readonly start: number; readonly end: number; readonly by: string }[],
): Rewritten {
  let result = '';
  let done = 0;
  /** Where a stretch begins there, and here. */
  const stretches: (readonly [there: number, here: number, isEdit: boolean])[] = [];
  for (const { start, end, by } of edits) {
    stretches.push([result.length, done, false]);
    result += text.slice(done, start);
    stretches.push([result.length, start, true]);
    result += by;
    done = end;
  }
  stretches.push([result.length, done, false]);
  result += text.slice(done);
  return {
    text: result,
    placeOf: (at) => {
      const [there, here, isEdit] = stretches.findLast(([begin]) => begin <= at) ?? [0, 0, false];
      return isEdit ? here : here + at - there;
    },
  };
}
