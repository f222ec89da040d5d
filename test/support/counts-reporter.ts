// A reporter for node:test that writes one JSON document at the end: how many tests of what outcome, and which files held any.
import { resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Absolute paths of files that ran at least one test. */
  readonly files: readonly string[];
  /** Of files that ran none. Known only where each has a process of its own: there a test may be declared by a file beside it. */
  readonly empty: readonly string[];
}

// node:test takes the default export of a module as the reporter.
export default async function* countsReporter(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = new Set<string>();
  // A file without tests is reported as if it were one; one with nothing but suites by them alone.
  const bare = new Set<string>();
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const isFile = data.file !== undefined && resolve(data.name) === data.file;
    if (data.file !== undefined && (isFile || data.details.type === 'suite')) bare.add(data.file);
    if (data.details.type === 'suite' || (isFile && event.type === 'test:pass')) continue;
    if (data.file !== undefined && !isFile) files.add(data.file);
    if (event.type === 'test:fail') counts.failed += 1;
    else if (data.skip !== undefined && data.skip !== false) counts.skipped += 1;
    else counts.passed += 1;
  }
  const empty = [...bare].filter((file) => !files.has(file));
  yield JSON.stringify({ ...counts, files: [...files], empty } satisfies Counts);
}
