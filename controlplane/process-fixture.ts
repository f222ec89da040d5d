// A control plane as a process of its own, for tests that kill it, stop it, or want to see it refuse to start.
// Run as a program it serves the data directory of its first argument, with the options that the second holds as JSON, and prints its URL.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Agent } from 'node:https';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { agentOf, testOptions } from './control-plane-fixture.ts';
import { startControlPlane } from './start.ts';
import type { ControlPlaneOptions } from './start.ts';

export interface ServerProcess {
  readonly url: string;
  /** With the administrator's credentials. */
  readonly admin: Agent;
  readonly child: ChildProcess;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets it close in peace. */
  stop(): Promise<void>;
}

/** @throws Error with what the process wrote when it ends before it serves */
export async function startServerProcess(
  dataDir: string,
  relaxed: readonly string[] = [],
  changes: Pick<Partial<ControlPlaneOptions>, 'persistence' | 'replication'> = {},
): Promise<ServerProcess> {
  const options = JSON.stringify({ relaxed, ...changes });
  const child = spawn(process.execPath, [import.meta.filename, dataDir, options], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) {
    await ended;
    throw new Error(complaint);
  }
  const admin = await agentOf(path.join(dataDir, 'admin.kubeconfig'));
  return {
    url: first.value,
    admin,
    child,
    async kill() {
      child.kill('SIGKILL');
      await ended;
      admin.destroy();
    },
    async stop() {
      admin.destroy();
      child.stdin.end();
      await ended;
    },
  };
}

if (import.meta.main) {
  const [, , dataDir = '', changes = '{}'] = process.argv;
  try {
    const plane = await startControlPlane(
      testOptions(dataDir, JSON.parse(changes) as Partial<ControlPlaneOptions>),
      new AbortController().signal,
    );
    process.stdout.write(`${plane.url}\n`);
    // Also when the test dies: nothing of it is left running.
    process.stdin.resume().once('end', () => void plane.close());
  } catch (error) {
    process.stderr.write(`${(error as Error).name}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
