// What a user does with a Pod that runs, with one kubectl: exec with and without a terminal, cp both ways, port-forward, attach.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import type { CommandResult } from './command.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';

export interface SessionBench {
  readonly binary: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly pod: string;
  /** A port of the Pod at which GET / answers `body`. */
  readonly port: number;
  readonly body: string;
}

const BYTES = 3_000_000;

function run(bench: SessionBench, args: readonly string[], input?: string): Promise<CommandResult> {
  return runCommand(bench.binary, args, {
    env: bench.environment,
    timeoutMs: 120_000,
    ...(input === undefined ? {} : { input }),
  });
}

/** Output, errors and exit codes come back as they are. */
export async function execs(bench: SessionBench): Promise<void> {
  const { pod } = bench;
  const script = 'echo $COLOUR; echo oops >&2; exit 3';
  const failed = await run(bench, ['exec', pod, '--', 'sh', '-c', script]);
  assert.equal(failed.stdout, 'blue\n');
  assert.match(failed.stderr, /^oops\n/);
  assert.match(failed.stderr, /command terminated with exit code 3/);
  assert.equal(failed.code, 3);
  const text = 'line\n'.repeat(200_000);
  const echoed = await run(bench, ['exec', '-i', pod, '--', 'cat'], text);
  assert.deepEqual([echoed.stdout === text, echoed.code], [true, 0]);
  const missing = await run(bench, ['exec', pod, '--', 'no-such-program']);
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr + missing.stdout, /no-such-program/);
  const other = await run(bench, ['exec', pod, '-c', 'other', '--', 'true']);
  assert.match(other.stderr, new RegExp(`container other is not valid for pod ${pod}`));
  const nobody = await run(bench, ['exec', 'nobody', '--', 'true']);
  assert.match(nobody.stderr, /pods "nobody" not found/);
}

/**
 * With -it, from within a terminal that `script` makes.
 *
 * @param sizeComes 'before' the command starts, or 'after': Docker Engines older than 23 take it only then
 */
export async function execsInTerminal(
  bench: SessionBench,
  sizeComes: 'before' | 'after' = 'before',
): Promise<void> {
  const isThere = '[ "$(stty size 2>&1)" = "31 97" ]';
  const wait = `i=0; until ${isThere} || [ $i = 100 ]; do i=$((i+1)); sleep 0.1; done; `;
  const script = `${sizeComes === 'after' ? wait : ''}stty size; exit 4`;
  const remote = `${bench.binary} exec -it ${bench.pod} -- sh -c '${script}'`;
  const { stdout, code } = await runCommand(
    'script',
    ['-qec', `stty rows 31 cols 97; ${remote}`, '/dev/null'],
    { env: { ...bench.environment, SHELL: '/bin/sh' } },
  );
  assert.match(stdout, /31 97/);
  assert.equal(code, 4);
}

export async function copies(bench: SessionBench, to: string): Promise<void> {
  const file = join(bench.folder, 'there');
  const back = join(bench.folder, 'back');
  writeFileSync(file, randomBytes(BYTES));
  const sent = await run(bench, ['cp', file, `${bench.pod}:${to}`]);
  assert.equal(sent.code, 0, sent.stderr);
  const got = await run(bench, ['cp', `${bench.pod}:${to}`, back]);
  assert.equal(got.code, 0, got.stderr);
  assert.equal(digestOf(back), digestOf(file));
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Several connections of one session, one after the other and at once. */
export async function forwards(bench: SessionBench): Promise<void> {
  const local = await freePort();
  const args = ['port-forward', `pod/${bench.pod}`, `${local}:${bench.port}`];
  const start = (): ChildProcess =>
    spawn(bench.binary, args, { env: bench.environment, stdio: 'ignore' });
  let child = start();
  try {
    const get = async (): Promise<string> => (await fetch(`http://127.0.0.1:${local}/`)).text();
    await eventually('the port is forwarded', async () => {
      // One that finds nobody listening in the Pod yet ends, as old ones do.
      if (child.exitCode !== null) child = start();
      assert.equal(await get(), bench.body);
    });
    const found = await Promise.all(Array.from({ length: 8 }, get));
    assert.deepEqual(new Set(found), new Set([bench.body]));
    // The other end closes first, and we only when we have seen that.
    const socket = connect({ host: '127.0.0.1', port: local });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
  } finally {
    child.kill('SIGKILL');
  }
}

/** Shows what the container writes until it is told to stop. */
export async function attaches(bench: SessionBench, words: RegExp): Promise<void> {
  const child = spawn(bench.binary, ['attach', bench.pod], {
    env: bench.environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    await eventually('output is attached to', () => assert.match(output, words));
  } finally {
    child.kill('SIGINT');
  }
}
