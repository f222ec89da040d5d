// One thing that a level of pod security asks for.
import type { SecurityPod } from './security-pod.ts';

export interface Violation {
  /** `host namespaces`. */
  readonly reason: string;
  /** `hostNetwork=true, hostPID=true`. */
  readonly detail: string;
}

export interface SecurityCheck {
  /** Upstream's: checks of one level are told in its order. */
  readonly id: string;
  /** First minor version that has it; 0 when absent. */
  readonly since?: number;
  /** Checks of the level below that it takes the place of. */
  readonly replaces?: readonly string[];
  /** @param minor of the version asked for; Infinity for the latest */
  readonly run: (pod: SecurityPod, minor: number) => Violation | undefined;
}
