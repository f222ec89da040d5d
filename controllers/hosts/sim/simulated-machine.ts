// A machine that exists only in memory: files, units, programs that tests register, a clock, a disk with an end. It outlives the
// drivers that connect to it, as a machine outlives the controller; what went wrong and what was asked is remembered for tests.
import type { Clock } from '#platform/clock.ts';
import { BoundedOutput } from '../bounded-output.ts';
import type { CommandResult, HostFacts } from '../host-driver.ts';
import { folderOf } from '../host-rules.ts';
import { NO_FAULTS } from './simulated-faults.ts';
import type { SimulatedCall, SimulatedFaults } from './simulated-faults.ts';
import { SimulatedFiles } from './simulated-files.ts';
import type { SimulatedCommand, SimulatedProgram, SimulatedWorld } from './simulated-command.ts';
import { builtIn } from './simulated-programs.ts';
import { SimulatedUnits } from './simulated-units.ts';

export interface SimulatedMachineOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly facts?: Partial<HostFacts>;
  /** Each call takes this long; default 0. */
  readonly latencyMs?: number;
  /** Bytes that fit on the disk; default: no end. */
  readonly diskBytes?: number;
  /** How long a restart takes, during which nobody answers; default 10,000. */
  readonly rebootMs?: number;
}

/** Calls that are remembered. */
const MOST_CALLS = 10_000;

export class SimulatedMachine implements SimulatedWorld {
  readonly name: string;
  readonly clock: Clock;
  readonly files: SimulatedFiles;
  readonly units = new SimulatedUnits();
  readonly latencyMs: number;
  /** What happened so far, newest last; the oldest are forgotten. */
  readonly calls: SimulatedCall[] = [];
  /** What will go wrong; may be changed at any time. */
  faults: SimulatedFaults = NO_FAULTS;
  /** Nobody answers while it is false. */
  isReachable = true;
  bootCount = 1;
  readonly #facts: Partial<HostFacts>;
  readonly #rebootMs: number;
  readonly #programs: { readonly name: string | undefined; readonly run: SimulatedProgram }[] = [];
  #downUntil = 0;
  #calls = 0;

  constructor(options: SimulatedMachineOptions) {
    this.name = options.name;
    this.clock = options.clock;
    this.latencyMs = options.latencyMs ?? 0;
    this.files = new SimulatedFiles(options.clock, options.diskBytes);
    this.#facts = options.facts ?? {};
    this.#rebootMs = options.rebootMs ?? 10_000;
  }

  /**
   * Registers a program.
   *
   * @param program its name as in argv[0] (a bare name also answers to paths that end in it), or a function that is asked for every
   *   command and answers undefined for those that are not its own. Later ones are asked first.
   */
  onCommand(program: string | SimulatedProgram, answer?: SimulatedProgram): void {
    if (typeof program === 'function') this.#programs.unshift({ name: undefined, run: program });
    else if (answer !== undefined) this.#programs.unshift({ name: program, run: answer });
  }

  async run(command: SimulatedCommand): Promise<CommandResult | undefined> {
    const [program = ''] = command.argv;
    const answers = (name: string | undefined): boolean =>
      name === undefined ||
      name === program ||
      (!name.includes('/') && program.endsWith(`/${name}`));
    for (const { run } of this.#programs.filter(({ name }) => answers(name))) {
      const answer = await run(command);
      if (answer) return bounded({ exitCode: 0, stdout: '', stderr: '', ...answer });
    }
    return bounded(builtIn(command));
  }

  get facts(): HostFacts {
    return {
      os: 'linux',
      arch: 'amd64',
      distribution: { id: 'debian', version: '12' },
      hostname: this.name,
      kernel: '6.1.0-simulated',
      machineId: machineIdOf(this.name),
      clockMillis: this.clock.now(),
      isPrivileged: true,
      addresses: ['10.0.0.1'],
      hasSystemd: true,
      ...this.#facts,
    };
  }

  /** Whether somebody answers now: neither taken away by a test nor restarting. */
  get isUp(): boolean {
    return this.isReachable && this.clock.monotonic() >= this.#downUntil;
  }

  /** Goes down and comes back: /run and /tmp are empty, enabled units run, others do not. */
  reboot(): void {
    this.bootCount++;
    this.#downUntil = this.clock.monotonic() + this.#rebootMs;
    for (const folder of ['/run', '/tmp']) this.files.remove(folder);
    this.units.reboot();
  }

  /** Notes a call and says what goes wrong with it. */
  note(operation: string, subject: string): ReturnType<SimulatedFaults> {
    const call = { number: ++this.#calls, operation, subject };
    this.calls.push(call);
    if (this.calls.length > MOST_CALLS) this.calls.shift();
    return this.faults(call);
  }

  /** Writes a file without a driver: what was on the machine before anybody came. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    this.files.makeFolders(folderOf(path));
    this.files.write(path, typeof content === 'string' ? Buffer.from(content) : content, mode);
  }
}

function bounded(result: CommandResult): CommandResult {
  const cut = (text: string): string => {
    const output = new BoundedOutput();
    output.add(Buffer.from(text));
    return output.text();
  };
  return { ...result, stdout: cut(result.stdout), stderr: cut(result.stderr) };
}

/** 32 hex digits that belong to the name. */
function machineIdOf(name: string): string {
  const hex = Buffer.from(name).toString('hex');
  return hex.padEnd(32, '0').slice(-32);
}
