// Several jobs at a time, as many as the processors have room for.

interface Waiting {
  readonly load: number;
  readonly start: () => void;
}

export class Room {
  readonly #size: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #used = 0;

  /** @param size processors */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Runs `job` as soon as there is room for it. Who came first is asked first; one that is larger than all the room runs alone.
   *
   * @param load processors that it keeps busy, about: 0.2 for one that mostly waits
   */
  async run<T>(load: number, job: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push({ load, start });
      this.#startNext();
    });
    try {
      return await job();
    } finally {
      this.#running -= 1;
      this.#used -= load;
      this.#startNext();
    }
  }

  #startNext(): void {
    for (;;) {
      // Sums of tenths are not exact.
      const left = this.#size - this.#used + 0.01;
      const next = this.#waiting.findIndex(({ load }) => this.#running === 0 || load < left);
      const [found] = next < 0 ? [] : this.#waiting.splice(next, 1);
      if (found === undefined) return;
      this.#running += 1;
      this.#used += found.load;
      found.start();
    }
  }
}
