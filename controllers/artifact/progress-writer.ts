// Progress of a fetch in the status, at a pace that a person can follow and a server does not mind: a short fetch writes none.
import type { Clock } from '#platform/clock.ts';

const FIRST_MS = 2_000;
const PACE_MS = 5_000;

export interface Progress {
  readonly bytes: number;
  readonly total?: number;
}

export class ProgressWriter {
  readonly #clock: Clock;
  readonly #write: (progress: Progress) => Promise<unknown>;
  #next: number;
  #writing: Promise<unknown> | undefined;

  /** @param write what it rejects with is nobody's trouble: progress is advice */
  constructor(clock: Clock, write: (progress: Progress) => Promise<unknown>) {
    this.#clock = clock;
    this.#write = write;
    this.#next = clock.monotonic() + FIRST_MS;
  }

  readonly onProgress = (bytes: number, total: number | undefined): void => {
    const now = this.#clock.monotonic();
    if (now < this.#next || this.#writing !== undefined) return;
    this.#next = now + PACE_MS;
    const progress = total === undefined ? { bytes } : { bytes, total };
    this.#writing = this.#write(progress)
      .catch(() => undefined)
      .finally(() => (this.#writing = undefined));
  };

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }
}
