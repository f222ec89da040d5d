// The commands about services, against a running server: plan, deploy to its end and to its failure, run, logs, scale, diff.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import type { HelloChanges } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, launcher, projectRoot, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';

const folder = tempDir();
const file = join(folder, 'hello.yaml');
const dataDir = join(folder, 'data');

/** The `script` of util-linux makes a terminal. */
function missingScript(): string | undefined {
  const { status } = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'no script of util-linux';
}

/** `windlass …` without a terminal. */
function cli(...args: readonly string[]): Promise<CommandResult> {
  const end = args.indexOf('--');
  const [ours, theirs] = end === -1 ? [args, []] : [args.slice(0, end), args.slice(end)];
  return runCommand('node', [launcher, ...ours, '--data-dir', dataDir, ...theirs], {
    cwd: projectRoot,
  });
}

suite('windlass deploy and its neighbours', () => {
  let windlass: Windlass;
  let port = 0;

  const write = (changes: Omit<HelloChanges, 'port'> = {}): void =>
    writeFileSync(file, helloManifest({ port, replicas: 2, ...changes }));
  const plan = async (): Promise<{
    readonly serviceID: string | null;
    readonly operations: readonly { readonly op: string; readonly pod?: string }[];
    readonly summary: string;
  }> => {
    const { code, stdout, stderr } = await cli('plan', '-f', file, '-o', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Awaited<ReturnType<typeof plan>>;
  };

  before(async () => {
    port = await freePort();
    windlass = await startWindlass({ after: () => undefined }, { dataDir });
    const ready = async (): Promise<void> =>
      assert.match((await cli('status')).stdout, /1 of 1 ready/);
    await eventually('the node is ready', ready);
    write();
  });
  after(async () => {
    await endWindlass(windlass);
  });

  test('without a terminal and without --yes it refuses, and nothing is changed', async () => {
    const { code, stdout, stderr } = await cli('deploy', '-f', file);
    assert.equal(code, 1);
    assert.match(stdout, /\+ create configmap\/hello-program\n\n\+ create service hello\n/);
    assert.match(
      stderr,
      /Proceed with deployment\? .*no terminal\. No changes were made\.\nPass --yes/,
    );
    assert.equal((await plan()).serviceID, null);
  });

  test('at a terminal it asks, and takes no for an answer', needs(missingScript()), async () => {
    const command = `node ${launcher} deploy -f ${file} --data-dir ${dataDir}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe' });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = new Promise((done) => child.on('close', done));
    await eventually('the question', () =>
      assert.match(text, /Proceed with deployment\? \[y\/N\] /),
    );
    child.stdin.end('n\n');
    assert.equal(await ended, 1);
    assert.match(text, /Deploy cancelled\. No changes were made\./);
    assert.equal((await plan()).serviceID, null);
  });

  test('it creates what the file holds, follows it, and is up to date then', async () => {
    const { code, stdout, stderr } = await cli('deploy', '-f', file, '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /2 create · across 1 machine\n/);
    assert.match(stdout, /^ {2}hello-\w{5} {2}Healthy$/m);
    assert.match(stdout, /hello is rolled out: 2 of 2 ready\n$/);
    assert.match((await httpGet(`http://127.0.0.1:${port}/`)).body, /^Hello from Windlass/);
    const again = await cli('deploy', '-f', file);
    assert.deepEqual([again.code, again.stdout], [0, 'Services are up to date.\n']);
    assert.equal((await plan()).summary, 'up to date');
  });

  test('a change is planned, shown as a difference, and rolled out as it was planned', async () => {
    write({ greeting: 'Good day' });
    const { operations } = await plan();
    assert.deepEqual(
      operations.map(({ op }) => op),
      ['replace', 'replace'],
    );
    const diff = await cli('diff', '-f', file);
    assert.equal(diff.code, 1);
    assert.match(diff.stdout, /\n- +value: Hello from Windlass\n\+ +value: Good day\n/);
    const { code, stdout } = await cli('deploy', '-f', file, '-y');
    assert.equal(code, 0);
    for (const { pod } of operations) assert.match(stdout, new RegExp(`^  ${pod}  Removed$`, 'm'));
    const same = await cli('diff', '-f', file);
    assert.deepEqual([same.code, same.stdout], [0, '']);
  });

  test('--recreate replaces every instance once, and the next deploy none', async () => {
    const { code, stdout } = await cli('deploy', '-f', file, '--yes', '--recreate');
    assert.equal(code, 0);
    assert.match(stdout, /restartedAt: \(none\) → |restartedAt/);
    assert.match(stdout, /2 replace \(start-first\) · across 1 machine/);
    assert.equal((await cli('deploy', '-f', file)).stdout, 'Services are up to date.\n');
  });

  test('logs of all instances are merged, or of one', async () => {
    const all = await cli('logs', 'hello', '--tail', '1', '--timestamps');
    assert.equal(all.code, 0, all.stderr);
    const lines = all.stdout.trim().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines)
      assert.match(line, /^hello-\w{5} \| 2\S+Z hello-\w{5} listens on \d+$/);
    const times = lines.map((line) => line.split(' ')[2] ?? '');
    assert.deepEqual(times.toSorted(), times);
    const name = lines[0]?.split(' ')[0] ?? '';
    const one = await cli('logs', 'hello', name.slice('hello-'.length), '--tail=1');
    assert.match(one.stdout, new RegExp(`^${name} \\| ${name} listens on \\d+\\n$`));
    const none = await cli('logs', 'hello', 'nobody');
    assert.equal(none.code, 1);
    assert.match(none.stderr, /has no instance nobody in namespace default: it has hello-/);
  });

  test('logs -f goes on with instances that are made meanwhile', async () => {
    const args = [launcher, 'logs', 'hello', '-f', '--tail', '0', '--data-dir', dataDir];
    const child = spawn('node', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = new Promise((done) => child.on('exit', done));
    await eventually('lines of a request', async () => {
      await httpGet(`http://127.0.0.1:${port}/followed`);
      assert.match(text, /^hello-\w{5} \| GET \/followed 200$/m);
    });
    assert.match((await cli('scale', 'hello', '3')).stdout, /scaled from 2 to 3/);
    await eventually('the new instance is heard', () => {
      assert.match(text, /^hello-\w{5} \| hello-\w{5} listens on/m);
    });
    child.kill('SIGTERM');
    await ended;
    assert.match((await cli('scale', 'hello', '2')).stdout, /scaled from 3 to 2/);
  });

  test('who stops waiting leaves the rollout to the controllers', async () => {
    write({ greeting: 'Good night' });
    const args = [launcher, 'deploy', '-f', file, '--yes', '--data-dir', dataDir];
    const child = spawn('node', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    const ended = new Promise((done) => child.on('close', done));
    await eventually('the rollout has begun', () => assert.match(out, /hello-\w{5} {2}Healthy/));
    child.kill('SIGTERM');
    assert.equal(await ended, 1);
    assert.match(
      err,
      /stopped waiting\nThe controllers go on with the rollout; windlass deploy -f /,
    );
    await eventually('it is rolled out', async () => {
      assert.equal((await plan()).summary, 'up to date');
      assert.match((await httpGet(`http://127.0.0.1:${port}/`)).body, /^Good night/);
    });
  });

  test('a failed rollout ends with the reason and the last lines of the log', async () => {
    const broken = `command: [node, -e, 'console.log("no such luck"); process.exitCode = 3']`;
    write({
      greeting: 'Good night',
      replace: {
        'command: [node, app/hello.mjs]': broken,
        'replicas: 2\n': 'replicas: 2\n  updateStrategy: { progressDeadline: 2s }\n',
      },
    });
    const { code, stderr } = await cli('deploy', '-f', file, '--yes');
    assert.equal(code, 1);
    assert.match(stderr, /^Last \d+ log lines of hello-\w{5}:\n {2}no such luck\n/m);
    assert.match(stderr, /windlass: service hello is not rolled out: .*hello-\w{5}: /);
    assert.match(stderr, /windlass logs hello hello-\w{5} shows more\.\n$/);
    assert.match((await httpGet(`http://127.0.0.1:${port}/`)).body, /^Good night/);
    assert.match((await plan()).summary, /· held: Revision \w+ is not rolled out/);
  });

  test('pause holds updates, resume lets them go on, restart replaces', async () => {
    write({ greeting: 'Good night' });
    assert.equal((await cli('deploy', '-f', file, '--yes')).code, 0);
    assert.match((await cli('pause', 'hello')).stdout, /is paused: what runs is kept/);
    assert.match((await cli('restart', 'hello')).stderr, /paused.*\nwindlass resume hello first/);
    write({ greeting: 'At last' });
    const held = await cli('deploy', '-f', file, '--yes');
    assert.equal(held.code, 1);
    assert.match(held.stderr, /hello is paused: the change is stored.*\nwindlass resume hello/);
    assert.match((await cli('resume', 'hello')).stdout, /goes on with its updates/);
    assert.match((await cli('restart', 'hello')).stdout, /hello restarts/);
    await eventually('it is resumed and restarted', async () => {
      assert.match((await httpGet(`http://127.0.0.1:${port}/`)).body, /^At last/);
    });
  });

  test('run creates a service of flags, and refuses a name that is taken', async () => {
    const other = await freePort();
    const program = `require('http').createServer((q, s) => s.end(process.env.WORD)).listen(process.env.PORT)`;
    const args = ['run', 'node:26', '--name', 'one', '-p', `${other}:80`, '-e', 'WORD=hey'];
    const { code, stdout, stderr } = await cli(...args, '--', 'node', '-e', program);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`one answers at http://127\\.0\\.0\\.1:${other}\\n$`));
    assert.equal((await httpGet(`http://127.0.0.1:${other}/`)).body, 'hey');
    const taken = await cli(...args);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /service one exists in namespace default already\nChoose another/);
    assert.match((await cli('scale', 'one', '0')).stdout, /scaled from 1 to 0/);
  });

  test("a manifest that is wrong gets the server's words and its line, from plan, diff and deploy", async () => {
    write({ replace: { 'image: node:26-slim': 'image: 5' } });
    const exits = { plan: 1, deploy: 1, diff: 2 };
    for (const [command, exit] of Object.entries(exits)) {
      const { code, stderr, stdout } = await cli(command, '-f', file);
      assert.equal(code, exit, command);
      assert.match(
        stderr,
        /hello\.yaml, document 2, line \d+: .*containers\[0\]\.image: Invalid value/,
      );
      assert.equal(stdout, '');
    }
  });
});
