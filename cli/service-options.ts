// Flags of every command that is about one service.
import type { OptionTable } from './options.ts';

export const serviceOptions = {
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    default: 'default',
    help: 'Namespace of the service',
  },
} as const satisfies OptionTable;
