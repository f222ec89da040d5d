// The size of an exec's terminal. The Engine says yes to a size before the process is there and forgets it, so each size waits for the
// process, and the newest one counts.
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { TerminalSize } from './container-sessions.ts';

const POLL_MS = 20;

export class DockerExecTerminal {
  readonly #exec: Pick<Docker.Exec, 'inspect' | 'resize'>;
  readonly #clock: Clock;
  #wanted: TerminalSize | undefined;
  #applying: Promise<void> | undefined;

  constructor(exec: Pick<Docker.Exec, 'inspect' | 'resize'>, clock: Clock) {
    this.#exec = exec;
    this.#clock = clock;
  }

  /** Resolves when the terminal has its newest size, or the command has ended. */
  async resize(size: TerminalSize): Promise<void> {
    this.#wanted = size;
    this.#applying ??= this.#apply();
    await this.#applying;
  }

  async #apply(): Promise<void> {
    try {
      while (this.#wanted !== undefined && (await this.#tryOnce(this.#wanted)) !== 'ended');
    } catch {
      // An Engine that does not answer ends the session by itself.
    } finally {
      this.#wanted = undefined;
      this.#applying = undefined;
    }
  }

  async #tryOnce(size: TerminalSize): Promise<'ended' | 'goes on'> {
    const { Pid, Running, ExitCode } = await this.#exec.inspect();
    if (!Running && ExitCode !== null) return 'ended';
    const isSet =
      Running &&
      Pid > 0 &&
      (await this.#exec.resize({ w: size.width, h: size.height }).then(
        () => true,
        () => false,
      ));
    if (!isSet) await sleep(this.#clock, POLL_MS);
    else if (size === this.#wanted) this.#wanted = undefined;
    return 'goes on';
  }
}
