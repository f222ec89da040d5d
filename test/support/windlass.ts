// `windlass up` as a user runs it: through the launcher, as a child process, on a free port and a folder of its own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import { isRunning, processesBelow } from './processes.ts';

export const projectRoot: string = resolve(import.meta.dirname, '..', '..');
export const launcher: string = join(projectRoot, 'cli', 'launcher.mjs');

export interface WindlassOptions {
  readonly dataDir: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** One run of `windlass up`. */
export class Windlass {
  readonly dataDir: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | undefined>;
  #output = '';

  constructor({ dataDir, args = [], cwd, env }: WindlassOptions) {
    this.dataDir = dataDir;
    // The Node on the PATH, as a user has it: the launcher must find the pinned one.
    this.#child = spawn('node', [launcher, 'up', '--data-dir', dataDir, '--port', '0', ...args], {
      cwd: cwd ?? projectRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#exited = new Promise((done) => {
      this.#child.on('close', (code) => done(code ?? undefined));
      this.#child.on('error', () => done(undefined));
    });
  }

  /** Everything it printed. */
  get output(): string {
    return this.#output;
  }

  get kubeconfig(): string {
    return join(this.dataDir, 'admin.kubeconfig');
  }

  /** Of the launcher. */
  get launcherPid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of the process that serves. */
  get pid(): number {
    return Number(readFileSync(join(this.dataDir, 'windlass.pid'), 'utf8'));
  }

  /** Waits for output; rejects when the process ends first. */
  async printed(pattern: RegExp, timeoutMs = 120_000): Promise<RegExpExecArray> {
    let hasEnded = false;
    void this.#exited.then(() => (hasEnded = true));
    const found = await eventually(
      `output ${String(pattern)}`,
      () => {
        const match = pattern.exec(this.#output);
        if (match === null && !hasEnded) throw new Error(this.#output);
        return match;
      },
      timeoutMs,
    );
    if (found === null) throw new Error(`It ended without ${String(pattern)}:\n${this.#output}`);
    return found;
  }

  /** The URL it serves at. */
  async ready(): Promise<string> {
    return (await this.printed(/^ready (https:\S+)$/m))[1] ?? '';
  }

  /** Exit code of the launcher, undefined after a signal. */
  exited(): Promise<number | undefined> {
    return this.#exited;
  }

  /** Sends a signal to the launcher only. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As Ctrl-C in a terminal: SIGINT to launcher and server. */
  async interrupt(): Promise<number | undefined> {
    const { pid } = this;
    this.#child.kill('SIGINT');
    process.kill(pid, 'SIGINT');
    return this.exited();
  }
}

/** Starts and waits until it serves. Ended after the test, with all it started. */
export async function startWindlass(
  t: Pick<TestContext, 'after'>,
  options: WindlassOptions,
): Promise<Windlass> {
  const windlass = new Windlass(options);
  t.after(() => endWindlass(windlass));
  await windlass.ready();
  return windlass;
}

/** Ends it gracefully if it runs, and whatever a failed test left in its data directory by force. */
export async function endWindlass(windlass: Windlass): Promise<void> {
  windlass.signal('SIGTERM');
  await windlass.exited();
  for (const pid of processesBelow(windlass.dataDir))
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
}
