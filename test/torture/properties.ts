// All tests with chance in them, once with a seed.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/windlass.ts';

/** Beside the code; those of whole servers take too long to be run thousands of times. */
const FOLDERS = ['platform', 'persistence', 'controlplane', 'controllers', 'cli', 'test/cases'];
const TIMEOUT_MS = 15 * 60_000;

export function propertyFiles(): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(projectRoot, folder, name)),
  )
    .filter((file) => /from '(fast-check|[^']*\/seed\.ts)'/.test(readFileSync(file, 'utf8')))
    .toSorted();
}

/** What fails is told on the way. @throws Error that says how to play it again */
export async function propertyRound(seed: number): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      '--import=./test/support/seeded-run.ts',
      '--test',
      '--test-isolation=none',
      '--test-timeout=600000',
      '--test-reporter=./test/support/compact-reporter.ts',
      '--test-reporter-destination=stdout',
      ...propertyFiles(),
    ],
    {
      cwd: projectRoot,
      stdio: 'inherit',
      timeout: TIMEOUT_MS,
      env: { ...process.env, WINDLASS_TEST_SEED: `${seed}` },
    },
  );
  const code = await new Promise<number | null>((done) => child.on('exit', done));
  if (code !== 0)
    throw new Error(`WINDLASS_TEST_SEED=${seed} npm test -- unit integration plays it again`);
}
