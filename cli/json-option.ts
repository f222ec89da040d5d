// `--json` of commands that show how things are.
import type { OptionTable } from './options.ts';

export const jsonOption = {
  json: { type: 'boolean', help: 'Print one JSON document instead of text' },
} as const satisfies OptionTable;
