// Flags of every command that follows a rollout to its end.
import type { OptionTable } from './options.ts';

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
