// What an instance holds, asked for within a deadline: a start waits for nobody for long.
import { CorruptDataError, StorageFailedError } from '../errors.ts';
import type { Cursor } from '../provider.ts';
import { refuseUnfinished, unfinishedCopy } from '../unfinished.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Found } from './choice.ts';
import { readClaims } from './claim.ts';
import type { Claim } from './claim.ts';
import type { ManagedInstance } from './instance.ts';

export interface Inspected {
  readonly instance: ManagedInstance;
  /** Absent: it could not be looked at, and why. */
  readonly seen?: {
    readonly cursor: Cursor;
    readonly claims: readonly Claim[];
    /** As Found.unfinished. */
    readonly unfinished?: string;
  };
  readonly error?: Error;
}

/** @param cursorOf how the cursor is had: by asking, or by claiming */
export async function inspect(
  instance: ManagedInstance,
  deadline: Deadline,
  cursorOf: (instance: ManagedInstance) => Promise<Cursor>,
): Promise<Inspected> {
  const looking = async (): Promise<Inspected> => {
    const cursor = await cursorOf(instance);
    const copy = await unfinishedCopy(instance, cursor);
    if (copy !== undefined) {
      const seen = { cursor: { ...cursor, revision: 0 }, claims: [], unfinished: copy.what };
      return { instance, seen };
    }
    await refuseUnfinished(instance, cursor);
    return {
      instance,
      seen: { cursor, claims: await readClaims(instance.provider, instance.name) },
    };
  };
  try {
    return await deadline.bound(instance, looking());
  } catch (error) {
    return { instance, error: error as Error };
  }
}

export function asFound({ instance: { name }, seen, error }: Inspected): Found {
  if (seen !== undefined) {
    const { claims, cursor, unfinished } = seen;
    return { name, isSeen: true, claims, revision: cursor.revision, unfinished };
  }
  const reason = error?.message ?? 'not looked at';
  return {
    name,
    isSeen: false,
    reason: error instanceof CorruptDataError ? `it is damaged (${reason})` : reason,
  };
}

/** A time limit for one question to one instance. */
export class Deadline {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #signal: AbortSignal;

  constructor(clock: Clock, ms: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#ms = ms;
    this.#signal = signal;
  }

  /** @throws what `work` throws, an error at the deadline, the signal's reason */
  async bound<T>(instance: ManagedInstance, work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const timeout = sleep(this.#clock, this.#ms, AbortSignal.any([over.signal, this.#signal])).then(
      () => {
        // Whether what it was asked to do is done is not known.
        throw new StorageFailedError(
          `${instance.location} has not answered within ${this.#ms / 1_000} s`,
        );
      },
    );
    // Nobody listens once the work is done.
    timeout.catch(() => undefined);
    work.catch(() => undefined);
    try {
      return await Promise.race([work, timeout]);
    } finally {
      over.abort();
    }
  }
}
