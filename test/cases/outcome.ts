// What a case of each kind led to, in the operations of the neutral format.
import type { Expected, ServiceCase } from './service-case.ts';

export interface Outcome {
  readonly operations: readonly Expected[];
  /** Of kind eval: up-to-date, needs-update or needs-recreate. */
  readonly status?: string;
}

/** Plays the cases of one kind. What it throws is the outcome `error`, when it is meant for users. */
export type Player = (one: ServiceCase) => Outcome | Promise<Outcome>;

export function outcomeOf(...operations: readonly Expected[]): Outcome {
  return { operations };
}
