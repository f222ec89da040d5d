import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { DockerExecTerminal } from './docker-exec-terminal.ts';

type State = Pick<Docker.ExecInspectInfo, 'Pid' | 'Running' | 'ExitCode'>;
const STARTING: State = { Pid: 0, Running: true, ExitCode: null };
const RUNNING: State = { Pid: 7, Running: true, ExitCode: null };
const ENDED: State = { Pid: 7, Running: false, ExitCode: 0 };

/** Waits that are over at once. */
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  schedule: (_delay, callback) => {
    queueMicrotask(callback);
    return () => undefined;
  },
};

/** An exec that goes through these states, one each time it is looked at; the last one stays. */
function execOf(states: readonly State[], refusals = 0) {
  const sizes: string[] = [];
  let looked = 0;
  let left = refusals;
  const exec = {
    inspect: () => Promise.resolve(states[Math.min(looked++, states.length - 1)]),
    resize: ({ w, h }: { w: number; h: number }) => {
      if (left-- > 0) return Promise.reject(new Error('no such exec'));
      sizes.push(`${w}x${h}`);
      return Promise.resolve();
    },
  } as unknown as Docker.Exec;
  return { terminal: new DockerExecTerminal(exec, clock), sizes };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
}

test('a size waits until the process is there', async () => {
  const notYet: State = { Pid: 0, Running: false, ExitCode: null };
  const { terminal, sizes } = execOf([notYet, STARTING, STARTING, RUNNING]);
  void terminal.resize({ width: 97, height: 31 });
  await settle();
  assert.deepEqual(sizes, ['97x31']);
});

test('a size that is refused is tried again', async () => {
  const { terminal, sizes } = execOf([RUNNING], 3);
  void terminal.resize({ width: 97, height: 31 });
  await settle();
  assert.deepEqual(sizes, ['97x31']);
});

test('the newest of several sizes is the last that is set', async () => {
  const { terminal, sizes } = execOf([STARTING, RUNNING]);
  void terminal.resize({ width: 97, height: 31 });
  void terminal.resize({ width: 80, height: 24 });
  await settle();
  void terminal.resize({ width: 81, height: 25 });
  await settle();
  assert.deepEqual(sizes, ['80x24', '81x25']);
});

test('a command that has ended needs no size', async () => {
  const { terminal, sizes } = execOf([ENDED]);
  void terminal.resize({ width: 97, height: 31 });
  await settle();
  assert.deepEqual(sizes, []);
});
