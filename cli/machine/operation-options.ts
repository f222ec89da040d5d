// Flags of the commands that make a MachineOperation, and what they say in its spec.
import { clientOptions } from '../connect.ts';
import type { OptionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';

export const operationOptions = {
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    default: 'default',
    help: 'Namespace of the machine',
  },
  selector: {
    type: 'string',
    short: 'l',
    placeholder: 'KEY=VALUE[,…]',
    help: 'All machines with these labels instead of one by name',
  },
  deadline: {
    type: 'string',
    placeholder: 'DURATION',
    default: '10m',
    help: 'What is not done by then has failed',
  },
  keep: {
    type: 'integer',
    placeholder: 'SECONDS',
    // Long enough to read how it ended.
    minimum: 60,
    maximum: 2_147_483_647,
    default: 3600,
    help: 'How long the MachineOperation is kept after its end',
  },
  ...clientOptions,
} as const satisfies OptionTable;

export interface TargetValues {
  readonly selector: string | undefined;
  readonly deadline: string;
  readonly keep: number;
}

/** @throws UsageError unless there is a name or a selector, and not both */
export function operationSpec(
  type: string,
  values: TargetValues,
  words: readonly string[],
): object {
  const [name, more] = words;
  if (more !== undefined)
    throw new UsageError(`unexpected ${JSON.stringify(more)}: one NAME, or --selector`);
  if ((name === undefined) === (values.selector === undefined))
    throw new UsageError(
      name === undefined
        ? 'NAME is missing: name a machine, or some by --selector'
        : 'give NAME or --selector, not both',
    );
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(values.deadline))
    throw new UsageError(
      `--deadline ${JSON.stringify(values.deadline)}: must be a duration such as 90s or 10m`,
    );
  return {
    type,
    ...(name === undefined
      ? { selector: { matchLabels: labelsOf(values.selector ?? '') } }
      : { machineRef: { name } }),
    deadline: values.deadline,
    ttlSecondsAfterFinished: values.keep,
  };
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, key, value] = /^([^=]+)=([^=]*)$/.exec(part.trim()) ?? [];
      if (key === undefined || value === undefined)
        throw new UsageError(
          `--selector ${JSON.stringify(text)}: must be KEY=VALUE, with commas between several`,
        );
      return [key, value];
    }),
  );
}
