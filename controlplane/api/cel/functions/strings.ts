// Functions of strings: CEL's own and version 2 of its strings extension. Positions count characters (code points).
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { List } from '../values.ts';
import { formatText } from './format-text.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

/** Characters of a text; the text itself where each is one unit, which is nearly always. */
function characters(text: string): string | readonly string[] {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}

export function lengthOf(text: string): number {
  return characters(text).length;
}

function slice(text: string, start: number, end?: number): string {
  const all = characters(text);
  return typeof all === 'string' ? all.slice(start, end) : all.slice(start, end).join('');
}

/** Searching may look at each pair of characters. */
function spendSearch(meter: Meter, text: string, part: string): void {
  meter.spend((text.length * Math.max(part.length, 1)) / 100);
}

function outOfRange(at: number): EvaluationError {
  return new EvaluationError(`index out of range: ${at}`);
}

function find(
  meter: Meter,
  text: string,
  part: string,
  from: number | undefined,
  last: boolean,
): bigint {
  spendSearch(meter, text, part);
  const length = lengthOf(text);
  if (from !== undefined && (from < 0 || from > length)) throw outOfRange(from);
  // Searched by units, answered in characters.
  const unit = from === undefined ? undefined : slice(text, 0, from).length;
  const at = last ? text.lastIndexOf(part, unit) : text.indexOf(part, unit);
  return BigInt(at < 0 ? -1 : lengthOf(text.slice(0, at)));
}

function substring(text: string, start: bigint, end?: bigint): string {
  const length = lengthOf(text);
  const from = Number(start);
  const to = end === undefined ? length : Number(end);
  if (from < 0 || from > length) throw outOfRange(from);
  if (to < from || to > length) {
    throw to < from
      ? new EvaluationError(`invalid substring range. start: ${from}, end: ${to}`)
      : outOfRange(to);
  }
  return slice(text, from, to);
}

function replace(meter: Meter, text: string, old: string, fresh: string, limit: number): string {
  spendSearch(meter, text, old);
  const most = old === '' ? text.length + 1 : Math.floor(text.length / old.length);
  meter.spend((text.length + most * fresh.length) / 10);
  if (limit === 0) return text;
  if (limit < 0) return text.replaceAll(old, () => fresh);
  if (old === '') {
    const all = Array.from(text);
    const count = Math.min(limit, all.length + 1);
    return `${all.map((part, at) => (at < count ? fresh + part : part)).join('')}${count > all.length ? fresh : ''}`;
  }
  const parts = text.split(old);
  const head = parts.slice(0, limit + 1).join(fresh);
  return [head, ...parts.slice(limit + 1)].join(old);
}

function split(meter: Meter, text: string, separator: string, limit: number): List {
  spendSearch(meter, text, separator);
  meter.spend(text.length);
  if (limit === 0) return new List([]);
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) return new List(parts);
  return new List([...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]);
}

function join(meter: Meter, list: List, separator: string): string {
  const parts = list.items.map((item) => {
    if (typeof item !== 'string') throw new EvaluationError('no such overload: join of no strings');
    return item;
  });
  const size = parts.reduce((sum, part) => sum + part.length + separator.length, 0);
  meter.spend(size / 10);
  return parts.join(separator);
}

/** Only A-Z and a-z: a text stays as long as it is. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (part) => part.toUpperCase());
}

export const stringFunctions: readonly FunctionRow[] = [
  row('string.contains(string): bool', (meter, text: string, part: string) => {
    spendSearch(meter, text, part);
    return text.includes(part);
  }),
  row('string.startsWith(string): bool', (_, text: string, part: string) => text.startsWith(part)),
  row('string.endsWith(string): bool', (_, text: string, part: string) => text.endsWith(part)),
  row('string.charAt(int): string', (_, text: string, at: bigint) => {
    const length = lengthOf(text);
    if (at < 0n || at > length) throw outOfRange(Number(at));
    return slice(text, Number(at), Number(at) + 1);
  }),
  row('string.indexOf(string): int', (meter, text: string, part: string) =>
    find(meter, text, part, undefined, false),
  ),
  row('string.indexOf(string, int): int', (meter, text: string, part: string, from: bigint) =>
    find(meter, text, part, Number(from), false),
  ),
  row('string.lastIndexOf(string): int', (meter, text: string, part: string) =>
    find(meter, text, part, undefined, true),
  ),
  row('string.lastIndexOf(string, int): int', (meter, text: string, part: string, from: bigint) =>
    find(meter, text, part, Number(from), true),
  ),
  row('list<string>.join(): string', (meter, list: List) => join(meter, list, '')),
  row('list<string>.join(string): string', (meter, list: List, separator: string) =>
    join(meter, list, separator),
  ),
  row('string.lowerAscii(): string', (_, text: string) => lowerAscii(text)),
  row('string.upperAscii(): string', (_, text: string) => upperAscii(text)),
  row('string.trim(): string', (_, text: string) => text.trim()),
  row('string.reverse(): string', (_, text: string) => Array.from(text).toReversed().join('')),
  row('string.replace(string, string): string', (meter, text: string, old: string, fresh: string) =>
    replace(meter, text, old, fresh, -1),
  ),
  row(
    'string.replace(string, string, int): string',
    (meter, text: string, old: string, fresh: string, limit: bigint) =>
      replace(meter, text, old, fresh, Number(limit)),
  ),
  row('string.split(string): list<string>', (meter, text: string, separator: string) =>
    split(meter, text, separator, -1),
  ),
  row(
    'string.split(string, int): list<string>',
    (meter, text: string, separator: string, limit: bigint) =>
      split(meter, text, separator, Number(limit)),
  ),
  row('string.substring(int): string', (_, text: string, start: bigint) => substring(text, start)),
  row('string.substring(int, int): string', (_, text: string, start: bigint, end: bigint) =>
    substring(text, start, end),
  ),
  row('string.format(list<dyn>): string', (meter, text: string, args: List) =>
    formatText(meter, text, args.items),
  ),
];
