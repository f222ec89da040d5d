// Completion for zsh, read from a file `_windlass` of its fpath, or by `source`. Pure.
import type { CompletionFlag, CompletionPlace } from './completion-words.ts';
import { flagValueCases } from './flag-values.ts';
import { quoted } from './shell-quote.ts';

/** The script: commands and flags with what they do, and what may follow a flag. */
export function zshCompletion(places: readonly CompletionPlace[]): string {
  const named = places.filter(({ path }) => path !== '');
  return [
    '#compdef windlass',
    '# Completion of windlass for zsh: windlass completion zsh >"${fpath[1]}/_windlass"',
    '_windlass() {',
    "  local place='' word before=${words[CURRENT-1]}",
    '  local -i i',
    '  local -a next flags',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    word="${place:+$place }${words[i]}"',
    '    case $word in',
    `      (${named.map(({ path }) => quoted(path)).join('|')}) place=$word ;;`,
    '      (*) break ;;',
    '    esac',
    '  done',
    "  if [[ $PREFIX == --*=* ]]; then before=${PREFIX%%=*}; compset -P '*='; fi",
    '  case "$place $before" in',
    ...places.flatMap((place) => flagValueCases(place, valueReply, '(')),
    '  esac',
    '  case $place in',
    ...places.map(
      ({ path, next, flags, words }) =>
        `    (${quoted(path)}) next=(${[
          ...next.map(({ word, help }) => described(word, help)),
          ...words.map(quoted),
        ].join(' ')}); flags=(${flags.flatMap(describedFlag).join(' ')}) ;;`,
    ),
    '  esac',
    '  if [[ $PREFIX == -* ]]; then _describe flag flags',
    '  elif (( $#next )); then _describe command next',
    '  else _files; fi',
    '}',
    'if [[ $funcstack[1] == _windlass ]]; then _windlass "$@"; else compdef _windlass windlass; fi',
    '',
  ].join('\n');
}

function valueReply(value: CompletionFlag['value']): string {
  if (value === 'file') return '_files; return';
  return typeof value === 'string' ? 'return 1' : `compadd -- ${value.join(' ')}; return`;
}

function describedFlag({ names, help }: CompletionFlag): readonly string[] {
  return names.map((name) => described(name, help));
}

/** A word and what it does, as _describe takes them. */
function described(word: string, help: string): string {
  return quoted(`${word.replaceAll(':', String.raw`\:`)}:${help}`);
}
