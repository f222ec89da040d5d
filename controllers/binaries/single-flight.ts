// Work that several ask for at the same time is done once. It ends early only when nobody waits for it any more.

interface Flight<T> {
  readonly done: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  /** Joins the work under this key, or begins it. Rejects with the signal's reason as soon as it aborts. */
  run(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    return this.#join(key, flight, signal);
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight = { done: work(controller.signal), controller, waiting: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    flight.done.then(forget, forget);
    return flight;
  }

  #join(key: string, flight: Flight<T>, signal: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    flight.waiting += 1;
    const onAbort = (): void => {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        // Whoever comes next begins anew instead of joining what is ending.
        this.#forget(key, flight);
        flight.controller.abort(signal.reason);
      }
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const leave = (): void => signal.removeEventListener('abort', onAbort);
    flight.done.then(
      (value) => {
        leave();
        resolve(value);
      },
      (error: unknown) => {
        leave();
        reject(error);
      },
    );
    return promise;
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
