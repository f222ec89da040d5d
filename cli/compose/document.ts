// The YAML of a Compose file. Every scalar stays the text that was written: what type it has is said by the field that it stands in,
// since interpolation makes texts anyway, and `1.10`, `0440` or `no` keep what their author meant.
import { isMap, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { lineOfField, ManifestError } from '../apply/manifest.ts';

/** A value of the file: scalars are texts, or null where nothing (or `~`) was written. */
export type ComposeValue = string | null | readonly ComposeValue[] | ComposeMap;
export interface ComposeMap {
  readonly [key: string]: ComposeValue;
}

export type ComposePath = readonly (string | number)[];

export interface ComposeDocument {
  readonly root: ComposeMap;
  /** Line of what stands at a path, or of the nearest thing above it that is there; from 1. */
  readonly lineOf: (path: ComposePath) => number;
}

/** Far above any file that people write; what is larger is refused before it is parsed. */
const LONGEST_FILE = 4_000_000;
/** The parser follows nesting by recursion. */
const DEEPEST = 64;
const MOST_VALUES = 200_000;

/** Without it nothing has to be parsed twice. Linear, whatever the text. */
const MENTIONS_SERVICES =
  /^[ \t]*["']?services["']?[ \t]*:|[{,][ \t\r\n]*["']?services["']?[ \t\r\n]*:/m;

/** Whether a text is a Compose file: a map with `services`, and none of what every Kubernetes object has. */
export function isCompose(text: string): boolean {
  if (text.length > LONGEST_FILE || !MENTIONS_SERVICES.test(text)) return false;
  const { contents } = parse(text, new LineCounter());
  return isMap(contents) && contents.has('services') && !contents.has('apiVersion');
}

/** @throws ManifestError with the line, for what is no YAML, too large, or not a map */
export function parseCompose(file: string, text: string): ComposeDocument {
  if (text.length > LONGEST_FILE)
    throw new ManifestError({ file }, `has ${text.length} characters; ${LONGEST_FILE} is the most`);
  const counter = new LineCounter();
  const document = parse(text, counter);
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const line = counter.linePos(problem.pos[0]).line;
    throw new ManifestError({ file, line }, `does not parse: ${explained(problem.message)}`);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1_000 });
  } catch (error) {
    throw new ManifestError({ file }, `does not parse: ${(error as Error).message}`);
  }
  const lineOf = (path: ComposePath): number => lineOfField(document, counter, path) ?? 1;
  const root = checked(file, value, [], { values: 0 }, lineOf);
  if (root === null || typeof root !== 'object' || Array.isArray(root))
    throw new ManifestError({ file }, 'must be a map with services');
  return { root: root as ComposeMap, lineOf };
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    schema: 'failsafe',
    customTags: ['null', 'merge'],
  });
}

function explained(message: string): string {
  if (/Unresolved tag: !(reset|override)/.test(message))
    return '!reset and !override are for merging several files, which is not done here: write one file';
  if (/call stack/.test(message)) return 'it is nested too deeply';
  return message;
}

/** Aliases share what they stand for, so a small file can hold a large tree: what is counted is the tree. */
function checked(
  file: string,
  value: unknown,
  path: ComposePath,
  seen: { values: number },
  lineOf: (path: ComposePath) => number,
): ComposeValue {
  const wrong = (what: string): ManifestError =>
    new ManifestError({ file, line: lineOf(path) }, what);
  seen.values += 1;
  if (seen.values > MOST_VALUES)
    throw wrong(`holds more than ${MOST_VALUES} values, aliases counted`);
  if (path.length > DEEPEST) throw wrong('it is nested too deeply');
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value.map((item, index) => checked(file, item, [...path, index], seen, lineOf));
  if (typeof value !== 'object') throw wrong(`cannot hold ${typeof value}`);
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  const map = entries.map(([key, item]: [unknown, unknown]) => {
    if (typeof key !== 'string') throw wrong('keys must be texts');
    return [key, checked(file, item, [...path, key], seen, lineOf)] as const;
  });
  return Object.fromEntries(map);
}
