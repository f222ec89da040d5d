// The package as users get it: packed, installed into an empty folder from a registry, without install scripts and without tools
// for building; it runs the example, and gives a program of its own a control plane, with types.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { outputOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { startPackageRegistry } from '../support/package-registry.ts';
import type { PackedPackage } from '../support/package-registry.ts';
import { packWindlass } from '../support/packed-package.ts';
import { isRunning, processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

/** Compiling and unpacking some thousand files takes a while where others want the disk and the processors too. */
const PATIENCE_MS = 400_000;

/** As somebody else's program would use it; the compiler reads it too. */
const PROGRAM = `
import { startControlPlane } from 'windlass';
import type { ControlPlane, ControlPlaneOptions } from 'windlass';
import { UnknownInstanceError } from 'windlass/persistence/errors';
import type { LogPersistenceProvider } from 'windlass/persistence/provider';
import type { Provider as Infrastructure } from 'windlass/infrastructure/provider';

export type Provider = LogPersistenceProvider | Infrastructure;
const options: ControlPlaneOptions = { controllers: false };
const plane: ControlPlane = await startControlPlane(options);
// @ts-expect-error: a port is a number, which only a compiler that has the types can know
const wrong: ControlPlaneOptions = { port: 'https' };
console.log(plane.url, typeof wrong, UnknownInstanceError.name);
await plane.stop();
`;

test('the package installs without building, runs the example, and has types', async (t) => {
  const work = tempDir();
  const folder = join(work, 'empty');
  mkdirSync(folder);
  const windlass = await packWindlass(work);
  const names = (await outputOf('tar', ['-tzf', windlass.archive])).split('\n');
  const unwanted = names.filter((name) => /\.test\.(ts|js|d)|-fixture\.|(?<!\.d)\.ts$/.test(name));
  assert.deepEqual(unwanted, []);

  const pinned = await standInForPinnedNode(work);
  const registry = await startPackageRegistry(t, { windlass, ...pinned.packages });
  const env = {
    HOME: work,
    PATH: toolsOnly(work),
    TMPDIR: work,
    npm_config_cache: join(work, 'cache'),
    npm_config_registry: registry,
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_ignore_scripts: 'true',
  };
  await outputOf('npm', ['install', 'windlass'], { cwd: folder, env, timeoutMs: PATIENCE_MS });
  const version = await outputOf('npx', ['windlass', 'version'], { cwd: folder, env });
  assert.match(version, /^windlass \d+\.\d+\.\d+\nkubernetes v1\.\d+\.\S+\nnode v26\./);
  assert.ok(existsSync(pinned.used), 'the pinned Node that came with it was used');

  const port = await freePort();
  writeFileSync(join(folder, 'hello.yaml'), helloManifest({ port }));
  const up = await start(t, folder, env, ['up', '--port', '0', '--manifests', 'hello.yaml']);
  await eventually(
    'the example has rolled out',
    () => assert.match(up(), /^hello: 3 of 3 ready/m, up()),
    PATIENCE_MS,
  );
  assert.match((await httpGet(`http://127.0.0.1:${port}/`)).body, /^Hello from Windlass/);

  writeFileSync(join(folder, 'program.mts'), PROGRAM);
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types'])
    if (!existsSync(join(folder, 'node_modules', name)))
      symlinkSync(join(projectRoot, 'node_modules', name), join(folder, 'node_modules', name));
  const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = '--strict --module nodenext --target esnext --types node --outDir out'.split(' ');
  await outputOf('node', [compiler, ...options, 'program.mts'], { cwd: folder });
  const said = await outputOf('node', ['out/program.mjs'], { cwd: folder, env });
  assert.match(said, /^https:\/\/127\.0\.0\.1:\d+ object UnknownInstanceError\n$/);
});

/** A folder with what npm needs, and nothing else: no Python, no make, no compiler, no git. */
function toolsOnly(work: string): string {
  const tools = join(work, 'tools');
  mkdirSync(tools);
  for (const name of ['node', 'npm', 'npx', 'sh', 'env']) {
    const found = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path));
    assert.ok(found, `${name} is on the PATH`);
    symlinkSync(realpathSync(found), join(tools, name));
  }
  return tools;
}

/**
 * In place of the package with the pinned Node, which would be 200 MB to copy: its `node` starts the one of this checkout, and says
 * in a file that it did.
 */
async function standInForPinnedNode(
  work: string,
): Promise<{ packages: Readonly<Record<string, PackedPackage>>; used: string }> {
  const source = join(projectRoot, 'package.json');
  const { optionalDependencies } = JSON.parse(readFileSync(source, 'utf8')) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const name = Object.keys(optionalDependencies).find((one) =>
    existsSync(join(projectRoot, 'node_modules', one, 'bin', 'node')),
  );
  assert.ok(name, 'the pinned Node is installed here');
  const used = join(work, 'pinned-node-used');
  const folder = join(work, 'stand-in');
  mkdirSync(join(folder, 'package', 'bin'), { recursive: true });
  const manifest = { name, version: optionalDependencies[name] };
  writeFileSync(join(folder, 'package', 'package.json'), JSON.stringify(manifest));
  const script = `#!/bin/sh\n: >'${used}'\nexec '${process.execPath}' "$@"\n`;
  writeFileSync(join(folder, 'package', 'bin', 'node'), script, { mode: 0o755 });
  const archive = join(work, `${name}.tgz`);
  await outputOf('tar', ['-czf', archive, '-C', folder, 'package']);
  return { packages: { [name]: { manifest, archive } }, used };
}

/** `npx windlass …` in the folder; the result gives what it has printed. Ended after the test, with its instances. */
async function start(
  t: TestContext,
  folder: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<() => string> {
  const child = spawn('npx', ['windlass', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((done) => child.on('close', done));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  t.after(async () => {
    const file = join(folder, '.windlass', 'windlass.pid');
    if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
    else child.kill('SIGTERM');
    await ended;
    for (const pid of processesBelow(folder)) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  await eventually('it serves', () => assert.match(text, /^ready https:/m, text), PATIENCE_MS);
  return () => text;
}
