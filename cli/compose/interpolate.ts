// Variables in the values of a Compose file: `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}`, `${VAR?message}`,
// `${VAR:+other}`, `${VAR+other}`, nested, and `$$` for a dollar sign. Pure.

export interface Interpolation {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Told once per variable that has no value and no default: it counts as empty. */
  readonly onUnset: (name: string) => void;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const DEEPEST = 20;

/** @throws Error with what is wrong, or the message that the text gives for a variable that must have a value */
export function interpolate(text: string, options: Interpolation, depth = 0): string {
  if (!text.includes('$')) return text;
  if (depth > DEEPEST) throw new Error('variables are nested too deeply');
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text.charAt(dollar + 1);
    const name = NAME.exec(text.slice(dollar + 1, dollar + 257))?.[0];
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (next === '{') {
      const end = closing(text, dollar + 2);
      result += substituted(text.slice(dollar + 2, end), options, depth);
      at = end + 1;
    } else if (name === undefined)
      throw new Error(
        `invalid interpolation in ${JSON.stringify(shortened(text))}: write $$ for a dollar sign`,
      );
    else {
      result += valueOf(name, options);
      at = dollar + 1 + name.length;
    }
  }
  return result;
}

/** Where the brace that was opened before `from` is closed. */
function closing(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('$$', at)) at += 1;
    else if (text.startsWith('${', at)) {
      open += 1;
      at += 1;
    } else if (text.charAt(at) === '}') {
      open -= 1;
      if (open === 0) return at;
    }
  }
  throw new Error(`a \${ is not closed in ${JSON.stringify(shortened(text))}`);
}

function substituted(inner: string, options: Interpolation, depth: number): string {
  const name = NAME.exec(inner)?.[0];
  const match = name === undefined ? null : /^(:?[-?+])?(.*)$/s.exec(inner.slice(name.length));
  const [, operator = '', word = ''] = match ?? [];
  if (name === undefined || (operator === '' && word !== ''))
    throw new Error(`invalid interpolation \${${shortened(inner)}}`);
  const value = options.variables[name];
  const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'));
  const other = (): string => interpolate(word, options, depth + 1);
  switch (operator.at(-1)) {
    case '-':
      return isSet ? value : other();
    case '+':
      return isSet ? other() : '';
    case '?':
      if (isSet) return value;
      throw new Error(`required variable ${name} is missing a value: ${other() || 'set it'}`);
    default:
      return valueOf(name, options);
  }
}

function valueOf(name: string, { variables, onUnset }: Interpolation): string {
  const value = variables[name];
  if (value === undefined) onUnset(name);
  return value ?? '';
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
