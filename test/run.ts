// Runs the tests: `run.ts [SUITE …]`, all suites when none is named. Each suite is a list of files; a suite or a file that runs no test
// is a failure. The last line is `N passed, N failed, N skipped` over all of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { costOf, scheduledFiles } from './schedule.ts';
import { compactText } from './support/compact-reporter.ts';
import { Room } from './support/room.ts';
import { TestCounter } from './support/test-counter.ts';
import type { Counts } from './support/test-counter.ts';

const root = resolve(import.meta.dirname, '..');

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  /** A process for each file; without, files share the processes, which is much faster. */
  readonly isolated: boolean;
  /** Of one test, in milliseconds. */
  readonly timeoutMs: number;
}

interface Result extends Counts {
  /** Of files with a process of their own. */
  readonly times: readonly { readonly file: string; readonly seconds: number }[];
}

function testFiles(...folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => join(root, folder, name)),
    )
    .toSorted();
}

/** Runs a conformance suite: against real engines, with real processes. */
function isConformance(file: string): boolean {
  return /conformance\.ts'/.test(readFileSync(file, 'utf8'));
}

/** Boots whole servers, or kills and fills things. */
function isIntegration(file: string): boolean {
  return (
    /(^|[/-])(start|crash|disk-full|damage|power-cut|size)\.test\.ts$/.test(file) &&
    !isConformance(file)
  );
}

const beside = testFiles(
  'platform',
  'persistence',
  'controlplane',
  'controllers',
  'cli',
  'scripts',
  'deploy',
);
const processors = Math.max(1, Math.min(4, availableParallelism()));

const SUITES: readonly Suite[] = [
  {
    name: 'architecture',
    files: [join(root, 'test', 'architecture.test.ts')],
    isolated: false,
    timeoutMs: 30_000,
  },
  {
    name: 'unit',
    files: [
      ...beside.filter((file) => !isConformance(file) && !isIntegration(file)),
      ...testFiles('test/support'),
    ],
    isolated: false,
    // What runs before the tests of one file runs here before all, and what it takes too long for fails them all.
    timeoutMs: 180_000,
  },
  {
    name: 'conformance',
    files: beside.filter(isConformance),
    isolated: true,
    timeoutMs: 240_000,
  },
  {
    name: 'integration',
    files: [
      ...beside.filter(isIntegration),
      ...testFiles('test/integration', 'test/linearizability'),
    ],
    isolated: true,
    timeoutMs: 400_000,
  },
  { name: 'cases', files: testFiles('test/cases'), isolated: true, timeoutMs: 240_000 },
  { name: 'e2e', files: testFiles('test/e2e'), isolated: true, timeoutMs: 400_000 },
];

/**
 * One after the other; those in one list share the processors, and the first begin first. In one list no processor waits for the last
 * file of a suite.
 */
const ORDER: readonly (readonly string[])[] = [
  ['architecture'],
  ['unit', 'conformance', 'integration', 'e2e', 'cases'],
];

const room = new Room(processors);

/** Ctrl-C, or whoever started this: nothing further begins, and the processes of tests end. */
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());

/** All by chance is the same in each run. */
const SEEDED = `--import=${join(root, 'test/support/seeded-run.ts')}`;
/** A process of tests that takes longer hangs. */
const PROCESS_TIMEOUT_MS = 15 * 60_000;
/** So many of the slowest files are named. */
const SLOWEST = 12;
/** So many of those that failed are told of again, each with at most so many lines. */
const RETOLD = 20;
const RETOLD_LINES = 30;

async function runSuite(suite: Suite, scratch: string): Promise<Result> {
  const started = performance.now();
  console.log(`${suite.name}: ${suite.files.length} files`);
  if (suite.files.length === 0) return broken(`suite ${suite.name} has no test files`);
  const result = sum(await (suite.isolated ? runApart(suite) : runTogether(suite, scratch)));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${suite.name}: ${countsText(result)} in ${seconds} s\n`);
  return result;
}

function countsText({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Each file in a process of its own, those that take longest first, as many at a time as the processors can do. */
function runApart({ files, timeoutMs }: Suite): Promise<readonly Result[]> {
  const jobs = files
    .map((file) => ({ file, ...costOf(relative(root, file)) }))
    .toSorted((one, other) => other.seconds - one.seconds);
  return Promise.all(jobs.map(({ file, load }) => room.run(load, () => runFile(file, timeoutMs))));
}

async function runFile(file: string, timeout: number): Promise<Result> {
  if (stop.signal.aborted) return broken(`${relative(root, file)} did not run`);
  const started = performance.now();
  const counter = new TestCounter();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(PROCESS_TIMEOUT_MS)]);
  const options = { cwd: root, concurrency: 1, execArgv: [SEEDED] };
  for await (const event of run({ files: [file], timeout, signal, ...options })) {
    counter.add(event);
    process.stdout.write(compactText(event));
  }
  const { counts } = counter;
  const silent = counts.empty.includes(file) ? silence([file]) : [];
  const seconds = (performance.now() - started) / 1000;
  return { ...withFailures(counts, silent), times: [{ file, seconds }] };
}

/** All files in as many processes as there are processors. */
function runTogether(suite: Suite, scratch: string): Promise<readonly Result[]> {
  return Promise.all(
    dealt(suite.files, processors).map((files, index) =>
      room.run(1, () => runShare(suite, files, join(scratch, `${suite.name}-${index}.json`))),
    ),
  );
}

/** `files` in at most `hands` lists of about the same length, neighbours in different ones. */
function dealt(files: readonly string[], hands: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.min(hands, files.length) }, (_, hand) =>
    files.filter((_file, index) => index % hands === hand),
  );
}

async function runShare(
  { name, timeoutMs }: Suite,
  files: readonly string[],
  countsFile: string,
): Promise<Result> {
  if (stop.signal.aborted) return broken(`suite ${name} did not run`);
  const child = spawn(
    process.execPath,
    [
      SEEDED,
      '--test',
      '--test-isolation=none',
      `--test-timeout=${timeoutMs}`,
      `--test-reporter=${join(root, 'test/support/compact-reporter.ts')}`,
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(root, 'test/support/counts-reporter.ts')}`,
      `--test-reporter-destination=${countsFile}`,
      ...files,
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const watchdog = setTimeout(() => child.kill('SIGKILL'), PROCESS_TIMEOUT_MS);
  stop.signal.addEventListener('abort', () => child.kill());
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  clearTimeout(watchdog);
  const counts = readCounts(countsFile);
  if (counts === undefined) return broken(`suite ${name} ended without a result`);
  const silent = silence(files.filter((file) => !counts.files.includes(file)));
  const isBroken = code !== 0 && counts.failed === 0;
  const ended = isBroken ? [fault(`suite ${name} ended with exit code ${code ?? 'none'}`)] : [];
  return { ...withFailures(counts, [...silent, ...ended]), times: [] };
}

function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch {
    return undefined;
  }
}

/** Names files that ran no test. */
function silence(files: readonly string[]): readonly string[] {
  return files.map((file) => fault(`${file} ran no test`));
}

function broken(why: string): Result {
  const failures = [fault(why)];
  return { passed: 0, failed: 1, skipped: 0, files: [], empty: [], failures, times: [] };
}

/** Says at once what is wrong with more than one test. @returns it, for the end of the run */
function fault(why: string): string {
  const text = `  ✖ ${why}\n`;
  process.stdout.write(text);
  return text;
}

function withFailures(counts: Counts, more: readonly string[]): Counts {
  const failures = [...counts.failures, ...more];
  return { ...counts, failed: counts.failed + more.length, failures };
}

function sum(all: readonly Result[]): Result {
  return {
    passed: all.reduce((total, { passed }) => total + passed, 0),
    failed: all.reduce((total, { failed }) => total + failed, 0),
    skipped: all.reduce((total, { skipped }) => total + skipped, 0),
    files: all.flatMap(({ files }) => files),
    empty: all.flatMap(({ empty }) => empty),
    failures: all.flatMap(({ failures }) => failures),
    times: all.flatMap(({ times }) => times),
  };
}

/** Where the time goes: whoever adds a test sees what it costs. */
function nameSlowest({ times }: Result): void {
  const slowest = times.toSorted((one, other) => other.seconds - one.seconds).slice(0, SLOWEST);
  if (slowest.length === 0) return;
  console.log('slowest files:');
  for (const { file, seconds } of slowest)
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${relative(root, file)}`);
  console.log('');
}

/** Once more at the end, where whoever reads only that finds it. */
function nameFailures({ failures }: Result): void {
  if (failures.length === 0) return;
  console.log('failed:');
  for (const failure of failures.slice(0, RETOLD)) {
    const lines = failure.trimEnd().split('\n');
    console.log(lines.slice(0, RETOLD_LINES).join('\n'));
    if (lines.length > RETOLD_LINES) console.log('      …');
  }
  const more = failures.length - RETOLD;
  console.log(more > 0 ? `  and ${more} more, all told above\n` : '');
}

/** Why the suites cannot be run as they are told here; undefined when they can. */
function defect(): string | undefined {
  const inSuites = new Set(SUITES.flatMap(({ files }) => files));
  const forgotten = testFiles('.').filter(
    (file) => !file.includes('/node_modules/') && !inSuites.has(file),
  );
  if (forgotten.length > 0)
    return `no suite runs ${forgotten.join(', ')}: name their folder in test/run.ts`;
  const ordered = ORDER.flat();
  const missing = SUITES.filter(({ name }) => !ordered.includes(name)).map(({ name }) => name);
  if (missing.length > 0) return `ORDER of test/run.ts does not name ${missing.join(', ')}`;
  const gone = scheduledFiles.filter((file) => !inSuites.has(join(root, file)));
  if (gone.length > 0) return `test/schedule.ts names ${gone.join(', ')}, which no suite runs`;
  return undefined;
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    const known = SUITES.map(({ name }) => name).join(', ');
    console.error(`unknown suite ${unknown.join(', ')}; there are ${known}`);
    return 2;
  }
  const why = defect();
  if (why !== undefined) {
    console.error(why);
    return 1;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'windlass-test-'));
  const results: Result[] = [];
  try {
    for (const together of ORDER) {
      const suites = together
        .filter((name) => names.length === 0 || names.includes(name))
        .flatMap((name) => SUITES.filter((suite) => suite.name === name));
      results.push(...(await Promise.all(suites.map((suite) => runSuite(suite, scratch)))));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const totals = sum(results);
  nameSlowest(totals);
  nameFailures(totals);
  console.log(countsText(totals));
  return totals.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
// The launcher's channel would keep this process alive.
process.disconnect?.();
