// Counts what comes out of node:test: how many tests of what outcome, and which files held any.
import type { TestEvent } from 'node:test/reporters';
import { resolve } from 'node:path';
import { compactText } from './compact-reporter.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Absolute paths of files that ran at least one test. */
  readonly files: readonly string[];
  /** Of files that ran none. Known only where each has a process of its own: there a test may be declared by a file beside it. */
  readonly empty: readonly string[];
  /** What each that failed was told with, for the end of a long run. */
  readonly failures: readonly string[];
}

export class TestCounter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  readonly #files = new Set<string>();
  // A file without tests is reported as if it were one; one with nothing but suites by them alone.
  readonly #bare = new Set<string>();
  readonly #failures: string[] = [];

  add(event: TestEvent): void {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') return;
    const { data } = event;
    const isFile = data.file !== undefined && resolve(data.name) === data.file;
    if (data.file !== undefined && (isFile || data.details.type === 'suite'))
      this.#bare.add(data.file);
    if (data.details.type === 'suite' || (isFile && event.type === 'test:pass')) return;
    if (data.file !== undefined && !isFile) this.#files.add(data.file);
    if (event.type === 'test:fail') {
      this.#counts.failed += 1;
      this.#failures.push(compactText(event));
    } else if (data.skip !== undefined && data.skip !== false) this.#counts.skipped += 1;
    else this.#counts.passed += 1;
  }

  get counts(): Counts {
    const files = [...this.#files];
    const empty = [...this.#bare].filter((file) => !this.#files.has(file));
    return { ...this.#counts, files, empty, failures: this.#failures.filter(Boolean) };
  }
}
