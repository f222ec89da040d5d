// Bounds what a rule may do. Every step of an evaluation spends units before it works, about one per operation and per
// ten characters touched, so that a hostile rule stops after a known amount of work instead of stopping the server.

/** A rule ran out of units. Not an EvaluationError: `||` and `all()` do not swallow it. */
export class CostExceededError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
    this.name = 'CostExceededError';
  }
}

/** An error that is thrown and caught is dearer than an operation. */
export const ERROR_COST = 50;

/** What went wrong inside an expression: a missing key, a division by zero, arguments that no function takes. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EvaluationError';
  }
}

export class Meter {
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  get left(): number {
    return this.#left;
  }

  /** @throws CostExceededError when `units` are more than what is left */
  spend(units: number): void {
    this.#left -= units;
    // Written so that NaN stops as well.
    if (!(this.#left >= 0)) throw new CostExceededError();
  }
}
