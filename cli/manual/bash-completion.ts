// Completion for bash, without the package bash-completion: some machines do not have it. Pure.
import type { CompletionFlag, CompletionPlace } from './completion-words.ts';
import { flagValueCases } from './flag-values.ts';
import { quoted } from './shell-quote.ts';

/** The script that `source <(windlass completion bash)` reads. */
export function bashCompletion(places: readonly CompletionPlace[]): string {
  return [
    '# Completion of windlass for bash: source <(windlass completion bash)',
    '_windlass() {',
    "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path='' word i",
    '  # --flag=value comes as three words.',
    '  if [[ $current == = ]]; then current=; ',
    '  elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    word=${path:+$path }${COMP_WORDS[i]}',
    '    case $word in',
    `      ${places
      .filter(({ path }) => path !== '')
      .map(({ path }) => quoted(path))
      .join('|')}) path=$word ;;`,
    '      *) break ;;',
    '    esac',
    '  done',
    '  COMPREPLY=()',
    '  case "$path $before" in',
    ...places.flatMap((place) => flagValueCases(place, valueReply)),
    '  esac',
    "  local words='' flags=''",
    '  case $path in',
    ...places.map(
      ({ path, next, flags, words }) =>
        `    ${quoted(path)}) words=${quoted([...next.map(({ word }) => word), ...words].join(' '))}; flags=${quoted(
          flags.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' '),
        )} ;;`,
    ),
    '  esac',
    '  [[ $current == -* ]] && words=$flags',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
    '}',
    'complete -o default -F _windlass windlass',
    '',
  ].join('\n');
}

/** What follows a flag. Files are left to the shell, which does that when nothing else is said. */
function valueReply(value: CompletionFlag['value']): string {
  const words = typeof value === 'string' ? '' : value.join(' ');
  return words === ''
    ? 'return'
    : `mapfile -t COMPREPLY < <(compgen -W ${quoted(words)} -- "$current"); return`;
}
