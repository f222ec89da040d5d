// A unit of Type=notify is told once the server answers. In place of systemd-notify a script writes down what it was asked.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { notifyReady } from './notify-systemd.ts';

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
