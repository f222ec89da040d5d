// Runs the tests that name cases of the machine collection in their titles.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { projectRoot } from '#test/support/windlass.ts';
import { namesId } from './machine-case.ts';
import type { TestResult } from './machine-case.ts';

const FOLDERS = ['platform', 'persistence', 'controlplane', 'controllers', 'cli', 'test'];

/** A run that takes longer hangs. */
const TIMEOUT_MS = 20 * 60_000;

/** Test files that name one of the ids. */
export function filesNaming(ids: ReadonlySet<string>): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && !name.startsWith('cases/'))
      .map((name) => join(projectRoot, folder, name)),
  ).filter((file) => idsNamedIn(file, ids).length > 0);
}

function idsNamedIn(file: string, ids: ReadonlySet<string>): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...ids].filter((id) => namesId(text, id));
}

/**
 * Runs the files; resolves with what came of each test. A file that could not be run, or ended badly, has failed for all ids in it.
 *
 * @throws Error when the run ended without a result
 */
export async function runTests(
  files: readonly string[],
  ids: ReadonlySet<string>,
): Promise<readonly TestResult[]> {
  if (files.length === 0) return [];
  const scratch = mkdtempSync(join(tmpdir(), 'windlass-cases-'));
  const results = join(scratch, 'results.json');
  try {
    const child = spawn(
      process.execPath,
      [
        '--test',
        '--test-concurrency=2',
        '--test-timeout=240000',
        `--test-reporter=${join(projectRoot, 'test/support/titles-reporter.ts')}`,
        `--test-reporter-destination=${results}`,
        ...files,
      ],
      { cwd: projectRoot, stdio: ['ignore', 'ignore', 'inherit'], env: environment() },
    );
    const watchdog = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const code = await new Promise<number | null>((done) => child.on('exit', done));
    clearTimeout(watchdog);
    try {
      const all = JSON.parse(readFileSync(results, 'utf8')) as readonly TestResult[];
      return all.map(({ title, result }) => {
        const file = files.find((path) => title === path || title === relative(projectRoot, path));
        if (file === undefined || result !== 'failed') return { title, result };
        return { title: `${title} as a whole (${idsNamedIn(file, ids).join(', ')})`, result };
      });
    } catch (cause) {
      const why = `the run of ${files.length} test files ended with exit code ${code ?? 'none'} and no result`;
      throw new Error(why, { cause });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A run inside of a test would otherwise take itself for a part of that one, and run nothing. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  return rest;
}
