// A host over SSH: what any Linux with sshd, sh and the usual small tools offers.
import type {
  CommandOptions,
  CommandResult,
  FileStat,
  HostDriver,
  HostFacts,
  PutOptions,
} from '../host-driver.ts';
import type { HostContent } from '../host-content.ts';
import { HostCommandError } from '../host-errors.ts';
import {
  DEFAULT_READ_BYTES,
  DEFAULT_TIMEOUT_MS,
  requireCommand,
  requireOwnPath,
  requirePath,
  TIMED_OUT,
  timeoutNote,
} from '../host-rules.ts';
import { DIGEST, FACTS, LIST, READ, RENAME, STAT } from './host-scripts.ts';
import { runRemote } from './remote-command.ts';
import type { RemoteShell } from './remote-command.ts';
import { Scripts } from './run-script.ts';
import { parseFacts } from './ssh-facts.ts';
import { sshPut } from './ssh-put.ts';
import { SshServices } from './ssh-services.ts';

/** Room for the line with the size before the content. */
const SIZE_LINE = 32;
const DIGEST_TIMEOUT_MS = 600_000;

export class SshHost implements HostDriver {
  readonly name: string;
  readonly services: SshServices;
  readonly #shell: RemoteShell;
  readonly #scripts: Scripts;

  /** Connects when first asked. */
  constructor(shell: RemoteShell) {
    this.name = shell.connection.name;
    this.#shell = shell;
    this.#scripts = new Scripts(shell);
    this.services = new SshServices(this);
  }

  async facts(signal: AbortSignal): Promise<HostFacts> {
    const printed = await this.#scripts.run(FACTS, [], signal);
    return parseFacts(printed.toString('utf8'), this.name);
  }

  async exec(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const argv = requireCommand(command);
    const { exitCode, stdout, stderr, timedOut } = await runRemote(this.#shell, argv, options);
    const note = timedOut ? timeoutNote(options.timeoutMs ?? DEFAULT_TIMEOUT_MS) : '';
    return {
      exitCode: timedOut ? TIMED_OUT : exitCode,
      stdout: stdout.text(),
      stderr: stderr + note,
    };
  }

  async stat(path: string, signal: AbortSignal): Promise<FileStat | undefined> {
    const printed = await this.#scripts.ask(STAT, [requirePath(path)], { signal });
    if (printed === undefined) return undefined;
    const [type = '', size = '', mode = '', seconds = ''] = printed
      .toString('utf8')
      .trim()
      .split('|');
    return {
      kind: kindOf(type),
      size: Number(size),
      mode: Number.parseInt(mode, 8),
      modifiedMillis: Number(seconds) * 1000,
    };
  }

  async list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
    const printed = await this.#scripts.ask(LIST, [requirePath(path)], { signal });
    return printed?.toString('utf8').split('\0').filter(Boolean).toSorted();
  }

  async readFile(
    path: string,
    signal: AbortSignal,
    maxBytes = DEFAULT_READ_BYTES,
  ): Promise<Uint8Array | undefined> {
    const printed = await this.#scripts.ask(READ, [requirePath(path), `${maxBytes}`], {
      signal,
      maxBytes: maxBytes + SIZE_LINE,
    });
    if (printed === undefined) return undefined;
    const end = printed.indexOf('\n');
    const size = Number(printed.subarray(0, end).toString('latin1'));
    if (size > maxBytes || printed.length - end - 1 > maxBytes)
      throw new HostCommandError(`${path}: has ${size} bytes, more than ${maxBytes}`);
    return printed.subarray(end + 1);
  }

  async digest(path: string, signal: AbortSignal): Promise<string | undefined> {
    const options = { signal, timeoutMs: DIGEST_TIMEOUT_MS };
    const printed = await this.#scripts.ask(DIGEST, [requirePath(path)], options);
    if (printed === undefined) return undefined;
    const found = /^[0-9a-f]{64}/.exec(printed.toString('latin1'))?.[0];
    if (found === undefined) throw new HostCommandError(`${path}: sha256sum printed no digest`);
    return found;
  }

  async putFile(path: string, content: HostContent, options: PutOptions): Promise<string> {
    return sshPut(this.#shell, this.#scripts, requireOwnPath(path), content, options);
  }

  async rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    await this.#scripts.run(RENAME, [requireOwnPath(from), requireOwnPath(to)], signal);
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.#scripts.run(
      'exec rm -rf -- "$1"',
      [requireOwnPath(path)],
      signal,
      DIGEST_TIMEOUT_MS,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.connection.close();
  }
}

function kindOf(type: string): FileStat['kind'] {
  if (type.startsWith('regular')) return 'file';
  if (type === 'directory') return 'directory';
  return type === 'symbolic link' ? 'link' : 'other';
}
