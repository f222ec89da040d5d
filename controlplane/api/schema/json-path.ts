// The part of kubectl's JSONPath that printer columns, scale paths and selectable fields use: `.a.b`, `['x']`, `[0]`,
// `[-1]`, `[1:3]`, `[*]`, `.*`, `[?(@.type=="Ready")]`. No recursive descent, no scripts. Compiled once, run for each row.
import { equalJson, fieldOf, isJsonObject } from './json-value.ts';
import { parseJsonPath } from './json-path-parser.ts';
import type { Filter, Step } from './json-path-parser.ts';

export type JsonPath = (value: unknown) => readonly unknown[];

/**
 * @returns all values at the path, in document order; none where something on the way is missing
 * @throws Error naming the path and the place where it cannot be read
 */
export function compileJsonPath(text: string): JsonPath {
  const steps = parseJsonPath(text);
  return (value) => {
    let values: readonly unknown[] = [value];
    for (const step of steps) values = values.flatMap((item) => take(step, item));
    return values;
  };
}

/** What is wrong with `text`, or undefined. */
export function jsonPathProblem(text: string): string | undefined {
  try {
    parseJsonPath(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function take(step: Step, value: unknown): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return isJsonObject(value) && Object.hasOwn(value, step.name)
        ? [fieldOf(value, step.name)]
        : [];
    case 'wildcard':
      if (Array.isArray(value)) return value as unknown[];
      return isJsonObject(value) ? Object.values(value) : [];
    case 'slice':
      return Array.isArray(value) ? (value as unknown[]).slice(step.start, step.end) : [];
    case 'index': {
      if (!Array.isArray(value)) return [];
      const item = (value as unknown[]).at(step.index);
      return item === undefined ? [] : [item];
    }
    case 'filter':
      return Array.isArray(value)
        ? (value as unknown[]).filter((item) => passes(step.filter, item))
        : [];
  }
}

function passes({ path, operator, literal }: Filter, item: unknown): boolean {
  let values: readonly unknown[] = [item];
  for (const step of path) values = values.flatMap((value) => take(step, value));
  if (operator === 'exists') return values.length > 0;
  return values.some((value) => compare(value, operator, literal));
}

function compare(value: unknown, operator: Filter['operator'], literal: unknown): boolean {
  if (operator === '==') return equalJson(value, literal);
  if (operator === '!=') return !equalJson(value, literal);
  if (typeof value === 'number' && typeof literal === 'number') {
    return ordered(value, operator, literal);
  }
  return (
    typeof value === 'string' && typeof literal === 'string' && ordered(value, operator, literal)
  );
}

function ordered(
  left: number | string,
  operator: Filter['operator'],
  right: number | string,
): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}
