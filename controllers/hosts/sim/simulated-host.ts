// The driver of a simulated machine: one connection of one caller. Faults strike here; what they leave is in the machine.
import { sleep } from '#platform/clock.ts';
import type {
  CommandOptions,
  CommandResult,
  FileStat,
  HostDriver,
  HostFacts,
  HostServices,
  PutOptions,
  ServiceState,
} from '../host-driver.ts';
import type { HostContent } from '../host-content.ts';
import { piecesOf, sha256 } from '../host-content.ts';
import { DigestMismatchError, HostCommandError, HostUnreachableError } from '../host-errors.ts';
import {
  DEFAULT_FILE_MODE,
  DEFAULT_READ_BYTES,
  DEFAULT_TIMEOUT_MS,
  folderOf,
  requireCommand,
  requireOwnPath,
  requirePath,
  requireUnit,
  TEMPORARY_MARK,
  TIMED_OUT,
  timeoutNote,
  UNIT_FOLDER,
} from '../host-rules.ts';
import { SimulatedCrashError } from './simulated-faults.ts';
import type { SimulatedFault } from './simulated-faults.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

type Fault = SimulatedFault | undefined;

export class SimulatedHost implements HostDriver {
  readonly name: string;
  readonly services: HostServices;
  readonly #machine: SimulatedMachine;
  #isDead = false;

  constructor(machine: SimulatedMachine) {
    this.#machine = machine;
    this.name = `sim ${machine.name}`;
    this.services = this.#makeServices();
  }

  facts(signal: AbortSignal): Promise<HostFacts> {
    return this.#call('facts', '', signal, () => this.#machine.facts);
  }

  exec(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const { signal, stdin = '', environment = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    return this.#call('exec', command.join(' '), signal, async (fault) => {
      const argv = requireCommand(command);
      if (fault?.kind === 'commandFailure')
        return {
          exitCode: fault.exitCode ?? 1,
          stdout: '',
          stderr: fault.message ?? 'simulated failure\n',
        };
      const machine = this.#machine;
      const ending = new AbortController();
      const timeout = sleep(machine.clock, timeoutMs, AbortSignal.any([signal, ending.signal]));
      const late = { exitCode: TIMED_OUT, stdout: '', stderr: timeoutNote(timeoutMs) };
      const stopping = AbortSignal.any([signal, ending.signal]);
      try {
        const work = machine.run({ argv, stdin, environment, machine, signal: stopping });
        // Whichever loses the race may still fail, with nobody to hear.
        work.catch(() => undefined);
        return (await Promise.race([work, timeout.then(() => late)])) ?? late;
      } finally {
        timeout.catch(() => undefined);
        ending.abort();
      }
    });
  }

  stat(path: string, signal: AbortSignal): Promise<FileStat | undefined> {
    return this.#call('stat', path, signal, () => this.#machine.files.stat(requirePath(path)));
  }

  list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
    return this.#call('list', path, signal, () => this.#machine.files.list(requirePath(path)));
  }

  readFile(
    path: string,
    signal: AbortSignal,
    maxBytes = DEFAULT_READ_BYTES,
  ): Promise<Uint8Array | undefined> {
    return this.#call('readFile', path, signal, () => {
      const content = this.#file(path);
      if (content !== undefined && content.length > maxBytes)
        throw new HostCommandError(`${path}: has ${content.length} bytes, more than ${maxBytes}`);
      return content;
    });
  }

  digest(path: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#call('digest', path, signal, () => {
      const content = this.#file(path);
      return content && sha256(content);
    });
  }

  putFile(path: string, content: HostContent, options: PutOptions): Promise<string> {
    const { signal, mode = DEFAULT_FILE_MODE, sha256: wanted, modifiedMillis } = options;
    return this.#call('putFile', path, signal, async (fault) => {
      requireOwnPath(path);
      const parts: Uint8Array[] = [];
      for await (const piece of piecesOf(content, signal)) parts.push(piece);
      const sent = Buffer.concat(parts);
      const { files } = this.#machine;
      files.makeFolders(folderOf(path));
      if (fault?.kind === 'diskFull')
        throw new HostCommandError(`${path}: no space left on device`);
      const arrived = Buffer.from(sent);
      if (fault?.kind === 'wrongDigest' && arrived.length > 0) arrived[0] = (arrived[0] ?? 0) ^ 1;
      const temporary = `${path}${TEMPORARY_MARK}${this.#machine.calls.length}`;
      files.write(temporary, arrived, mode, modifiedMillis);
      const found = sha256(arrived);
      const expected = wanted ?? sha256(sent);
      if (fault?.kind === 'crashAfter' && this.#machine.calls.length % 2 === 0) return found;
      if (found !== expected || files.stat(path)?.kind === 'directory') {
        files.remove(temporary);
        if (found !== expected) throw new DigestMismatchError(path, expected, found);
        throw new HostCommandError(`${path}: is a folder`);
      }
      files.rename(temporary, path);
      return found;
    });
  }

  rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    return this.#call('rename', `${from} ${to}`, signal, () =>
      this.#machine.files.rename(requireOwnPath(from), requireOwnPath(to)),
    );
  }

  remove(path: string, signal: AbortSignal): Promise<void> {
    return this.#call('remove', path, signal, () =>
      this.#machine.files.remove(requireOwnPath(path)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // There is no connection to close.
  }

  #makeServices(): HostServices {
    const { units, files } = this.#machine;
    const call = <T>(
      operation: string,
      unit: string,
      signal: AbortSignal,
      work: () => T,
    ): Promise<T> =>
      this.#call(`services.${operation}`, unit, signal, () => {
        requireUnit(unit);
        return work();
      });
    return {
      install: (unit, content, signal) =>
        call('install', unit, signal, () => {
          files.makeFolders(UNIT_FOLDER);
          files.write(`${UNIT_FOLDER}/${unit}`, Buffer.from(content), DEFAULT_FILE_MODE);
          units.install(unit, content);
        }),
      uninstall: (unit, signal) =>
        call('uninstall', unit, signal, () => {
          units.uninstall(unit);
          files.remove(`${UNIT_FOLDER}/${unit}`);
        }),
      state: (unit, signal): Promise<ServiceState> =>
        call('state', unit, signal, () => units.state(unit)),
      start: (unit, signal) => call('start', unit, signal, () => units.start(unit)),
      stop: (unit, signal) => call('stop', unit, signal, () => units.stop(unit)),
    };
  }

  #file(path: string): Uint8Array | undefined {
    const { files } = this.#machine;
    const content = files.read(requirePath(path));
    if (content === undefined && files.list(path) !== undefined)
      throw new HostCommandError(`${path}: is a folder, not a file`);
    return content;
  }

  /** One call: dead callers, faults before, the work, faults after. */
  async #call<T>(
    operation: string,
    subject: string,
    signal: AbortSignal,
    work: (fault: Fault) => T | Promise<T>,
  ): Promise<T> {
    const machine = this.#machine;
    if (this.#isDead) throw new SimulatedCrashError('the caller is dead');
    signal.throwIfAborted();
    const fault = machine.note(operation, subject);
    if (fault?.kind === 'crash') this.#die(operation);
    const delayMs = machine.latencyMs + (fault?.kind === 'slow' ? fault.delayMs : 0);
    if (delayMs > 0) await sleep(machine.clock, delayMs, signal);
    if (fault?.kind === 'reboot') machine.reboot();
    if (!machine.isUp || fault?.kind === 'unreachable')
      throw new HostUnreachableError(`${this.name}: does not answer`);
    if (fault?.kind === 'commandFailure' && operation !== 'exec')
      throw new HostCommandError(
        `${this.name}: ${operation}: ${fault.message ?? 'simulated failure'}`,
      );
    try {
      return await work(fault);
    } finally {
      if (fault?.kind === 'crashAfter') this.#die(operation);
      if (fault?.kind === 'answerLost')
        // eslint-disable-next-line no-unsafe-finally -- whatever the answer was, it is lost
        throw new HostUnreachableError(`${this.name}: the connection ended before the answer`);
    }
  }

  #die(operation: string): never {
    this.#isDead = true;
    throw new SimulatedCrashError(`the caller died at ${operation}`);
  }
}
