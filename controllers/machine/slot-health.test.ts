import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostDriver } from '../hosts/host-driver.ts';
import { StepError } from './machine-work.ts';
import { slotHealth } from './slot-health.ts';

const { signal } = new AbortController();
const SLOT = { unit: 'x.service', machineName: 'w1-a' };

interface Answers {
  readonly state?: string;
  readonly restarts?: string;
  /** What the systemd of the machine says over D-Bus; undefined: it cannot be asked so. */
  readonly word?: string;
  /** What it says inside; undefined: there is none. */
  readonly inside?: string;
}

/** A host with systemd that answers these questions, and no other. */
function hostThat({ state = 'running', restarts = '0', word, inside }: Answers): HostDriver {
  const answers: Readonly<Record<string, string | undefined>> = {
    'systemctl show --property=NRestarts --value x.service': restarts,
    'systemctl --machine=w1-a is-system-running': word,
    'machinectl show --property=Leader --value w1-a': '77',
    'nsenter --target=77 --mount --uts --ipc --net --pid --cgroup --root --wd -- systemctl is-system-running':
      inside,
  };
  const host = {
    stat: async () => ({ kind: 'directory', size: 0, mode: 0o755, modifiedMillis: 0 }),
    async exec(command: readonly string[]) {
      const line = command.join(' ');
      assert.ok(line in answers, line);
      const said = answers[line];
      return said === undefined
        ? { exitCode: 1, stdout: '', stderr: 'Failed to connect to bus' }
        : { exitCode: said === 'degraded' ? 1 : 0, stdout: `${said}\n`, stderr: '' };
    },
    services: {
      state: async () => ({ isInstalled: true, isActive: state === 'running', state }),
    },
  };
  return host as unknown as HostDriver;
}

const ask = (answers: Answers): ReturnType<typeof slotHealth> =>
  slotHealth(hostThat(answers), SLOT, signal);

test('a machine that runs and says so is well, degraded or without a word of its own too', async () => {
  assert.equal(await ask({ word: 'running' }), 'done');
  assert.equal(await ask({ word: 'degraded' }), 'done');
  assert.equal(await ask({}), 'done');
});

test('what is still on its way is waited for', async () => {
  assert.deepEqual(await ask({ state: 'start' }), { pending: 'service x.service is start' });
  const pending = { pending: 'w1-a says that it is starting' };
  assert.deepEqual(await ask({ word: 'starting' }), pending);
  assert.deepEqual(await ask({ inside: 'starting' }), pending);
});

test('what ended is not well, also when systemd has started it again meanwhile', async () => {
  const failed = (reason: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof StepError);
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  };
  await assert.rejects(ask({ state: 'failed' }), failed('ServiceFailed', /has failed/));
  await assert.rejects(ask({ state: 'auto-restart' }), failed('ServiceFailed', /has failed/));
  await assert.rejects(
    ask({ restarts: '2', word: 'running' }),
    failed('ServiceFailed', /ended by itself 2 times since its start/),
  );
  await assert.rejects(ask({ inside: 'maintenance' }), failed('Unhealthy', /rescue or emergency/));
});
