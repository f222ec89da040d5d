// Runs the tests: `run.ts [SUITE …]`, all suites when none is named. Each suite is a run of node:test over an explicit list of
// files; a suite or a file that runs no test is a failure. The last line is `N passed, N failed, N skipped` over all of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Counts } from './support/counts-reporter.ts';

const root = resolve(import.meta.dirname, '..');

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  /** A process for each file; without, files share the processes, which is much faster. */
  readonly isolated: boolean;
  /** Processes at a time. */
  readonly concurrency: number;
  /** Of one test, in milliseconds. */
  readonly timeoutMs: number;
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
const parallel = Math.max(1, Math.min(4, availableParallelism()));

const SUITES: readonly Suite[] = [
  {
    name: 'architecture',
    files: [join(root, 'test', 'architecture.test.ts')],
    isolated: false,
    concurrency: 1,
    timeoutMs: 30_000,
  },
  {
    name: 'unit',
    files: beside.filter((file) => !isConformance(file) && !isIntegration(file)),
    isolated: false,
    concurrency: parallel,
    timeoutMs: 60_000,
  },
  {
    name: 'conformance',
    files: beside.filter(isConformance),
    isolated: true,
    concurrency: parallel,
    timeoutMs: 120_000,
  },
  {
    name: 'integration',
    files: [
      ...beside.filter(isIntegration),
      ...testFiles('test/integration', 'test/linearizability'),
    ],
    isolated: true,
    concurrency: parallel,
    timeoutMs: 120_000,
  },
  {
    name: 'cases',
    files: testFiles('test/cases'),
    isolated: true,
    concurrency: parallel,
    timeoutMs: 120_000,
  },
  {
    name: 'e2e',
    files: testFiles('test/e2e'),
    isolated: true,
    concurrency: parallel,
    timeoutMs: 240_000,
  },
];

/** A run that takes longer hangs. */
const SUITE_TIMEOUT_MS = 30 * 60_000;

async function runSuite(suite: Suite, scratch: string): Promise<Counts> {
  const started = performance.now();
  console.log(`${suite.name}: ${suite.files.length} files`);
  if (suite.files.length === 0) return broken(`suite ${suite.name} has no test files`);
  const shares = suite.isolated ? [suite.files] : dealt(suite.files, suite.concurrency);
  const counts = sum(
    await Promise.all(
      shares.map((files, index) =>
        runFiles(suite, files, join(scratch, `${suite.name}-${index}.json`)),
      ),
    ),
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${suite.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s\n`,
  );
  return counts;
}

/** `files` in at most `hands` lists of about the same length, neighbours in different ones. */
function dealt(files: readonly string[], hands: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.min(hands, files.length) }, (_, hand) =>
    files.filter((_file, index) => index % hands === hand),
  );
}

/** One run of node:test. */
async function runFiles(
  suite: Suite,
  files: readonly string[],
  countsFile: string,
): Promise<Counts> {
  const child = spawn(
    process.execPath,
    [
      '--test',
      `--test-isolation=${suite.isolated ? 'process' : 'none'}`,
      ...(suite.isolated ? [`--test-concurrency=${suite.concurrency}`] : []),
      `--test-timeout=${suite.timeoutMs}`,
      `--test-reporter=${join(root, 'test/support/compact-reporter.ts')}`,
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(root, 'test/support/counts-reporter.ts')}`,
      `--test-reporter-destination=${countsFile}`,
      ...files,
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const watchdog = setTimeout(() => child.kill('SIGKILL'), SUITE_TIMEOUT_MS);
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  clearTimeout(watchdog);
  const counts = readCounts(countsFile);
  if (counts === undefined) return broken(`suite ${suite.name} ended without a result`);
  const silent = files.filter((file) =>
    suite.isolated ? counts.empty.includes(file) : !counts.files.includes(file),
  );
  for (const file of silent) console.log(`  ✖ ${file} ran no test`);
  const isBroken = code !== 0 && counts.failed === 0;
  if (isBroken) console.log(`  ✖ suite ${suite.name} ended with exit code ${code ?? 'none'}`);
  return { ...counts, failed: counts.failed + silent.length + (isBroken ? 1 : 0) };
}

function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch {
    return undefined;
  }
}

function broken(why: string): Counts {
  console.log(`  ✖ ${why}`);
  return { passed: 0, failed: 1, skipped: 0, files: [], empty: [] };
}

function sum(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((total, { passed }) => total + passed, 0),
    failed: all.reduce((total, { failed }) => total + failed, 0),
    skipped: all.reduce((total, { skipped }) => total + skipped, 0),
    files: all.flatMap(({ files }) => files),
    empty: all.flatMap(({ empty }) => empty),
  };
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    const known = SUITES.map(({ name }) => name).join(', ');
    console.error(`unknown suite ${unknown.join(', ')}; there are ${known}`);
    return 2;
  }
  const inSuites = new Set(SUITES.flatMap(({ files }) => files));
  const forgotten = testFiles('.').filter(
    (file) => !file.includes('/node_modules/') && !inSuites.has(file),
  );
  if (forgotten.length > 0) {
    console.error(`no suite runs ${forgotten.join(', ')}: name their folder in test/run.ts`);
    return 1;
  }
  const chosen = SUITES.filter(({ name }) => names.length === 0 || names.includes(name));
  const scratch = mkdtempSync(join(tmpdir(), 'windlass-test-'));
  const results: Counts[] = [];
  try {
    for (const suite of chosen) results.push(await runSuite(suite, scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const totals = sum(results);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
// The launcher's channel would keep this process alive.
process.disconnect?.();
