// A number of seats, shared fairly: whoever finds none free waits in the line of their own flow, and free seats go to the flows in
// turn. However many requests one flow brings, the others wait no longer for it than for one. Time comes in as an argument.

export interface FairQueueLimits {
  /** Requests that are answered at once. */
  readonly seats: number;
  /** Of these, how many one flow may have. Less than all, so that one that is slow leaves some to the others. */
  readonly seatsPerFlow: number;
  /** How many may wait in one flow. */
  readonly lineLength: number;
  /** How many may wait in all. */
  readonly waiting: number;
}

/** The requests of one user. */
export interface Flow {
  readonly name: string;
  seats: number;
  readonly line: Set<Place>;
}

/** One that waits. */
export interface Place {
  readonly flow: Flow;
  /** On the scale of the caller's clock, in milliseconds. */
  readonly endsAt: number;
  /** The seat is theirs. */
  readonly seated: () => void;
  /** There was none in time. */
  readonly expired: () => void;
}

export class FairQueue {
  readonly limits: FairQueueLimits;
  readonly #flows = new Map<string, Flow>();
  /** Flows with a line, those whose turn comes first in front. */
  readonly #turns = new Set<Flow>();
  #seated = 0;
  #waiting = 0;

  constructor(limits: FairQueueLimits) {
    this.limits = limits;
  }

  get seated(): number {
    return this.#seated;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a seat when one is free and nobody of the flow waits; give it back with {@link leave}. */
  enter(name: string): Flow | undefined {
    let flow = this.#flows.get(name);
    if (flow === undefined) {
      if (this.#seated >= this.limits.seats) return undefined;
      flow = { name, seats: 0, line: new Set() };
      this.#flows.set(name, flow);
    } else if (flow.line.size > 0 || !this.#hasSeatFor(flow)) return undefined;
    this.#seat(flow);
    return flow;
  }

  /** Undefined when the line is full. */
  wait(name: string, place: Omit<Place, 'flow'>): Place | undefined {
    const flow = this.#flows.get(name) ?? { name, seats: 0, line: new Set() };
    const { lineLength, waiting } = this.limits;
    if (flow.line.size >= lineLength || this.#waiting >= waiting) return undefined;
    const waiter: Place = { ...place, flow };
    this.#flows.set(name, flow);
    flow.line.add(waiter);
    this.#turns.add(flow);
    this.#waiting += 1;
    return waiter;
  }

  leave(flow: Flow): void {
    flow.seats -= 1;
    this.#seated -= 1;
    this.#forgetIfEmpty(flow);
    this.#fill();
  }

  /** Who waited does so no more. No effect on one that is seated or expired. */
  abandon(place: Place): void {
    if (!place.flow.line.delete(place)) return;
    this.#waiting -= 1;
    if (place.flow.line.size === 0) this.#turns.delete(place.flow);
    this.#forgetIfEmpty(place.flow);
  }

  /** Sends away those whose time is over. */
  expire(now: number): void {
    for (const flow of this.#turns) {
      for (const place of flow.line) {
        if (place.endsAt > now) continue;
        this.abandon(place);
        place.expired();
      }
    }
  }

  /** Gives free seats to the flows in turn. */
  #fill(): void {
    // A flow that has all it may have is passed over; a whole round without a seat ends it.
    let passed = 0;
    while (this.#seated < this.limits.seats && passed < this.#turns.size) {
      const [flow] = this.#turns;
      if (flow === undefined) return;
      this.#turns.delete(flow);
      this.#turns.add(flow);
      if (!this.#hasSeatFor(flow)) {
        passed += 1;
        continue;
      }
      passed = 0;
      const [place] = flow.line;
      if (place === undefined) continue;
      this.#seat(flow);
      this.abandon(place);
      place.seated();
    }
  }

  #hasSeatFor(flow: Flow): boolean {
    return this.#seated < this.limits.seats && flow.seats < this.limits.seatsPerFlow;
  }

  #seat(flow: Flow): void {
    flow.seats += 1;
    this.#seated += 1;
  }

  #forgetIfEmpty(flow: Flow): void {
    if (flow.seats === 0 && flow.line.size === 0) this.#flows.delete(flow.name);
  }
}
