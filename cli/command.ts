// What a command is: a table of options, the words it takes, and a function. main.ts puts the table of commands together.
import { commandHelp } from './help.ts';
import type { CommandHelp } from './help.ts';
import { parseOptions } from './options.ts';
import type { Environment, OptionTable, OptionValues } from './options.ts';
import { UsageError } from './usage-error.ts';

/** The process around a command, so that tests can put their own there. */
export interface CommandIO {
  readonly environment: Environment;
  /** Standard output: results. */
  readonly out: (text: string) => void;
  /** Standard error: everything else. */
  readonly err: (text: string) => void;
  /** Width of the terminal on standard output; absent when that is none on which lines can be redrawn. */
  readonly columns: (() => number) | undefined;
  /** Whether standard error is a terminal too: what is written there must not tear lines that are being redrawn. */
  readonly errIsTerminal: boolean;
  /** Puts a question to the person at the terminal; absent when nobody is there to answer. Rejects when the signal aborts. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Everything on standard input, for a file named `-`. */
  readonly readInput: () => Promise<string>;
  /** Aborts at the first SIGINT, SIGTERM, SIGHUP or when the launcher dies. Signals are only caught once this is asked for. */
  readonly stopSignal: () => AbortSignal;
}

export interface CommandDefinition<T extends OptionTable> {
  readonly help: CommandHelp;
  readonly options: T;
  /** Names of the words it takes, all required. */
  readonly words?: readonly string[];
  /** Whether more words may follow, flags of another program after `--` among them. */
  readonly moreWords?: boolean;
  /** Resolves with the exit code. */
  readonly run: (
    values: OptionValues<T>,
    words: readonly string[],
    io: CommandIO,
  ) => Promise<number>;
}

/** A command with the types of its options hidden, as the table holds it. */
export interface Command {
  readonly options: OptionTable;
  readonly main: (argv: readonly string[], io: CommandIO) => Promise<number>;
}

/** A row of the table of commands: the code is loaded when it runs. */
export interface CommandEntry {
  readonly help: CommandHelp;
  readonly load: () => Promise<Command>;
}

/** Ties a table of options to the function that gets their values. */
export function defineCommand<const T extends OptionTable>(
  definition: CommandDefinition<T>,
): Command {
  const { help, options, words = [], moreWords = false, run } = definition;
  return {
    options,
    async main(argv, io) {
      const parsed = parseOptions(options, argv, io.environment);
      if (parsed.help) {
        io.out(commandHelp(help, options));
        return 0;
      }
      const found = parsed.positionals;
      if (found.length < words.length)
        throw new UsageError(`${words[found.length]} is missing: windlass ${help.usage}`);
      if (!moreWords && found.length > words.length)
        throw new UsageError(
          `unexpected ${JSON.stringify(found[words.length])}: windlass ${help.usage}`,
        );
      return run(parsed.values, found, io);
    },
  };
}
