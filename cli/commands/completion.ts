// `windlass completion SHELL`: what a shell completes commands and flags with.
import { defineCommand } from '../command.ts';
import type { Command, CommandEntry } from '../command.ts';
import { bashCompletion } from '../manual/bash-completion.ts';
import { completionPlaces } from '../manual/completion-words.ts';
import type { CompletionPlace } from '../manual/completion-words.ts';
import { describeCommands } from '../manual/described-command.ts';
import { fishCompletion } from '../manual/fish-completion.ts';
import { zshCompletion } from '../manual/zsh-completion.ts';
import { manualHelp } from '../manual/manual-help.ts';
import { UsageError } from '../usage-error.ts';

const SHELLS: ReadonlyMap<string, (places: readonly CompletionPlace[]) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/** @param commands all of them, this one too */
export function completionOf(commands: ReadonlyMap<string, CommandEntry>): Command {
  return defineCommand({
    help: manualHelp.completion,
    options: {},
    words: ['SHELL'],
    async run(_values, [shell = ''], io) {
      const script = SHELLS.get(shell);
      if (script === undefined)
        throw new UsageError(
          `there is no completion for ${JSON.stringify(shell)}; shells are ${[...SHELLS.keys()].join(', ')}`,
        );
      io.out(script(completionPlaces(await describeCommands(commands))));
      return 0;
    },
  });
}
