// A reporter for node:test that shows what matters in a long run: failures in full, slow tests as they pass, skips with their reason.
import type { TestEvent } from 'node:test/reporters';
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** Tests above this are named when they pass, so that a long run shows that it moves. */
const SLOW_MS = 1_000;

// node:test takes the default export of a module as the reporter.
export default async function* compactReporter(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  for await (const event of source) yield compactText(event);
}

/** What a person wants to know of it, with a line end; often nothing. */
export function compactText(event: TestEvent): string {
  if (event.type === 'test:pass') return passed(event.data);
  if (event.type === 'test:fail') return failed(event.data);
  return event.type === 'test:stderr' ? event.data.message : '';
}

type Passed = Extract<TestEvent, { type: 'test:pass' }>['data'];
type Failed = Extract<TestEvent, { type: 'test:fail' }>['data'];

function passed(data: Passed): string {
  if (data.skip !== undefined && data.skip !== false)
    return `  - ${data.name} (skipped${typeof data.skip === 'string' ? `: ${data.skip}` : ''})\n`;
  const { duration_ms: duration, type } = data.details;
  if (type === 'suite' || duration < SLOW_MS) return '';
  return `  ✔ ${data.name} (${(duration / 1000).toFixed(1)} s)\n`;
}

function failed(data: Failed): string {
  const { error, type } = data.details;
  // A parent only repeats that something below it failed.
  if (type === 'suite' || ('failureType' in error && error.failureType === 'subtestsFailed'))
    return '';
  const cause: unknown = error.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  const where =
    data.file === undefined ? '' : ` ${relative(process.cwd(), data.file)}:${data.line ?? 0}`;
  return `  ✖ ${data.name}${where}\n${indent(text)}\n`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
}
