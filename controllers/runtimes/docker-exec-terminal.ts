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
  #isApplying = false;

  constructor(exec: Pick<Docker.Exec, 'inspect' | 'resize'>, clock: Clock) {
    this.#exec = exec;
    this.#clock = clock;
  }

  /** Nothing happens when the command has ended meanwhile. */
  resize(size: TerminalSize): void {
    this.#wanted = size;
    if (this.#isApplying) return;
    this.#isApplying = true;
    // An Engine that does not answer ends the session by itself.
    void this.#apply()
      .catch(() => undefined)
      .finally(() => {
        this.#isApplying = false;
      });
  }

  async #apply(): Promise<void> {
    for (;;) {
      const size = this.#wanted;
      if (size === undefined) return;
      const { Pid, Running, ExitCode } = await this.#exec.inspect();
      if (!Running && ExitCode !== null) return;
      if (Running && Pid > 0) {
        const isSet = await this.#exec.resize({ w: size.width, h: size.height }).then(
          () => true,
          () => false,
        );
        if (isSet && size === this.#wanted) {
          this.#wanted = undefined;
          return;
        }
        if (isSet) continue;
      }
      await sleep(this.#clock, POLL_MS);
    }
  }
}
