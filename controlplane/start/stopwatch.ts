// Where the time of a start goes, at debug level.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';

export class Stopwatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #last: number;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#last = clock.monotonic();
  }

  lap(phase: string): void {
    const now = this.#clock.monotonic();
    this.#logger.debug('Start phase finished', {
      phase,
      milliseconds: Math.round(now - this.#last),
    });
    this.#last = now;
  }
}
