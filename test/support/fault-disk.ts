// A disk for tests that can fail and whose power can be cut: faultfs/faultfs.c over a directory. Needs a C compiler, libfuse 3
// and the right to mount.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('faultfs/faultfs.c', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'windlass-faultfs-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** What is missing here for a FaultDisk; undefined when it works. Compiles it. */
export function missingFaultDisk(): string | undefined {
  if (!existsSync('/dev/fuse')) return 'FUSE (/dev/fuse)';
  try {
    compile();
  } catch (error) {
    return `a C compiler and libfuse 3 (${String(error).split('\n')[0]})`;
  }
  return undefined;
}

function compile(): string {
  const program = join(folder, 'faultfs');
  if (existsSync(program)) return program;
  const text = execFileSync('pkg-config', ['fuse3', '--cflags', '--libs'], { encoding: 'utf8' });
  const flags = text.trim().split(/\s+/);
  execFileSync('gcc', ['-O2', SOURCE, '-o', program, ...flags, '-lpthread'], { stdio: 'pipe' });
  return program;
}

export class FaultDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #backing: string;
  readonly #losesNames: boolean;
  #process: ChildProcessWithoutNullStreams | undefined;
  #lines: Interface | undefined;
  #release: () => void = () => undefined;

  /** @param losesNames a cut also takes files and folders that were made, and brings back what was deleted, since their folder was synced */
  static async open({ losesNames = false } = {}): Promise<FaultDisk> {
    const disk = new FaultDisk(mkdtempSync(join(folder, 'disk-')), losesNames);
    await disk.powerOn();
    return disk;
  }

  private constructor(directory: string, losesNames: boolean) {
    this.#losesNames = losesNames;
    this.path = join(directory, 'mount');
    this.#backing = join(directory, 'durable');
    mkdirSync(this.path);
    mkdirSync(this.#backing);
  }

  /** Mounts it anew after a cut. */
  async powerOn(): Promise<void> {
    const child = spawn(compile(), [this.#backing, this.path]);
    child.stderr.pipe(process.stderr);
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout });
    await once(this.#lines, 'line');
    if (this.#losesNames) await this.#command('names');
  }

  /** The next `count` calls of an operation (-1: all) fail with this number of errno.h. @see faultfs.c */
  async fail(operation: string, part: string, errno: number, count: number): Promise<void> {
    await this.#command(`fail ${operation} ${part} ${errno} ${count}`);
  }

  /** Every call waits from now on, until the returned function is called. */
  hang(): () => void {
    const child = this.#running();
    child.kill('SIGSTOP');
    const release = (): void => void child.kill('SIGCONT');
    this.#release = release;
    return release;
  }

  async heal(): Promise<void> {
    await this.#command('clear');
  }

  /** Ends it at once. @param share percent of what was not synced that reaches the disk after all, in no order */
  async cut(seed: number, share: number): Promise<void> {
    const ended = once(this.#running(), 'exit');
    await this.#command(`cut ${seed} ${share}`);
    await ended;
    this.#unmount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    this.#release();
    if (child !== undefined) {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
      this.#unmount();
    }
    rmSync(dirname(this.path), { recursive: true, force: true });
  }

  #unmount(): void {
    this.#process = undefined;
    execFileSync('umount', ['-l', this.path]);
  }

  async #command(text: string): Promise<void> {
    const child = this.#running();
    const answered = once(this.#lines ?? child, 'line');
    child.stdin.write(`${text}\n`);
    const [answer] = (await answered) as [string];
    if (answer !== 'ok') throw new Error(`faultfs answered ${answer} to ${text}`);
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#process === undefined) throw new Error('The power is off');
    return this.#process;
  }
}
