// The launcher: the Node at hand hands over to the pinned one, and passes signals and the exit code on.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot } from '../support/windlass.ts';

const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const [pinned = ''] = Object.values(manifest.optionalDependencies);

/** Runs a script through the launcher under the Node on the PATH. */
function launched(folder: string, source: string): ReturnType<typeof spawn> & { text: string } {
  const script = join(folder, 'script.ts');
  writeFileSync(script, source);
  const child = spawn('node', [launcher, '--exec', script, 'a word', '--flag'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const result = Object.assign(child, { text: '' });
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.text += text));
  return result;
}

function exitCode(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((done) => child.on('close', done));
}

const WAIT = 'setInterval(() => undefined, 1000); console.log(`pid ${process.pid}`);';

test('the launcher runs TypeScript under the pinned Node, with its arguments and a compile cache of the user', async () => {
  const child = launched(
    tempDir(),
    `const words: readonly string[] = process.argv.slice(2);
     console.log(process.version, words.join('|'), process.env.NODE_COMPILE_CACHE);
     process.exit(7);`,
  );
  assert.equal(await exitCode(child), 7);
  assert.match(child.text, / a word\|--flag \/\S*windlass\/code\n$/);
  assert.ok(child.text.startsWith(`v${pinned} `), child.text);
});

test('the launcher passes SIGTERM and SIGHUP on and waits for the end', async () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    const child = launched(
      tempDir(),
      `for (const name of ['SIGTERM', 'SIGHUP'])
         process.on(name, () => { console.log('got', name); setTimeout(() => process.exit(3), 200); });
       ${WAIT}`,
    );
    await eventually('it runs', () => assert.match(child.text, /pid \d+/));
    child.kill(signal);
    child.kill(signal);
    assert.equal(await exitCode(child), 3);
    assert.match(child.text, new RegExp(`got ${signal}`));
  }
});

test('the launcher leaves SIGINT to the terminal', async () => {
  const child = launched(tempDir(), WAIT);
  const pid = await eventually('it runs', () => {
    const found = /pid (\d+)/.exec(child.text)?.[1];
    assert.ok(found);
    return Number(found);
  });
  child.kill('SIGINT');
  assert.equal(isRunning(pid), true);
  process.kill(pid, 'SIGINT');
  assert.equal(await exitCode(child), 130);
});

test('the launcher reports the end by a signal as a shell does', async () => {
  const child = launched(tempDir(), `process.kill(process.pid, 'SIGKILL'); ${WAIT}`);
  assert.equal(await exitCode(child), 137);
});

const atHand = spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout.trim();
const isOld = Number(/^v(\d+)/.exec(atHand)?.[1]) < 24;

test(
  'without a pinned Node an old one is refused, and the message says which to install',
  { skip: !isOld && `the Node on the PATH is ${atHand}` },
  async () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'cli'));
    copyFileSync(launcher, join(folder, 'cli', 'launcher.mjs'));
    copyFileSync(join(projectRoot, 'package.json'), join(folder, 'package.json'));
    const { code, stderr } = await runCommand('node', [
      join(folder, 'cli', 'launcher.mjs'),
      'version',
    ]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`the Node at hand is ${atHand}\\.\nInstall Node ${pinned} \\(at least 24\\)`),
    );
  },
);
