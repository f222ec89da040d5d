// What can go wrong with a simulated host, call by call: written down by a test, or drawn from seeded randomness.

/** One call of a driver, numbered from 1 over the life of the machine. */
export interface SimulatedCall {
  readonly number: number;
  /** Name of the method: `exec`, `putFile`, `services.start`, … */
  readonly operation: string;
  /** The path, the unit, or the command with spaces between. */
  readonly subject: string;
}

export type SimulatedFault =
  /** Nothing happens; the caller sees HostUnreachableError. */
  | { readonly kind: 'unreachable' }
  /** It happens, and the answer is lost: HostUnreachableError all the same. */
  | { readonly kind: 'answerLost' }
  /** It happens, this much later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** A command ends with this exit code and does nothing; other calls fail with HostCommandError. */
  | { readonly kind: 'commandFailure'; readonly exitCode?: number; readonly message?: string }
  /** A write fails as on a full disk; calls that write nothing are not affected. */
  | { readonly kind: 'diskFull' }
  /** A bit flips on the way to the host; calls that send nothing are not affected. */
  | { readonly kind: 'wrongDigest' }
  /** The machine restarts before it looks at the call: HostUnreachableError. */
  | { readonly kind: 'reboot' }
  /** The caller dies before the call: SimulatedCrashError from here on. */
  | { readonly kind: 'crash' }
  /** The caller dies after the call took effect and before it heard of it. A write leaves what a killed writer leaves. */
  | { readonly kind: 'crashAfter' };

/** Asked before each call; undefined: all goes well. */
export type SimulatedFaults = (call: SimulatedCall) => SimulatedFault | undefined;

/** Whoever used the host is dead. Thrown through everything: nothing of ours may catch it and go on. */
export class SimulatedCrashError extends Error {
  override readonly name = 'SimulatedCrashError';
}

export const NO_FAULTS: SimulatedFaults = () => undefined;

/** Chance of each fault per call, 0 to 1; those left out never happen. */
export type FaultRates = Partial<Record<SimulatedFault['kind'], number>>;

/**
 * Faults by chance. The same random source and the same calls give the same faults.
 *
 * @param random a number in [0, 1), asked twice per call
 */
export function randomFaults(random: () => number, rates: FaultRates): SimulatedFaults {
  return () => {
    let drawn = random();
    const amount = random();
    for (const [kind, rate] of Object.entries(rates) as [SimulatedFault['kind'], number][]) {
      drawn -= rate;
      if (drawn < 0)
        return kind === 'slow' ? { kind, delayMs: Math.round(amount * 10_000) } : { kind };
    }
    return undefined;
  };
}

/** One fault at one call, by its number; nothing else goes wrong. */
export function faultAt(number: number, fault: SimulatedFault): SimulatedFaults {
  return (call) => (call.number === number ? fault : undefined);
}
