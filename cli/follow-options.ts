// Flags of every command that follows a rollout to its end.
import { parseDuration } from '#controllers/machinery/duration.ts';
import type { OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

export const followOptions = {
  timeout: {
    type: 'string',
    placeholder: 'DURATION',
    help: 'Stop waiting after so long, such as 5m (default: when the rollout ends)',
  },
  'log-lines': {
    type: 'integer',
    placeholder: 'N',
    minimum: 0,
    maximum: 10_000,
    default: 10,
    help: 'Last log lines to show of an instance that failed',
  },
} as const satisfies OptionTable;

/** Milliseconds; undefined for no limit. @throws UsageError for what is no duration */
export function timeoutOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && (ms === undefined || ms === 0))
    throw new UsageError(
      `--timeout must be a duration such as 90s or 5m, found ${JSON.stringify(text)}`,
    );
  return ms;
}
