// Regular expressions that come from users: the patterns of CustomResourceDefinitions. RE2 syntax as upstream (Go's
// regexp), in linear time: a backtracking engine would let one schema stop the server.
import { RE2JS } from 're2js';

export interface Pattern {
  /** Whether the pattern matches anywhere in `text`. */
  test(text: string): boolean;
}

// A schema is walked for each write and patterns repeat across versions. Bounded, since definitions come and go.
const CACHE_MAXIMUM = 1024;
const cache = new Map<string, Pattern>();

/**
 * @throws Error with RE2's explanation when `source` is no regular expression
 */
export function compilePattern(source: string): Pattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const compiled = RE2JS.compile(source);
  const pattern: Pattern = { test: (text) => compiled.test(text) };
  if (cache.size >= CACHE_MAXIMUM) cache.clear();
  cache.set(source, pattern);
  return pattern;
}

/** What is wrong with `source`, or undefined. */
export function patternProblem(source: string): string | undefined {
  try {
    compilePattern(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
