// Programs that every simulated machine has, as far as controllers use them; tests register the others.
import type { CommandResult } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';
import { NOT_FOUND } from '../host-rules.ts';
import type { SimulatedCommand } from './simulated-command.ts';

type Program = (
  args: readonly string[],
  command: SimulatedCommand,
) => Partial<CommandResult> | void;

const operands = (args: readonly string[]): readonly string[] =>
  args.filter((arg) => !arg.startsWith('-'));

const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => undefined,
  false: () => ({ exitCode: 1 }),
  sync: () => undefined,
  echo: (args) => ({ stdout: `${args.join(' ')}\n` }),
  env: (_, { environment }) => ({
    stdout: Object.entries(environment)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  }),
  hostname: (_, { machine }) => ({ stdout: `${machine.facts.hostname}\n` }),
  cat: (args, { machine, stdin }) => ({
    stdout:
      args.length === 0
        ? stdin
        : args.map((path) => Buffer.from(readable(machine, path)).toString()).join(''),
  }),
  mkdir: (args, { machine }) => {
    for (const path of operands(args)) machine.files.makeFolders(path);
  },
  rm: (args, { machine }) => {
    for (const path of operands(args)) machine.files.remove(path);
  },
  mv: (args, { machine }) => {
    const [from = '', to = ''] = operands(args);
    machine.files.rename(from, to);
  },
  ln: (args, { machine }) => {
    const [target = '', path = ''] = operands(args);
    machine.files.link(path, target);
  },
  chmod: (args, { machine }) => {
    const [mode = '', ...paths] = operands(args);
    for (const path of paths) machine.files.chmod(path, Number.parseInt(mode, 8));
  },
  reboot: (_, { machine }) => machine.reboot(),
  systemctl: (args, { machine }) => {
    if (args.includes('reboot')) return machine.reboot();
    if (args.includes('daemon-reload') || args[0] === 'disable') return undefined;
    return { exitCode: 1, stderr: `systemctl ${args.join(' ')}: use the services of the host\n` };
  },
};

/** Runs a program of the table; exit code 127 for any other. Exit code 1 and the reason on stderr where it says no. */
export function builtIn(command: SimulatedCommand): CommandResult {
  const [program = '', ...args] = command.argv;
  const name = program.slice(program.lastIndexOf('/') + 1);
  const run = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
  if (run === undefined)
    return { exitCode: NOT_FOUND, stdout: '', stderr: `${program}: command not found\n` };
  try {
    return { exitCode: 0, stdout: '', stderr: '', ...run(args, command) };
  } catch (error) {
    if (!(error instanceof HostCommandError)) throw error;
    return { exitCode: 1, stdout: '', stderr: `${name}: ${error.message}\n` };
  }
}

function readable(machine: SimulatedCommand['machine'], path: string): Uint8Array {
  const content = machine.files.read(path);
  if (content === undefined) throw new HostCommandError(`${path}: no such file`);
  return content;
}
