// What an instance has not answered in time. Nothing can take it back, so it is waited for, and said meanwhile; and what somebody else's
// provider throws, which may be anything.
import { StorageUnreachableError } from '../errors.ts';
import type { Clock } from '#platform/clock.ts';
import type { ManagedInstance } from './instance.ts';
import { toldMessage } from './told-message.ts';

/**
 * Calls `late` when the instance has not answered for as long as it may; those that set a limit themselves are not watched.
 *
 * @returns to be called when it has
 */
export function watchAnswer(
  { location, answerMs }: ManagedInstance,
  clock: Clock,
  late: (error: StorageUnreachableError) => void,
): () => void {
  if (answerMs === undefined) return () => undefined;
  return clock.schedule(answerMs, () =>
    late(
      new StorageUnreachableError(
        `Cannot write to ${location}: it has not answered for ${answerMs / 1_000} s; what becomes of the write under way is not known until it does`,
      ),
    ),
  );
}

export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(toldMessage(thrown));
}
