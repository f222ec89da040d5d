// Completion for fish. Pure.
import type { CompletionFlag, CompletionPlace } from './completion-words.ts';

/** One line for each word and flag, and a function that says after which words the cursor is. */
export function fishCompletion(places: readonly CompletionPlace[]): string {
  const named = places.filter(({ path }) => path !== '');
  return [
    '# Completion of windlass for fish: windlass completion fish >~/.config/fish/completions/windlass.fish',
    `set -g __windlass_places ${named.map(({ path }) => fishQuoted(path)).join(' ')}`,
    'function __windlass_at',
    "    set -l place ''",
    '    set -l typed (commandline -opc)',
    '    for word in $typed[2..-1]',
    '        set -l longer (string trim -- "$place $word")',
    '        contains -- "$longer" $__windlass_places; or break',
    '        set place $longer',
    '    end',
    '    test "$place" = "$argv[1]"',
    'end',
    ...places.flatMap(linesOf),
    '',
  ].join('\n');
}

function linesOf({ path, next, flags, words }: CompletionPlace): readonly string[] {
  const here = `complete -c windlass -n ${fishQuoted(`__windlass_at ${fishQuoted(path)}`)}`;
  return [
    ...next.map(({ word, help }) => `${here} -f -a ${word} -d ${fishQuoted(help)}`),
    ...(words.length === 0 ? [] : [`${here} -f -a ${fishQuoted(words.join(' '))}`]),
    ...flags.map(
      ({ names, help, value }) =>
        `${here} ${names.map(flagName).join(' ')}${valueOptions(value)} -d ${fishQuoted(help)}`,
    ),
  ];
}

function flagName(name: string): string {
  return name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
}

function valueOptions(value: CompletionFlag['value']): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  return typeof value === 'string' ? ' -x' : ` -x -a ${fishQuoted(value.join(' '))}`;
}

/** Between single quotes fish only reads `\\` and `\'`. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}
