import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { findTerminalMaker, terminalMakers } from './process-terminal.ts';

const PATH = process.env['PATH'] ?? '';

for (const { name, make, probe } of terminalMakers) {
  const { stdout } = spawnSync(probe[0], probe[1], { encoding: 'utf8' });
  const missing = probe[2].test(stdout ?? '') ? undefined : `${name} does not work here`;
  const isNeeded = process.env['CI'] === 'true' && name === 'script';
  test(
    `${name} gives a command a terminal of a size, its words as they are, and its exit code`,
    { skip: missing !== undefined && !isNeeded && missing },
    async () => {
      const odd = `it's "odd" $HOME \\ *`;
      const script = 'stty size; test -t 0 && test -t 1 && test -t 2; echo "[$1] $SHELL"; exit 7';
      const terminal = make({
        command: ['sh', '-c', script, 'sh', odd],
        environment: { PATH, SHELL: '/bin/odd' },
        size: { width: 101, height: 41 },
      });
      const child = spawn(terminal.program, terminal.args, {
        env: terminal.environment,
        stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      });
      let screen = '';
      child.stdout?.on('data', (bytes: Buffer) => (screen += bytes.toString('utf8')));
      child.stdio[3]?.on('error', () => undefined);
      const [code] = (await once(child, 'close')) as [number];
      assert.equal(screen, `41 101\r\n[${odd}] /bin/odd\r\n`);
      assert.equal(code, 7);
    },
  );
}

test('a machine without any of them is told what to install', async () => {
  await assert.rejects(
    findTerminalMaker('/nonexistent'),
    /needs python3 or script \(of util-linux\).*leave out -t/,
  );
});
