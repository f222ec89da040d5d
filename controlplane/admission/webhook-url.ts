// The URL that a webhook is called at, as upstream's client makes it of what was configured.
import { posix } from 'node:path';

/**
 * With the path cleaned as Go's path.Join does (`https://host//a/` becomes `https://host/a`): servers in Go answer anything else with a
 * redirect, and redirects are not followed.
 *
 * @param configured without a query, which validation forbids
 */
export function webhookURL(configured: string, timeoutMs: number): string {
  const slash = configured.indexOf('/', 'https://'.length);
  const origin = slash < 0 ? configured : configured.slice(0, slash);
  const path = posix.join('/', slash < 0 ? '' : configured.slice(slash));
  const cleaned = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return `${origin}${cleaned}?timeout=${Math.ceil(timeoutMs / 1_000)}s`;
}
