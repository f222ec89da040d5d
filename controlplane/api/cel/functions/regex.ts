// Regular expressions of rules: RE2, in time linear in the text, and charged by text and program.
import { RE2JS } from 're2js';
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { List } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

const MAXIMUM_LENGTH = 1024;
const CACHE_MAXIMUM = 256;
const cache = new Map<string, RE2JS>();

/** @throws EvaluationError with RE2's explanation */
export function compileRegex(source: string): RE2JS {
  const known = cache.get(source);
  if (known !== undefined) return known;
  if (source.length > MAXIMUM_LENGTH) {
    throw new EvaluationError(
      `invalid regular expression: longer than ${MAXIMUM_LENGTH} characters`,
    );
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    throw new EvaluationError(error instanceof Error ? error.message : String(error));
  }
  if (cache.size >= CACHE_MAXIMUM) cache.clear();
  cache.set(source, compiled);
  return compiled;
}

/** The compiled expression, after its worst case over `text` was paid for. */
function paid(meter: Meter, text: string, source: string): RE2JS {
  if (!cache.has(source)) meter.spend(source.length * 10);
  const compiled = compileRegex(source);
  meter.spend(1 + (text.length * compiled.programSize()) / 4);
  return compiled;
}

function matches(meter: Meter, text: string, source: string): boolean {
  return paid(meter, text, source).test(text);
}

function findAll(meter: Meter, text: string, source: string, limit: number): string[] {
  const matcher = paid(meter, text, source).matcher(text);
  const found: string[] = [];
  const most = limit < 0 ? text.length + 1 : limit;
  while (found.length < most && matcher.find()) {
    meter.spend(1);
    found.push(matcher.group() ?? '');
  }
  return found;
}

export const regexFunctions: readonly FunctionRow[] = [
  row('string.matches(string): bool', matches),
  row('matches(string, string): bool', matches),
  row(
    'string.find(string): string',
    (meter, text: string, source: string) => findAll(meter, text, source, 1)[0] ?? '',
  ),
  row(
    'string.findAll(string): list<string>',
    (meter, text: string, source: string) => new List(findAll(meter, text, source, -1)),
  ),
  row(
    'string.findAll(string, int): list<string>',
    (meter, text: string, source: string, limit: bigint) =>
      new List(findAll(meter, text, source, Number(limit))),
  ),
];
