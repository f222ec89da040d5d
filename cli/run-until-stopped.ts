// Runs one long-lived part until a stop signal, then closes it within a deadline.
import { sleep, systemClock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { addStuckThread } from '#platform/stuck-threads.ts';
import type { CommandIO } from './command.ts';
import { CommandError } from './usage-error.ts';

/** Above the longest usual grace of an instance (30 s), so that a stop is cut short only when something hangs. */
const STOP_DEADLINE_MS = 45_000;

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Timers of the clock let a process end, and so do idle connections: whoever waits for a server that is away must not end. */
export function stayAlive(): () => void {
  const keepAlive = setInterval(() => undefined, 60_000);
  return () => clearInterval(keepAlive);
}

/** Waits for `close` until the deadline. Exit code 0, or 1 when something hangs. */
export async function closeInTime(close: () => Promise<void>, logger: Logger): Promise<number> {
  const rest = stayAlive();
  const inTime = await Promise.race([
    close().then(() => true),
    sleep(systemClock, STOP_DEADLINE_MS).then(() => false),
  ]);
  rest();
  if (inTime) return 0;
  const deadlineMs = STOP_DEADLINE_MS;
  logger.error('Not everything stopped in time; the next start finishes it', { deadlineMs });
  // It may hang where Node would wait for it once more.
  addStuckThread('what is still stopping');
  return 1;
}

export interface Part {
  readonly close: () => Promise<void>;
  /** Rejects when it cannot go on. */
  readonly done?: Promise<void>;
}

/** @throws CommandError with the reason when `start` fails */
export async function runUntilStopped(
  io: CommandIO,
  logger: Logger,
  start: (signal: AbortSignal) => Promise<Part>,
): Promise<number> {
  const signal = io.stopSignal();
  let part: Part;
  try {
    part = await start(signal);
  } catch (error) {
    if (signal.aborted) return 0;
    throw new CommandError((error as Error).message, undefined, { cause: error });
  }
  try {
    await Promise.race([
      aborted(signal),
      part.done?.then(() => aborted(signal)) ?? aborted(signal),
    ]);
  } catch (error) {
    await closeInTime(() => part.close(), logger);
    throw new CommandError((error as Error).message, undefined, { cause: error });
  }
  io.err('stopping\n');
  return closeInTime(() => part.close(), logger);
}
