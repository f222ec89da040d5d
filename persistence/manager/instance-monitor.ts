// How one instance is: its state, since when, what went wrong last. Whoever listens hears of each change of state.
import type { InstanceReport, InstanceState } from '../log.ts';
import type { Clock } from '#platform/clock.ts';
import { toldMessage } from './told-message.ts';

export class InstanceMonitor {
  readonly #clock: Clock;
  readonly #report: () => InstanceReport;
  readonly #changed: (now: InstanceReport, before: InstanceReport) => void;
  #state: InstanceState;
  #since: number;
  #lastError: InstanceReport['lastError'];

  constructor(options: {
    readonly clock: Clock;
    readonly state: InstanceState;
    /** The whole report as it is now. */
    readonly report: () => InstanceReport;
    readonly changed: (now: InstanceReport, before: InstanceReport) => void;
  }) {
    this.#clock = options.clock;
    this.#state = options.state;
    this.#since = options.clock.now();
    this.#report = options.report;
    this.#changed = options.changed;
  }

  get state(): InstanceState {
    return this.#state;
  }

  /** Milliseconds since the Unix epoch. */
  get since(): number {
    return this.#since;
  }

  get lastError(): InstanceReport['lastError'] {
    return this.#lastError;
  }

  become(state: InstanceState, error?: Error): void {
    const before = this.#report();
    if (error !== undefined) {
      this.#lastError = { message: toldMessage(error), at: this.#clock.now() };
    }
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#clock.now();
    this.#changed(this.#report(), before);
  }
}
