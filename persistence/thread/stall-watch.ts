// Notices a worker thread that hangs in a call: it owes an answer, and its pulse has stopped. The pulse is a counter in shared
// memory that the thread raises before each call that may hang, so that long work in many calls is no hang. Looks are counted, not time:
// a process that was stopped, or a machine that slept, had no thread that could have raised anything meanwhile.
import type { Clock } from '#platform/clock.ts';

const LOOKS = 10;
/** Of a thread that has not made its first call: on a machine with too much to do it still reads its program. */
const LOOKS_AT_FIRST = 60;

/** Of the thread: raises its pulse. */
export function beat(pulse: Int32Array): void {
  Atomics.add(pulse, 0, 1);
}

export class StallWatch {
  /** Given to the thread. */
  readonly pulse = new Int32Array(new SharedArrayBuffer(4));
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #seen = 0;
  /** Looks since then that found no more. */
  #still = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, limitMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** The thread owes an answer from now on. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.#note();
    this.#schedule();
  }

  /** It has answered everything. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    this.#cancel = this.#clock.schedule(this.#limitMs / LOOKS, () => this.#look());
  }

  #look(): void {
    if (Atomics.load(this.pulse, 0) !== this.#seen) this.#note();
    else this.#still += 1;
    if (this.#still >= (this.#seen === 0 ? LOOKS_AT_FIRST : LOOKS)) {
      this.stop();
      this.#onStall();
      return;
    }
    this.#schedule();
  }

  #note(): void {
    this.#seen = Atomics.load(this.pulse, 0);
    this.#still = 0;
  }
}
