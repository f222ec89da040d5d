// A command on a simulated machine, and the programs that answer it.
import type { CommandResult, HostFacts } from '../host-driver.ts';
import type { SimulatedFiles } from './simulated-files.ts';
import type { SimulatedUnits } from './simulated-units.ts';

/** The machine, as its programs see it. */
export interface SimulatedWorld {
  readonly name: string;
  readonly files: SimulatedFiles;
  readonly units: SimulatedUnits;
  readonly facts: HostFacts;
  /** Goes down and comes back: /run and /tmp are empty, enabled units run, others do not. */
  reboot(): void;
}

/** A command as a program of a test sees it. */
export interface SimulatedCommand {
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly machine: SimulatedWorld;
  readonly signal: AbortSignal;
}

/** What a program answers; left out: exit code 0, no output. Undefined: not for this program, ask the next. */
export type SimulatedAnswer = Partial<CommandResult> | undefined;
export type SimulatedProgram = (
  command: SimulatedCommand,
) => SimulatedAnswer | void | Promise<SimulatedAnswer | void>;
