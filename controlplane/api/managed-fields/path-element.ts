// The elements of field paths: `f:name` a field, `k:{"key":value}` an item of a list by its keys, `v:value` an item of a set, `i:n`
// an item by its place. Their text is canonical: keys in order of their names, values as Go writes JSON.
import { isJsonObject } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import { isEmpty, SELF } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

/** Made once for each of the few thousand names that schemas have: as a key of a set, a text made anew costs more than all else. */
const fieldElements = new Map<string, string>();
const MAXIMUM_FIELD_ELEMENTS = 4_096;

export function fieldElement(name: string): string {
  let element = fieldElements.get(name);
  if (element === undefined) {
    element = `f:${name}`;
    if (fieldElements.size >= MAXIMUM_FIELD_ELEMENTS) fieldElements.clear();
    if (name.length <= MAXIMUM_REMEMBERED_LENGTH) fieldElements.set(name, element);
  }
  return element;
}

export function keyElement(keys: Readonly<JsonObject>): string {
  const names = Object.keys(keys);
  const fields = (names.length === 1 ? names : names.toSorted(compareText)).map(
    (name) => `${encodeJson(name)}:${encodeJson(keys[name])}`,
  );
  return `k:{${fields.join(',')}}`;
}

export function valueElement(value: unknown): string {
  return `v:${encodeJson(value)}`;
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** JSON as Go writes it: what could end a script in a page is escaped. */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return ESCAPED.test(text)
    ? text.replace(ESCAPED, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}

/** As upstream's messages write it: `.spec`, `[name="x"]`, `[="a"]`, `[3]`. */
export function displayPath(path: readonly string[]): string {
  return path.map(displayElement).join('');
}

function displayElement(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = JSON.parse(rest) as JsonObject;
      const texts = Object.keys(keys).map((name) => `${name}=${JSON.stringify(keys[name])}`);
      return `[${texts.join(',')}]`;
    }
    case 'v':
      return `[=${JSON.stringify(JSON.parse(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

/** The canonical text of an element that came from a client; undefined for a kind that nobody knows, which is left out. @throws Error */
export function readElement(text: string): string | undefined {
  if (text.length < 2 || text[1] !== ':') throw new Error(`missing colon: ${text}`);
  const rest = text.slice(2);
  switch (text[0]) {
    case 'f':
      return text;
    case 'k': {
      const keys: unknown = JSON.parse(rest);
      if (!isJsonObject(keys)) throw new Error(`not the keys of an item: ${text}`);
      return keyElement(keys);
    }
    case 'v':
      return valueElement(JSON.parse(rest));
    case 'i':
      if (!/^[+-]?\d+$/.test(rest)) throw new Error(`not the place of an item: ${text}`);
      return `i:${Number(rest)}`;
    default:
      return undefined;
  }
}

/** A set with its elements in canonical order all the way down; the same one when they are. */
export function inOrder(set: FieldSet): FieldSet {
  let out: Record<string, FieldSet> | undefined;
  let isSorted = true;
  let before: string | undefined;
  for (const element in set) {
    if (isSorted && before !== undefined && compareElements(before, element) > 0) isSorted = false;
    before = element;
    const below = set[element] as FieldSet;
    if (isEmpty(below)) continue;
    const ordered = inOrder(below);
    if (ordered !== below) (out ??= { ...set })[element] = ordered;
  }
  const nodes = out ?? set;
  if (isSorted) return nodes;
  const sorted = Object.keys(nodes).toSorted(compareElements);
  return Object.fromEntries(sorted.map((element) => [element, nodes[element] as FieldSet]));
}

const KINDS = 'fkvi';

/** Fields before keys before values before places, each kind in the order of its own. */
export function compareElements(left: string, right: string): number {
  if (left === right) return 0;
  if (left === SELF || right === SELF) return left === SELF ? -1 : 1;
  if (left[0] !== right[0]) return KINDS.indexOf(left[0] ?? '') - KINDS.indexOf(right[0] ?? '');
  if (left[0] === 'f') return compareText(left, right);
  const [ours, theirs] = [contentOf(left), contentOf(right)];
  return left[0] === 'k'
    ? compareKeys(ours as Entries, theirs as Entries)
    : compareValues(ours, theirs);
}

type Entries = readonly (readonly [name: string, value: unknown])[];

/** What elements of items say: objects of a kind have the same few (`k:{"type":"Ready"}`). */
const contents = new Map<string, unknown>();
const MAXIMUM_CONTENTS = 1_024;
const MAXIMUM_REMEMBERED_LENGTH = 100;

function contentOf(element: string): unknown {
  const known = contents.get(element);
  if (known !== undefined) return known;
  const value = JSON.parse(element.slice(2)) as unknown;
  const content = element[0] === 'k' ? Object.entries(value as JsonObject) : value;
  if (contents.size >= MAXIMUM_CONTENTS) contents.clear();
  if (element.length <= MAXIMUM_REMEMBERED_LENGTH) contents.set(element, content);
  return content;
}

function compareKeys(ours: Entries, theirs: Entries): number {
  for (const [at, [name, value]] of ours.entries()) {
    const other = theirs[at];
    if (other === undefined) return 1;
    const order = compareText(name, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return ours.length - theirs.length;
}

const TYPES = ['number', 'string', 'boolean', 'object'];

function compareValues(left: unknown, right: unknown): number {
  const rank = TYPES.indexOf(typeof left) - TYPES.indexOf(typeof right);
  if (rank !== 0) return rank;
  if (typeof left === 'number') return left - (right as number);
  return compareText(String(left), String(right));
}

/** In order of code points, as Go compares the bytes of strings. */
function compareText(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
