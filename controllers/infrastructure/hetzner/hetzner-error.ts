// What the Hetzner Cloud API refuses with, and which of it passes. Pure, but for the waiting.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { InfrastructureError } from '../errors.ts';

/** A refusal by the API, or of an action that it began. */
export class HetznerError extends InfrastructureError {
  override readonly reason = 'HetznerError';
  override readonly name = 'HetznerError';
  /** As the API spells it: `resource_unavailable`. */
  readonly code: string;
  /** When the API says it may be asked again. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(`hetzner: ${message} (${code})`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** None of the locations gave a server. `causes` has the last refusal of each. */
export class AllLocationsFailed extends InfrastructureError {
  override readonly reason = 'AllLocationsFailed';
  override readonly name = 'AllLocationsFailed';
  readonly causes: readonly Error[];

  constructor(server: string, causes: ReadonlyMap<string, Error>) {
    const each = [...causes].map(([location, error]) => `${location}: ${error.message}`);
    super(`server ${server}: all locations failed: ${each.join('; ')}`);
    this.causes = [...causes.values()];
  }
}

const PASSING = new Set([
  'resource_unavailable',
  'conflict',
  'timeout',
  'rate_limit_exceeded',
  'service_error',
  'server_error',
  'bad_gateway',
  'maintenance',
  'robot_unavailable',
  'locked',
  'placement_error',
]);

/** Whether the same request may well be granted in a moment. */
export function isPassing(error: unknown): boolean {
  return error instanceof HetznerError && PASSING.has(error.code);
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof HetznerError && codes.includes(error.code);
}

const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 10_000;

/** Before try `attempt` + 1: 2 s, doubled each time, at most 10 s. @param attempt from 1 */
export function retryDelayMs(attempt: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
}

export interface RetryOptions {
  /** Below 1 counts as 1. */
  readonly attempts: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** By default `isPassing`. */
  readonly canPass?: (error: unknown) => boolean;
}

/** Again while the refusal may pass. @throws the last refusal; the signal's reason */
export async function withRetries<T>(
  { attempts, clock, signal, canPass = isPassing }: RetryOptions,
  act: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= attempts || !canPass(error)) throw error;
      const asked = error instanceof HetznerError ? error.retryAfterMs : undefined;
      await sleep(clock, Math.max(asked ?? 0, retryDelayMs(attempt)), signal);
    }
  }
}
