// A reporter for node:test that writes one JSON document at the end: the title of each test, and what came of it.
import type { TestEvent } from 'node:test/reporters';
import type { TestResult } from '../cases/machine-case.ts';

// node:test takes the default export of a module as the reporter.
export default async function* titlesReporter(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  const results: TestResult[] = [];
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name: title, skip, todo } = event.data;
    const isSkipped = [skip, todo].some((mark) => mark !== undefined && mark !== false);
    const result = event.type === 'test:fail' ? 'failed' : isSkipped ? 'skipped' : 'passed';
    results.push({ title, result });
  }
  yield JSON.stringify(results);
}
