// Requests that share seats, and what one of them has of these.
import { FairQueue } from './fair-queue.ts';
import type { Flow, Place } from './fair-queue.ts';

const LINE_LENGTH = 100;
const WAITING = 2_000;

/** What a request has of a level: a seat, or a place in the line. */
export interface Turn {
  readonly level: Level;
  readonly flow: Flow | undefined;
  readonly place: Place | undefined;
}

/** Requests that are judged alike. */
export class Level {
  readonly name: string;
  readonly queue: FairQueue;
  readonly counts = { dispatched: 0, 'queue-full': 0, 'time-out': 0 };

  constructor(name: string, seats: number) {
    this.name = name;
    const seatsPerFlow = Math.max(1, Math.floor((seats * 3) / 4));
    this.queue = new FairQueue({ seats, seatsPerFlow, lineLength: LINE_LENGTH, waiting: WAITING });
  }
}
