// One command on a host: its arguments quoted, its environment and the password of sudo told over stdin (never in arguments, which every
// user of the host can read), its process group known so that all of it can be killed.
import type { ClientChannel } from 'ssh2';
import { constants } from 'node:os';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { BoundedOutput } from '../bounded-output.ts';
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';
import { DEFAULT_TIMEOUT_MS } from '../host-rules.ts';
import { shellWords } from './shell-words.ts';
import type { SshConnection } from './ssh-connection.ts';

export interface RemoteOptions {
  readonly signal: AbortSignal;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Bytes of stdout that are kept; default 1 MiB. */
  readonly maxBytes?: number;
}

export interface RemoteResult {
  readonly exitCode: number;
  readonly stdout: BoundedOutput;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RemoteShell {
  readonly connection: SshConnection;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly sudo: boolean;
  readonly sudoPassword: string | undefined;
}

/** Time for a kill to be heard. */
const KILL_MS = 5_000;

/**
 * Tells its process group on stderr, then reads lines: up to the first mark they are not ours to look at (a password that sudo did not
 * want), up to the second they are variables. A connection that ends before that runs nothing.
 */
const PROLOGUE = `_wm=$1; shift
read -r _ _ _ _ _wg _ </proc/$$/stat
echo "$_wm $_wg" >&2
_wl=; while [ "$_wl" != "$_wm" ]; do IFS= read -r _wl || exit 125; done
while :; do IFS= read -r _wl || exit 125; [ "$_wl" = "$_wm" ] && break
_wv=$(printf '%b.' "\${_wl#*=}"); export "\${_wl%%=*}=\${_wv%.}"; done
unset _wm _wg _wl _wv; cd /; exec "$@"`;

/**
 * @throws HostUnreachableError when the connection ends first, HostCommandError when sudo refuses, the signal's reason after the command
 *   was killed
 */
export function runRemote(
  shell: RemoteShell,
  argv: readonly string[],
  options: RemoteOptions,
): Promise<RemoteResult> {
  return shell.connection.limited(options.signal, () =>
    runUnlimited(shell, argv, options, (running) => kill(shell, running)),
  );
}

async function runUnlimited(
  shell: RemoteShell,
  argv: readonly string[],
  options: RemoteOptions,
  stop: (running: RunningCommand) => Promise<void>,
): Promise<RemoteResult> {
  const { connection, clock, ids, sudo, sudoPassword } = shell;
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const mark = `windlass-${ids.hex(16)}`;
  const asRoot =
    sudoPassword === undefined ? ['sudo', '-n', '--'] : ['sudo', '-k', '-S', '-p', '', '--'];
  const line = shellWords([...(sudo ? asRoot : []), 'sh', '-c', PROLOGUE, 'sh', mark, ...argv]);
  const running = await connection.exec(
    line,
    signal,
    (channel) => new RunningCommand(channel, mark, options.maxBytes),
  );
  running.write(
    [
      ...(sudo && sudoPassword !== undefined ? [sudoPassword] : []),
      mark,
      ...Object.entries(options.environment ?? {}).map(variableLine),
      `${mark}\n`,
    ].join('\n') + (options.stdin ?? ''),
  );
  const timing = new AbortController();
  const ending = AbortSignal.any([signal, timing.signal]);
  const late = sleep(clock, timeoutMs, ending).then(
    () => 'late' as const,
    () => 'stopped' as const,
  );
  try {
    const first = await Promise.race([running.ended.then(() => 'ended' as const), late]);
    if (first !== 'ended') await stop(running);
    signal.throwIfAborted();
    if (first === 'late') return running.result(true);
    return checked(running, shell);
  } finally {
    timing.abort();
  }
}

function checked(running: RunningCommand, { connection, sudo }: RemoteShell): RemoteResult {
  const result = running.result(false);
  if (running.exitCode === undefined)
    throw new HostUnreachableError(
      `${connection.name}: the connection ended before the command did`,
    );
  if (running.group === undefined)
    throw new HostCommandError(
      `${connection.name}: ${sudo ? 'sudo' : 'the shell'} refuses: ${result.stderr.trim().slice(0, 500) || `exit code ${result.exitCode}`}`,
    );
  return result;
}

/** Kills the whole group on the host; gives up after a while where nobody answers there. */
async function kill(shell: RemoteShell, running: RunningCommand): Promise<void> {
  const giveUp = new AbortController();
  const patience = sleep(shell.clock, KILL_MS, giveUp.signal).catch(() => undefined);
  const work = async (): Promise<void> => {
    const group = await running.started;
    if (group === undefined || running.isEnded) return;
    // Outside of the limit on channels: all of them may be taken by what must be killed.
    const options = { signal: giveUp.signal, timeoutMs: KILL_MS };
    await runUnlimited(shell, ['kill', '-KILL', '--', `-${group}`], options, async (killing) =>
      killing.close(),
    );
    await running.ended;
  };
  // Whether it was heard cannot be known when the connection is gone.
  await Promise.race([work().catch(() => undefined), patience]);
  giveUp.abort();
  running.close();
}

function variableLine([name, value]: readonly [string, string]): string {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new HostCommandError(`environment: ${JSON.stringify(name)} is no name of a variable`);
  return `${name}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`;
}

class RunningCommand {
  readonly stdout: BoundedOutput;
  readonly started: Promise<string | undefined>;
  readonly ended: Promise<void>;
  exitCode: number | undefined;
  group: string | undefined;
  isEnded = false;
  readonly #stderr = new BoundedOutput();
  readonly #channel: ClientChannel;
  readonly #mark: string;

  constructor(channel: ClientChannel, mark: string, maxBytes: number | undefined) {
    this.#channel = channel;
    this.#mark = mark;
    this.stdout = new BoundedOutput(maxBytes);
    const started = Promise.withResolvers<string | undefined>();
    const ended = Promise.withResolvers<void>();
    this.started = started.promise;
    this.ended = ended.promise;
    channel.on('data', (chunk: Buffer) => this.stdout.add(chunk));
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#stderr.add(chunk);
      if (this.group !== undefined) return;
      this.group = new RegExp(`${mark} (\\d+)\n`).exec(this.#stderr.text())?.[1];
      if (this.group !== undefined) started.resolve(this.group);
    });
    channel.on('exit', (code: number | null, signal?: string) => {
      this.exitCode = code ?? 128 + signalNumber(signal);
    });
    channel.on('error', () => undefined);
    channel.once('close', () => {
      this.isEnded = true;
      started.resolve(undefined);
      ended.resolve();
    });
  }

  result(timedOut: boolean): RemoteResult {
    const stderr = this.#stderr.text().replace(new RegExp(`${this.#mark} \\d+\n`), '');
    return { exitCode: this.exitCode ?? 0, stdout: this.stdout, stderr, timedOut };
  }

  /** All that it gets on stdin. */
  write(text: string): void {
    this.#channel.end(text);
  }

  close(): void {
    this.#channel.close();
  }
}

function signalNumber(name = ''): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return numbers[`SIG${name.replace(/^SIG/, '')}`] ?? 0;
}
