// YAML bodies, read as kubectl and upstream's server read them: YAML 1.1 words and octal file modes, but no dates, sets or
// binary, since the result must be JSON. Anchors are allowed within bounds.
import type { Tags } from 'yaml';
import { yaml } from '#platform/yaml.ts';
import { ApiError, badRequest } from '../errors.ts';

/** Copies that the aliases of one document may make. */
const MAX_ALIASES = 100;
/** As for JSON; recursion over nodes is dearer. */
const MAX_DEPTH = 500;
/** Lines and indicators of one document. The parser takes microseconds for each, and nobody else is served meanwhile. */
const MAX_STRUCTURE = 200_000;
const BEYOND_JSON = /:(timestamp|binary|omap|pairs|set)$/;

export interface ParsedYAML {
  /** JSON data. */
  readonly value: unknown;
  /** Of repeated keys, in the words of upstream's parser: `line 9: key "name" already set in map`. The last value counts. */
  readonly duplicates: readonly string[];
}

/** @throws ApiError 400 for text that is not one YAML document of JSON data */
export function parseYAML(text: string): ParsedYAML {
  if (isTooComplex(text)) {
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: YAML may have ${MAX_STRUCTURE} lines and indicators; send larger objects as JSON`,
    );
  }
  try {
    return parse(text);
  } catch (error) {
    throw badRequest(`the body of the request is not YAML: ${(error as Error).message}`);
  }
}

function parse(text: string): ParsedYAML {
  const { LineCounter, parseAllDocuments } = yaml();
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter,
    version: '1.1',
    customTags: withinJSON,
    uniqueKeys: false,
    prettyErrors: false, // they quote the text, which may be a Secret's
    logLevel: 'silent',
  });
  const [document, second] = documents;
  if (document === undefined) throw new Error('it is empty');
  if (second !== undefined) throw new Error('it holds several documents');
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  const duplicates: string[] = [];
  findDuplicates(document.contents, 0, (name, at) => {
    duplicates.push(`line ${lineCounter.linePos(at).line}: key ${name} already set in map`);
  });
  return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, duplicates };
}

/** Counts what may start or end a node, without knowing what stands in quotes. */
function isTooComplex(text: string): boolean {
  if (text.length <= MAX_STRUCTURE) return false;
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (STRUCTURE.has(text.charCodeAt(at))) count += 1;
  }
  return count > MAX_STRUCTURE;
}

const STRUCTURE: ReadonlySet<number> = new Set(
  Array.from('\n,[]{}:?-&*#', (char) => char.charCodeAt(0)),
);

function withinJSON(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      !(BEYOND_JSON.test(tag.tag) || ('format' in tag && tag.format === 'TIME')),
  );
}

/** @param tell with a key that its map has already, and where its value begins; inner maps first */
function findDuplicates(
  node: unknown,
  depth: number,
  tell: (name: string, at: number) => void,
): void {
  if (depth > MAX_DEPTH) throw new Error(`it is nested deeper than ${MAX_DEPTH} levels`);
  const { isAlias, isMap, isScalar, isSeq } = yaml();
  if (isSeq(node)) for (const item of node.items) findDuplicates(item, depth + 1, tell);
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? keyText(key.value) : isAlias(key) ? `*${key.source}` : String(key);
    findDuplicates(value, depth + 1, tell);
    if (seen.has(name)) tell(name, startOf(value) ?? startOf(key) ?? 0);
    seen.add(name);
  }
}

const keyText = (key: unknown): string =>
  typeof key === 'string' ? JSON.stringify(key) : String(key);

function startOf(node: unknown): number | undefined {
  return yaml().isNode(node) ? node.range?.[0] : undefined;
}
