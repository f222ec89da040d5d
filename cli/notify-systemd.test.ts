// A unit of Type=notify is told once the server answers. In place of systemd-notify a script writes down what it was asked.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { eventually } from '#test/support/eventually.ts';
import { feedWatchdog, notifyReady } from './notify-systemd.ts';

function fixture(script: string): {
  path: string;
  said: string;
  warned: unknown[];
  logger: { warn: (line: string, facts?: unknown) => void };
} {
  const folder = tempDir();
  const program = join(folder, 'systemd-notify');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  const warned: unknown[] = [];
  return {
    path: `${folder}${delimiter}/usr/bin${delimiter}/bin`,
    said: join(folder, 'said'),
    warned,
    logger: { warn: (line, facts) => void warned.push([line, facts]) },
  };
}

/** A clock whose time comes when the test says so. */
function steppedClock() {
  const later: (() => void)[] = [];
  const schedule = (_: number, callback: () => void): (() => void) => {
    later.push(callback);
    return () => undefined;
  };
  /** Resolves when so many turns have been asked for. */
  const asked = (turns: number): Promise<void> =>
    eventually(`${turns} turns are asked for`, () => assert.equal(later.length, turns));
  /** Waits for that, and takes the last. */
  const take = async (turn: number): Promise<void> => {
    await asked(turn);
    later[turn - 1]?.();
  };
  return { schedule, asked, take };
}

test('notifyReady() says to the socket of the unit that it is ready, and where', async () => {
  const { path, said, warned, logger } = fixture(
    `echo "$NOTIFY_SOCKET $*" >"$(dirname "$0")/said"`,
  );
  const environment = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: path, SECRET: 'x' };
  await notifyReady(environment, 'https://127.0.0.1:6443', logger);
  assert.equal(
    readFileSync(said, 'utf8'),
    '/run/systemd/notify --ready --status=Serves at https://127.0.0.1:6443\n',
  );
  assert.deepEqual(warned, []);
});

test('notifyReady() does nothing outside of a unit', async () => {
  const { path, said, logger } = fixture(`: >"$(dirname "$0")/said"`);
  await notifyReady({ PATH: path }, 'https://x', logger);
  await notifyReady({ PATH: path, NOTIFY_SOCKET: '' }, 'https://x', logger);
  assert.ok(!existsSync(said));
});

test('notifyReady() says in the log when it could not be said', async () => {
  const { path, warned, logger } = fixture('exit 3');
  const NOTIFY_SOCKET = '/run/systemd/notify';
  await notifyReady({ PATH: path, NOTIFY_SOCKET }, 'https://x', logger);
  await notifyReady({ PATH: '/nonexistent', NOTIFY_SOCKET }, 'https://x', logger);
  const line = 'Cannot tell systemd that the server is ready';
  assert.deepEqual(warned[0], [line, { error: 'it ended with 3' }]);
  assert.match(JSON.stringify(warned[1]), /ENOENT/);
});

test('feedWatchdog() goes on saying that the server turns', async () => {
  const { path, said, warned, logger } = fixture(
    `echo "$NOTIFY_SOCKET $*" >>"$(dirname "$0")/said"`,
  );
  const environment = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: path, WATCHDOG_USEC: '30000' };
  const clock = steppedClock();
  feedWatchdog(environment, clock, logger);
  for (const turn of [1, 2]) await clock.take(turn);
  await clock.asked(3);
  assert.equal(readFileSync(said, 'utf8'), '/run/systemd/notify WATCHDOG=1\n'.repeat(3));
  assert.deepEqual(warned, []);
});

test('feedWatchdog() says nothing where nobody waits for it, and complains once', async () => {
  const { path, said, warned, logger } = fixture(`echo x >>"$(dirname "$0")/said"; exit 3`);
  const clock = steppedClock();
  const NOTIFY_SOCKET = '/run/systemd/notify';
  for (const WATCHDOG_USEC of ['', '0', '-1', 'often'])
    feedWatchdog({ PATH: path, NOTIFY_SOCKET, WATCHDOG_USEC }, clock, logger);
  feedWatchdog({ PATH: path, WATCHDOG_USEC: '1000000' }, clock, logger);
  assert.ok(!existsSync(said));
  feedWatchdog({ PATH: path, NOTIFY_SOCKET, WATCHDOG_USEC: '1000000' }, clock, logger);
  for (const turn of [1, 2]) await clock.take(turn);
  await clock.asked(3);
  const line = 'Cannot tell systemd that the server goes on';
  assert.deepEqual(warned, [[line, { error: 'it ended with 3' }]]);
});
