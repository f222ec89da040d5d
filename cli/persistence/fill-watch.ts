// Whether a place that is being filled will ever be full of it: a server tries again for ever, a command does not.
import type { InstanceObject } from './log-source.ts';

/** Of being down all the while, in milliseconds. */
const DOWN_MS = 60_000;
/** Of going down again, with nothing more there than the time before. */
const FALLS = 5;

export class FillWatch {
  #downSince: number | undefined;
  #falls = 0;
  #revision = -1;

  /** @param now on a monotonic clock. @returns true: it is given up */
  look(
    { state, revision }: Pick<InstanceObject['status'], 'state' | 'revision'>,
    now: number,
  ): boolean {
    if (revision > this.#revision) this.#falls = 0;
    this.#revision = Math.max(this.#revision, revision);
    if (state !== 'Down') {
      this.#downSince = undefined;
      return false;
    }
    if (this.#downSince === undefined) this.#falls += 1;
    this.#downSince ??= now;
    return this.#falls >= FALLS || now - this.#downSince > DOWN_MS;
  }
}
