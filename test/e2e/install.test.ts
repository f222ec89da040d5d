// A machine with Node and npm and nothing else: no Python, no make, no compiler, not even git.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { outputOf } from '../support/command.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

const LEFT_OUT = new Set(['node_modules', '.git', '.windlass', '.windlass.key', 'coverage']);

test('npm install works from the lock file with Node and npm alone, and what it installs runs', async () => {
  const folder = tempDir();
  const copy = join(folder, 'windlass');
  cpSync(projectRoot, copy, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  const tools = join(folder, 'bin');
  mkdirSync(tools);
  for (const name of ['node', 'npm', 'sh', 'env']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(realpathSync(stdout.trim()), join(tools, name));
  }
  const { HOME, npm_config_cache: cache, npm_config_registry: registry } = process.env;
  const env = {
    HOME,
    PATH: tools,
    TMPDIR: folder,
    ...(cache === undefined ? {} : { npm_config_cache: cache }),
    ...(registry === undefined ? {} : { npm_config_registry: registry }),
  };
  const locked = lockedPackages(copy);
  await outputOf('npm', ['install', '--prefer-offline', '--omit=dev'], {
    cwd: copy,
    env,
    timeoutMs: 180_000,
  });
  // npm releases differ in the flags that they write; what is installed must be what is locked.
  assert.deepEqual(lockedPackages(copy), locked);
  const version = await outputOf('npm', ['exec', '--offline', '--', 'windlass', 'version'], {
    cwd: copy,
    env,
  });
  assert.match(version, /^windlass \d+\.\d+\.\d+\nkubernetes v1\.\d+\.\S+\nnode v26\./);
});

/** Path of each package with its version and hash. */
function lockedPackages(folder: string): readonly string[] {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<
      Record<string, { readonly version?: string; readonly integrity?: string }>
    >;
  };
  return Object.entries(lock.packages).map(
    ([path, { version, integrity }]) => `${path} ${version ?? ''} ${integrity ?? ''}`,
  );
}
