// What the conformance suite needs of a host that a test file opened.
import { sleep, systemClock } from '#platform/clock.ts';
import type { HostDriver } from './host-driver.ts';

export interface HostHarness {
  readonly host: HostDriver;
  /** A folder of the host that is there and empty; tests stay below it. */
  readonly base: string;
  readonly commands: {
    /** Prints each further argument on a line of its own. */
    readonly printArguments: readonly string[];
    readonly exitWith3: readonly string[];
    /** Copies stdin to stdout. */
    readonly copyInput: readonly string[];
    /** Prints its environment, `NAME=value` lines. */
    readonly printEnvironment: readonly string[];
    /** Prints two megabytes. */
    readonly flood: readonly string[];
    /** Ends by itself only after minutes. */
    readonly hang: readonly string[];
  };
  /** Whether a `hang` still runs on the host. */
  readonly isHanging: () => Promise<boolean>;
  readonly link: (path: string, target: string) => Promise<void>;
  /** Absent: this harness has no service manager. */
  readonly units?: {
    /** Content of a unit that runs until it is stopped. */
    readonly running: string;
    /** Content of a unit whose start fails, `Type=oneshot`. */
    readonly failing: string;
  };
}

/** Repeats until it holds; the time limit of the test ends it otherwise. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await sleep(systemClock, 20);
}
