// What can follow what on a command line, for the scripts that shells complete with. Pure.
import type { Option } from '../options.ts';
import type { DescribedCommand } from './described-command.ts';

/** What is known after the words of a command or of the beginning of one. */
export interface CompletionPlace {
  /** '' for the program itself, `node`, `node join` … */
  readonly path: string;
  /** Words that go on to a command. */
  readonly next: readonly CompletionWord[];
  readonly flags: readonly CompletionFlag[];
  /** What its own words may be, where that is known: shells, or files. */
  readonly words: readonly string[];
}
export interface CompletionWord {
  readonly word: string;
  readonly help: string;
}
export interface CompletionFlag {
  /** `--file`, `-f` */
  readonly names: readonly string[];
  readonly help: string;
  /** What follows it: nothing, one of these, a file, or something that is not known here. */
  readonly value: 'none' | 'file' | 'other' | readonly string[];
}

const EVERYWHERE: readonly CompletionFlag[] = [
  { names: ['--config'], help: 'Take values from this file', value: 'file' },
  { names: ['--help', '-h'], help: 'Print the help', value: 'none' },
];

/** All places, the program itself first. */
export function completionPlaces(
  commands: readonly DescribedCommand[],
): readonly CompletionPlace[] {
  const byName = new Map(commands.map((command) => [command.name, command]));
  const paths = new Set(['']);
  for (const { name } of commands) {
    const words = name.split(' ');
    for (let length = 1; length <= words.length; length++)
      paths.add(words.slice(0, length).join(' '));
  }
  return [...paths].map((path) => {
    const command = byName.get(path);
    return {
      path,
      next: nextWords(path, [...paths], byName),
      flags:
        command === undefined
          ? EVERYWHERE.slice(1)
          : [...Object.entries(command.options).map(flagOf), ...EVERYWHERE],
      words: knownWords(command?.help.usage ?? ''),
    };
  });
}

function nextWords(
  path: string,
  paths: readonly string[],
  byName: ReadonlyMap<string, DescribedCommand>,
): readonly CompletionWord[] {
  const before = path === '' ? '' : `${path} `;
  return paths
    .filter((one) => one !== '' && one !== path && one.startsWith(before))
    .filter((one) => !one.slice(before.length).includes(' '))
    .map((one) => ({
      word: one.slice(before.length),
      help: byName.get(one)?.help.summary ?? `Commands of ${one}`,
    }));
}

/** `completion bash|zsh|fish` → the three. */
function knownWords(usage: string): readonly string[] {
  const last = usage.split(' ').at(-1) ?? '';
  return /^[a-z]+(\|[a-z]+)+$/.test(last) ? last.split('|') : [];
}

function flagOf([name, option]: readonly [string, Option]): CompletionFlag {
  const short = option.short === undefined ? [] : [`-${option.short}`];
  return { names: [`--${name}`, ...short], help: option.help, value: valueOf(option) };
}

function valueOf(option: Option): CompletionFlag['value'] {
  if (option.type === 'boolean') return 'none';
  if (option.type === 'choice') return option.choices;
  return /FILE|PATH|FOLDER|DIR/.test(option.placeholder) ? 'file' : 'other';
}
