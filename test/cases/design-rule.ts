// A difference from uncloud on purpose: one of its sixteen weaknesses or a decision of docs/uncloud.md, which says by a case's content
// whether it is concerned, and what must come of it instead.
import type { Expected, ServiceCase } from './service-case.ts';

/** What must come of a case. */
export interface Demand {
  readonly expected: readonly Expected[];
  readonly status: string | undefined;
  readonly orderMatters: boolean;
}

export interface DesignRule {
  readonly name: string;
  /** Number of the weakness (services §1.11, docs/uncloud.md#weaknesses), or the anchor of a decision in docs/uncloud.md. */
  readonly basis: number | `#${string}`;
  readonly kinds: readonly string[];
  /** @returns what must come of it, as far as that differs; undefined when the case is not concerned */
  readonly instead: (one: ServiceCase, demand: Demand) => Partial<Demand> | undefined;
}
