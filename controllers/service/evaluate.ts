// What a change of a revision means for a running instance: nothing, an update of its resources, or a new instance. Pure.
// Every difference is named, so that a plan can say why it does what it does.
import { normalizeRevision } from './revision-data.ts';
import type { RevisionData } from './types.ts';

export type Verdict = 'up-to-date' | 'needs-update' | 'needs-recreate';

export interface Evaluation {
  readonly verdict: Verdict;
  /** `spec.containers[web].image: nginx:1.26 → nginx:1.27`, in the order of the template. */
  readonly reasons: readonly string[];
}

/** Changes that a running container could take; a runtime that cannot is given a new instance instead. */
const UPDATABLE = /^spec\.containers\[[^\]]+\]\.resources\.(requests|limits)\b/;
const MAXIMUM_VALUE_LENGTH = 80;

export function evaluateChange(from: RevisionData, to: RevisionData): Evaluation {
  const differences: Difference[] = [];
  collect(normalizeRevision(from), normalizeRevision(to), '', differences);
  if (differences.length === 0) return { verdict: 'up-to-date', reasons: [] };
  return {
    verdict: differences.every(({ path }) => UPDATABLE.test(path))
      ? 'needs-update'
      : 'needs-recreate',
    reasons: differences.map(
      ({ path, before, after }) => `${path}: ${show(path, before)} → ${show(path, after)}`,
    ),
  };
}

interface Difference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

function collect(before: unknown, after: unknown, path: string, into: Difference[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  // Resources that were not stated at all are changed one by one, like those that were.
  const [left, right] = path.endsWith('.resources') ? [before ?? {}, after ?? {}] : [before, after];
  if (isMap(left) && isMap(right)) {
    for (const name of unionOfKeys(left, right)) {
      collect(left[name], right[name], path === '' ? name : `${path}.${name}`, into);
    }
    return;
  }
  const named = namedLists(before, after);
  if (named !== undefined) {
    const [left, right] = named;
    for (const name of unionOfKeys(left, right)) {
      collect(left[name], right[name], `${path}[${name}]`, into);
    }
    // Same items, other order: of environment variables and init containers that matters.
    if (into.length === 0 || !into.some((difference) => difference.path.startsWith(`${path}[`))) {
      into.push({ path, before: Object.keys(left), after: Object.keys(right) });
    }
    return;
  }
  into.push({ path, before, after });
}

type JsonMap = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists of things with unique names compare by name; an absent list counts as an empty one. */
function namedLists(before: unknown, after: unknown): readonly [JsonMap, JsonMap] | undefined {
  if (!Array.isArray(before) && !Array.isArray(after)) return undefined;
  const left = byName(before);
  const right = byName(after);
  return left === undefined || right === undefined ? undefined : [left, right];
}

function byName(list: unknown): JsonMap | undefined {
  if (list === undefined) return {};
  if (!Array.isArray(list)) return undefined;
  const map: Record<string, unknown> = {};
  for (const item of list as unknown[]) {
    if (!isMap(item) || typeof item['name'] !== 'string' || item['name'] in map) return undefined;
    map[item['name']] = item;
  }
  return map;
}

function unionOfKeys(left: JsonMap, right: JsonMap): readonly string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])];
}

/** Somebody may have typed a credential into an environment variable: of such names only that they changed is told. */
const CREDENTIAL = /\.env\[[^\]]*(pass|secret|token|key|cred|private|auth)[^\]]*\]/i;

/** Whole files are no reading matter, and may hold what is nobody's business. */
const FILE_CONTENT = /^configs\[[^\]]+\]\.(content|binaryContent)$/;

function show(path: string, value: unknown): string {
  if (value === undefined) return '(none)';
  if (CREDENTIAL.test(path)) return '(hidden)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (FILE_CONTENT.test(path)) return `(${text.length} characters)`;
  return text.length > MAXIMUM_VALUE_LENGTH ? `${text.slice(0, MAXIMUM_VALUE_LENGTH - 1)}…` : text;
}
