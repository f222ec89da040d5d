// Which failures of a registry may be over in a moment, and trying again a few times.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import { RegistryError } from './registry-error.ts';

const TRIES = 5;
const WAITS = { initialMs: 2_000, maximumMs: 16_000 };
const STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);
const CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** DNS, refused connections, and statuses that say "later"; never TLS, a cancellation, or "there is none". */
export function isTransient(error: unknown): boolean {
  for (
    let each = error, depth = 0;
    each instanceof Error && depth < 8;
    each = each.cause, depth += 1
  ) {
    const { code } = each as { readonly code?: unknown };
    if (typeof code === 'string' && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return false;
    if (typeof code === 'string' && CODES.has(code)) return true;
    if (each instanceof RegistryError && each.cause === undefined) {
      const status = /it answers (\d+)/.exec(each.message)?.[1];
      return status !== undefined && STATUSES.has(Number(status));
    }
  }
  return false;
}

/** Five tries, waiting 2, 4, 8 and 16 seconds. */
export async function persistently<T>(
  clock: Clock,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (attempt + 1 >= TRIES || !isTransient(error)) throw error;
      await sleep(clock, backoffMs(attempt, WAITS, 0), signal);
    }
  }
}
