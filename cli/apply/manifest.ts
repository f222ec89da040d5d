// Reads manifests: files and folders of YAML or JSON, several documents each. Knows where in the file each thing stands, so that
// a refusal can name the line. What the objects mean is the server's business.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';

/** What every manifest must say. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** One document of a file. */
export interface Manifest {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** Where the document starts, from 1. */
  readonly line: number;
  readonly object: ManifestObject;
  /** Line of a field such as `spec.template.spec.containers[0].image`, or of the nearest field above it that is there. */
  readonly lineOf: (fieldPath: string) => number;
}

/** Something in a file that cannot be applied. */
export class ManifestError extends Error {
  constructor(where: { file: string; number?: number; line?: number }, what: string) {
    const document = where.number === undefined ? '' : `, document ${where.number}`;
    const line = where.line === undefined ? '' : `, line ${where.line}`;
    super(`${where.file}${document}${line}: ${what}`);
    this.name = 'ManifestError';
  }
}

const EXTENSION = /\.(ya?ml|json)$/i;

/**
 * The manifest files that `path` stands for: itself, or those in the folder (not below it) by name.
 *
 * @throws ManifestError when there is nothing to read
 */
export function manifestFiles(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path)
      .filter((name) => EXTENSION.test(name))
      .toSorted();
    if (files.length > 0) return files.map((name) => join(path, name));
  } catch (error) {
    throw new ManifestError({ file: path }, `cannot be read: ${(error as Error).message}`);
  }
  throw new ManifestError({ file: path }, 'the folder holds no .yaml, .yml or .json file');
}

/**
 * Parses a file. Items of a List become documents of their own.
 *
 * @throws ManifestError for the first thing that is wrong
 */
export function readManifests(file: string): readonly Manifest[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ManifestError({ file }, `cannot be read: ${(error as Error).message}`);
  }
  return parseManifests(file, text);
}

/** As readManifests(), of a text that is already here. */
export function parseManifests(file: string, text: string): readonly Manifest[] {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false });
  if ('empty' in documents) return [];
  const manifests: Manifest[] = [];
  for (const [index, document] of documents.entries()) {
    const number = index + 1;
    const [problem] = document.errors;
    if (problem !== undefined)
      throw new ManifestError(
        { file, number, line: counter.linePos(problem.pos[0]).line },
        `does not parse: ${problem.message}`,
      );
    const value = toValue(document, { file, number });
    // `---` at the end of a file, or a document of comments only.
    if (value === null || value === undefined) continue;
    const start = counter.linePos(document.contents?.range?.[0] ?? 0).line;
    for (const [object, prefix] of itemsOf(value)) {
      const lineOf = (path: string): number =>
        lineOfField(document, counter, [...prefix, ...splitPath(path)]) ?? start;
      const line = prefix.length === 0 ? start : lineOf('');
      manifests.push({
        file,
        number,
        line,
        object: checkShape(object, { file, number, line }),
        lineOf,
      });
    }
  }
  return manifests;
}

function toValue(document: Document.Parsed, where: { file: string; number: number }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new ManifestError(where, `does not parse: ${(error as Error).message}`);
  }
}

function itemsOf(value: unknown): readonly (readonly [unknown, readonly (string | number)[]])[] {
  if (isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items']))
    return value['items'].map((item: unknown, index) => [item, ['items', index]] as const);
  return [[value, []]];
}

function checkShape(
  value: unknown,
  where: { file: string; number: number; line: number },
): ManifestObject {
  if (!isRecord(value))
    throw new ManifestError(where, 'must be an object with apiVersion, kind and metadata');
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '')
      throw new ManifestError(where, `${field} must be a string, found ${show(value[field])}`);
  }
  const metadata = value['metadata'];
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '')
    throw new ManifestError(
      where,
      `metadata.name must be a string, found ${show(isRecord(metadata) ? metadata['name'] : undefined)}`,
    );
  const { namespace } = metadata;
  if (namespace !== undefined && typeof namespace !== 'string')
    throw new ManifestError(where, `metadata.namespace must be a string, found ${show(namespace)}`);
  return value as unknown as ManifestObject;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `a.b[0]["x.y"]` → ['a', 'b', 0, 'x.y']. */
function splitPath(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|\[([^\]]+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, bare, name]) =>
      index === undefined ? (quoted ?? bare ?? name ?? '') : Number(index),
  );
}

/** Line of a path, of its key where there is one: the value of a key may begin on the next line. */
export function lineOfField(
  document: Document.Parsed,
  counter: LineCounter,
  path: readonly (string | number)[],
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const last = path[length - 1];
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key
      : undefined;
    const node = key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
  }
  return undefined;
}
