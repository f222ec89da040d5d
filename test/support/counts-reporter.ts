// A reporter for node:test that writes one JSON document at the end: its Counts.
import type { TestEvent } from 'node:test/reporters';
import { TestCounter } from './test-counter.ts';

// node:test takes the default export of a module as the reporter.
export default async function* countsReporter(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  const counter = new TestCounter();
  for await (const event of source) counter.add(event);
  yield JSON.stringify(counter.counts);
}
