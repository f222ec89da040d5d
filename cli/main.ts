// The command line: finds the command, runs it, turns what it throws into a message and an exit code.
import { stuckThreads } from '#platform/stuck-threads.ts';
import { closest } from './closest.ts';
import { COMMANDS } from './command-table.ts';
import type { CommandEntry, CommandIO } from './command.ts';
import { programHelp } from './help.ts';
import { processIO } from './process-io.ts';
import { stayAlive } from './run-until-stopped.ts';
import { terminalText } from '#platform/terminal-text.ts';
import { CommandError, UsageError } from './usage-error.ts';

function helpText(): string {
  return programHelp([...COMMANDS].map(([name, { help }]) => [name, help]));
}

function findCommand(argv: readonly string[]): { entry: CommandEntry; rest: readonly string[] } {
  const [first = '', second = '', third = ''] = argv;
  const three = COMMANDS.get(`${first} ${second} ${third}`);
  if (three !== undefined) return { entry: three, rest: argv.slice(3) };
  const two = COMMANDS.get(`${first} ${second}`);
  if (two !== undefined) return { entry: two, rest: argv.slice(2) };
  const one = COMMANDS.get(first);
  if (one !== undefined) return { entry: one, rest: argv.slice(1) };
  const names = [...COMMANDS.keys()];
  const near =
    closest(first, names) ?? names.find((name) => name.startsWith(`${first} `)) ?? undefined;
  throw new UsageError(
    `unknown command ${JSON.stringify(first)}; ${near === undefined ? `commands are ${names.join(', ')}` : `did you mean ${near}?`}`,
  );
}

/** Resolves with the exit code: 0 done, 1 could not be done, 2 wrong usage. */
async function main(argv: readonly string[], io: CommandIO): Promise<number> {
  try {
    if (argv.length === 0) {
      io.err(helpText());
      return 2;
    }
    if (argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help') {
      io.out(helpText());
      return 0;
    }
    const { entry, rest } = findCommand(argv[0] === '--version' ? ['version'] : argv);
    return await (await entry.load()).main(rest, io);
  } catch (error) {
    if (error instanceof UsageError) {
      const text = terminalText(error.message);
      io.err(`windlass: ${text}\nRun windlass --help, or windlass COMMAND --help.\n`);
      return 2;
    }
    if (error instanceof CommandError) {
      const next = error.next === undefined ? '' : `${error.next}\n`;
      io.err(terminalText(`windlass: ${error.message}\n${next}`));
      return error.exitCode;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.err(terminalText(`windlass: ${text}\n`));
    return 1;
  }
}

stayAlive();
// Ends here whatever is still open: a command that has answered must not hang on a forgotten socket.
const exitCode = await main(process.argv.slice(2), processIO());
// Node would wait for threads that hang in a call to a disk or a file server, for ever. Nothing else is left to be done.
const stuck = new Set(stuckThreads());
if (stuck.size > 0) {
  const places = [...stuck].join(', ');
  processIO().err(
    `windlass: ended without waiting any longer for ${places}, which does not answer\n`,
  );
  process.kill(process.pid, 'SIGKILL');
}
process.exit(exitCode);
