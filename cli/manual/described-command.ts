// A command as completions, manual pages and the reference see it: what `--help` is made of.
import type { CommandEntry } from '../command.ts';
import type { CommandHelp } from '../help.ts';
import type { OptionTable } from '../options.ts';

export interface DescribedCommand {
  /** The words that name it: `node join`. */
  readonly name: string;
  readonly help: CommandHelp;
  readonly options: OptionTable;
}

/** Loads the code of each command, for its options. */
export function describeCommands(
  commands: ReadonlyMap<string, CommandEntry>,
): Promise<readonly DescribedCommand[]> {
  return Promise.all(
    [...commands].map(async ([name, { help, load }]) => ({
      name,
      help,
      options: (await load()).options,
    })),
  );
}
