import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartError } from '../runtimes/runtime.ts';
import { decideNext, decideRestart } from './restart.ts';

const exit = (
  exitCode: number | undefined,
  ranForMs = 1_000,
): Parameters<typeof decideRestart>[1] => ({
  exitCode,
  startedAt: 0,
  finishedAt: ranForMs,
});

for (const { policy, exitCode, restarts } of [
  { policy: 'Always', exitCode: 0, restarts: true },
  { policy: 'Always', exitCode: 1, restarts: true },
  { policy: 'OnFailure', exitCode: 0, restarts: false },
  { policy: 'OnFailure', exitCode: 1, restarts: true },
  { policy: 'OnFailure', exitCode: undefined, restarts: true },
  { policy: 'Never', exitCode: 1, restarts: false },
] as const) {
  test(`decideRestart() with ${policy} after exit ${exitCode} ${restarts ? 'restarts' : 'does not'}`, () => {
    const { action } = decideRestart(policy, exit(exitCode), undefined, 1_000);
    assert.equal(action, restarts ? 'start' : 'never');
  });
}

test('decideRestart() waits 10 s, doubled up to 5 min, after the end of the container', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7].map((restarts) => {
    const decision = decideRestart('Always', exit(1), { restarts, lastAt: 0 }, 1_000);
    return decision.action === 'wait' ? decision.untilMs - 1_000 : decision.action;
  });
  assert.deepEqual(delays, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

test('decideRestart() starts when the wait is over, and counts', () => {
  const decision = decideRestart('Always', exit(1), { restarts: 2, lastAt: 0 }, 21_000);
  assert.deepEqual(decision, { action: 'start', history: { restarts: 3, lastAt: 21_000 } });
});

test('decideRestart() forgets after ten minutes of running', () => {
  const decision = decideRestart('Always', exit(1, 600_000), { restarts: 6, lastAt: 0 }, 600_000);
  assert.deepEqual(decision, { action: 'start', history: { restarts: 1, lastAt: 600_000 } });
});

const crashed = exit(1);
const cannotRun = { error: new StartError('RunContainerError', 'Cannot run'), at: 1_000 };
const missing = { error: new StartError('FailedMount', 'configmap not found'), at: 1_000 };

for (const { title, input, expected } of [
  { title: 'nothing ran yet', input: {}, expected: 'start' },
  { title: 'the first crash', input: { exit: crashed }, expected: 'start' },
  {
    title: 'a crash after another',
    input: { exit: crashed, history: { restarts: 1, lastAt: 0 } },
    expected: 'wait until 11000',
  },
  { title: 'a start that failed', input: { failed: cannotRun }, expected: 'wait until 11000' },
  {
    title: 'a start that failed, its wait over',
    input: { failed: cannotRun, now: 11_000 },
    expected: 'start',
  },
  {
    title: 'what it refers to is missing',
    input: { failed: missing },
    expected: 'wait until 2000',
  },
  {
    title: 'what it refers to is missing, after crashes',
    input: { failed: missing, history: { restarts: 5, lastAt: 0 }, now: 2_000 },
    expected: 'start',
  },
  {
    title: 'it was stopped with the agent',
    input: { exit: exit(0), shutDown: true, policy: 'OnFailure' },
    expected: 'start',
  },
  {
    title: 'it was stopped with the agent, but must run once only',
    input: { exit: exit(0), shutDown: true, policy: 'Never' },
    expected: 'never',
  },
] as const) {
  test(`decideNext() when ${title}: ${expected}`, () => {
    const decision = decideNext({
      policy: 'Always',
      exit: undefined,
      shutDown: false,
      failed: undefined,
      history: undefined,
      now: 1_000,
      ...input,
    });
    const until = decision.action === 'wait' ? ` until ${decision.untilMs}` : '';
    assert.equal(`${decision.action}${until}`, expected);
  });
}
