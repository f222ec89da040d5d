// What follows a flag, as bash and zsh ask for it: by `case "$place $flag"`. Pure.
import type { CompletionFlag, CompletionPlace } from './completion-words.ts';
import { quoted } from './shell-quote.ts';

/** One for each flag of the place that something follows. @param reply what the case does @param opening zsh wants `(` before its patterns */
export function flagValueCases(
  { path, flags }: CompletionPlace,
  reply: (value: CompletionFlag['value']) => string,
  opening = '',
): readonly string[] {
  return flags
    .filter(({ value }) => value !== 'none')
    .map(({ names, value }) => {
      const patterns = names.map((name) => quoted(`${path} ${name}`)).join('|');
      return `    ${opening}${patterns}) ${reply(value)} ;;`;
    });
}
