// All functions by name, and which overload a call means: decided by the values at hand, since a value typed dyn shows
// what it is only then.
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { sizeOf, typeOf } from '../values.ts';
import type { Value } from '../values.ts';
import { addressFunctions } from './addresses.ts';
import { authorizerFunctions } from './authorizer.ts';
import { listFunctions } from './lists.ts';
import { literalFunctions } from './literals.ts';
import { formatFunctions } from './named-format.ts';
import { quantityFunctions } from './quantity.ts';
import { regexFunctions } from './regex.ts';
import type { FunctionRow, Implementation } from './row.ts';
import { conversionFunctions, standardFunctions } from './standard.ts';
import { stringFunctions } from './strings.ts';
import { urlFunctions } from './url.ts';

/** Names that functions hang on, and the type that the checker knows each by. */
export const NAMESPACES: Readonly<Record<string, string>> = {
  cel: 'CelNamespace',
  format: 'FormatNamespace',
  ip: 'IPNamespace',
  optional: 'OptionalNamespace',
  sets: 'SetsNamespace',
};

/** Those that only mutations know. */
export const MUTATION_NAMESPACES = { jsonpatch: 'JSONPatchNamespace' } as const;

export function isNamespaceName(name: string): boolean {
  return Object.hasOwn(NAMESPACES, name) || Object.hasOwn(MUTATION_NAMESPACES, name);
}

/** What the checker must be told of. */
export const declaredFunctions: readonly FunctionRow[] = [
  ...stringFunctions,
  ...listFunctions,
  ...regexFunctions,
  ...urlFunctions,
  ...quantityFunctions,
  ...addressFunctions,
  ...formatFunctions,
  ...authorizerFunctions,
  ...conversionFunctions,
];

interface Overload {
  /** Kinds of the arguments, the receiver first; undefined takes any. */
  readonly kinds: readonly (string | undefined)[];
  readonly run: Implementation;
}

export type CallForm = 'function' | 'method' | 'namespace';

const overloads = new Map<string, Overload[]>();

function keyOf(form: CallForm, name: string, count: number): string {
  return `${form} ${name} ${count}`;
}

/** `list` of `list<string>`; undefined for dyn and type variables. */
function kindOf(type: string): string | undefined {
  const kind = type.replace(/<.*$/s, '').trim();
  return kind === 'dyn' || /^[A-Z]$/.test(kind) ? undefined : kind;
}

function splitTypes(text: string): string[] {
  const types: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const char = text[at];
    if (char === '<') depth += 1;
    else if (char === '>') depth -= 1;
    else if ((char === ',' && depth === 0) || char === undefined) {
      if (text.slice(start, at).trim() !== '') types.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return types;
}

function add({ signature, run }: FunctionRow): void {
  const [, receiver, name = '', parameters = ''] =
    /^(?:([\w.<>]+)\.)?(\w+)\((.*)\):/.exec(signature) ?? [];
  const types = splitTypes(parameters);
  const space = Object.entries({ ...NAMESPACES, ...MUTATION_NAMESPACES }).find(
    ([, type]) => type === receiver,
  )?.[0];
  const form = receiver === undefined ? 'function' : space === undefined ? 'method' : 'namespace';
  const key = keyOf(form, space === undefined ? name : `${space}.${name}`, types.length);
  const kinds = (form === 'method' ? [receiver ?? '', ...types] : types).map(kindOf);
  const list = overloads.get(key) ?? [];
  list.push({ kinds, run });
  overloads.set(key, list);
}

for (const row of [...standardFunctions, ...declaredFunctions, ...literalFunctions]) add(row);

const functionNames = new Set([...overloads.keys()].map((key) => key.split(' ')[1] ?? ''));

/** Whether anything is called so, whatever it takes. */
export function isFunctionName(name: string): boolean {
  return functionNames.has(name);
}

/** A call of `name` with so many arguments (without the receiver), or undefined when there is no such function. */
export function resolveCall(
  form: CallForm,
  name: string,
  count: number,
): ((meter: Meter, args: readonly Value[]) => Value) | undefined {
  const candidates = overloads.get(keyOf(form, name, count));
  if (candidates === undefined) return undefined;
  return (meter, args) => {
    let size = 0;
    for (const arg of args) size += sizeOf(arg);
    meter.spend(1 + size / 10);
    for (const { kinds, run } of candidates) {
      if (kinds.every((kind, at) => kind === undefined || kind === typeOf(args[at] ?? null))) {
        return run(meter, ...args);
      }
    }
    const types = args.map((arg) => typeOf(arg));
    throw new EvaluationError(`no such overload: ${name}(${types.join(', ')})`);
  };
}
