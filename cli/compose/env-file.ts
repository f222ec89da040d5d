// Files of variables (`.env`, `env_file`): `NAME=VALUE` per line, `export` before it, quotes, comments. Pure.
import { interpolate } from './interpolate.ts';

export interface EnvFileOptions {
  /** Values for `$VAR` in values that stand in no or in double quotes; earlier lines of the file come first. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `raw`: every character after the `=` counts. */
  readonly isRaw?: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  // What is left is interpolated.
  $: '$$',
};

/** Of one value. */
const MOST_LINES = 1_000;

/**
 * A name without `=` has the value that it has in `variables`, or is left out.
 *
 * @throws Error with the line, for what is no such file; never with a value
 */
export function parseEnvFile(
  text: string,
  { variables, isRaw = false }: EnvFileOptions,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = Object.create(null) as Record<string, string>;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([^\s=:'"#]+)\s*(?:[=:]\s*(.*))?$/s.exec(line);
    const number = index + 1;
    if (match === null) throw new Error(`line ${number}: write it as NAME=VALUE`);
    const [, name = '', value] = match;
    if (value === undefined) {
      const inherited = variables[name];
      if (inherited !== undefined) found[name] = inherited;
      continue;
    }
    if (isRaw) {
      found[name] = line.slice(line.indexOf('=') + 1);
      continue;
    }
    let quoted = value;
    // A value in quotes may go on over several lines.
    while (isOpen(quoted) && index + 1 < lines.length && index - number < MOST_LINES) {
      index += 1;
      quoted += `\n${lines[index] ?? ''}`;
    }
    const expand = (one: string): string =>
      interpolate(one, { variables: { ...variables, ...found }, onUnset: () => undefined });
    try {
      found[name] = unquoted(quoted, expand);
    } catch (error) {
      throw new Error(`line ${number}: ${name}: ${(error as Error).message}`, { cause: error });
    }
  }
  return found;
}

function isOpen(value: string): boolean {
  const quote = value.charAt(0);
  return (quote === '"' || quote === "'") && endOfQuote(value) === -1;
}

/** Index of the quote that ends what the first one began. */
function endOfQuote(value: string): number {
  const quote = value.charAt(0);
  for (let at = 1; at < value.length; at++) {
    if (quote === '"' && value.charAt(at) === '\\') at += 1;
    else if (value.charAt(at) === quote) return at;
  }
  return -1;
}

function unquoted(value: string, expand: (text: string) => string): string {
  const quote = value.charAt(0);
  if (quote !== '"' && quote !== "'") return expand(value.replace(/(^|\s+)#.*$/s, '').trimEnd());
  const end = endOfQuote(value);
  if (end === -1) throw new Error(`a ${quote} is not closed`);
  if (!/^\s*(#.*)?$/.test(value.slice(end + 1)))
    throw new Error(`something follows the closing ${quote}`);
  const inner = value.slice(1, end);
  if (quote === "'") return inner;
  return expand(inner.replaceAll(/\\(.)/gs, (whole, char: string) => ESCAPES[char] ?? whole));
}
