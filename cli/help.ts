// Help texts, made from the same tables that parse.
import type { Option, OptionTable } from './options.ts';
import { environmentName } from './options.ts';

export interface CommandHelp {
  /** What follows `windlass`, e.g. `rollback SERVICE`. */
  readonly usage: string;
  readonly summary: string;
  /** Paragraphs after the usage line. */
  readonly description?: string;
}

function synopsis(name: string, option: Option): string {
  const flag = option.short === undefined ? `--${name}` : `--${name}, -${option.short}`;
  if (option.type === 'boolean') return flag;
  if (option.type === 'choice') return `${flag} ${option.choices.join('|')}`;
  return `${flag} ${option.placeholder}`;
}

function notes(option: Option): string {
  if (option.type === 'list') return ' (repeatable)';
  if (option.default === undefined) return '';
  return ` (default ${option.default})`;
}

/** Each flag of a command, as it is written, with what it does; those that all commands have come last. */
export function flagRows(table: OptionTable): readonly (readonly [flag: string, help: string])[] {
  return [
    ...Object.entries(table).map(
      ([name, option]) => [synopsis(name, option), `${option.help}${notes(option)}`] as const,
    ),
    ['--config FILE', 'Take values from this YAML or JSON file: flag names as keys'],
    ['--help, -h', 'Print this text'],
  ];
}

/** The text of `windlass COMMAND --help`. */
export function commandHelp(command: CommandHelp, table: OptionTable): string {
  const rows = flagRows(table);
  const width = Math.max(...rows.map(([left]) => left.length));
  const example = Object.keys(table)[0] ?? 'config';
  return [
    `Usage: windlass ${command.usage} [FLAGS]`,
    '',
    command.summary,
    ...(command.description === undefined ? [] : ['', command.description]),
    '',
    'Flags:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    `Each flag can also be an environment variable, --${example} as ${environmentName(example)}.`,
    'A flag wins over the environment, the environment over --config, --config over the default.',
    '',
  ].join('\n');
}

/** The text of `windlass --help`. */
export function programHelp(commands: readonly (readonly [string, CommandHelp])[]): string {
  const width = Math.max(...commands.map(([name]) => name.length));
  return [
    'Usage: windlass COMMAND [FLAGS]',
    '',
    'A Kubernetes-style control plane in one process.',
    '',
    'Commands:',
    ...commands.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'windlass COMMAND --help lists the flags of a command.',
    '',
  ].join('\n');
}
