// Interactive sessions with containers of the Docker Engine: exec and attach over its hijacked connections, ports at the container's
// address. The Engine has no call to end an exec, so what runs is found by an id in its environment and killed.
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type {
  Address,
  ContainerSessions,
  ExecOptions,
  RunningCommand,
  SessionStreams,
  TerminalSize,
} from './container-sessions.ts';
import { reasonOf } from './docker-connection.ts';
import { DockerExecTerminal } from './docker-exec-terminal.ts';
import { EXEC_MARKER, killDockerExec } from './docker-exec-kill.ts';
import { portAddress } from './docker-ports.ts';
import { splitOutputs } from './docker-streams.ts';

export interface DockerSessionsOptions {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

const END_POLL_MS = 50;
const END_POLLS = 200;

export class DockerSessions implements ContainerSessions {
  readonly #options: DockerSessionsOptions;
  readonly #running = new Set<RunningCommand>();

  constructor(options: DockerSessionsOptions) {
    this.#options = options;
  }

  async exec(id: string, options: ExecOptions): Promise<RunningCommand> {
    const { docker, clock, ids, logger } = this.#options;
    const container = docker.getContainer(keyOf(id));
    const execID = ids.hex(32);
    const { command, stdin, stdout, stderr, tty, size } = options;
    const exec = await container
      .exec({
        Cmd: [...command],
        Env: [`${EXEC_MARKER}=${execID}`, ...(tty ? ['TERM=xterm'] : [])],
        AttachStdin: stdin,
        AttachStdout: stdout || tty,
        AttachStderr: stderr || tty,
        Tty: tty,
        ...(tty && size !== undefined ? { ConsoleSize: [size.height, size.width] } : {}),
      })
      .catch(throwReason);
    const socket = await exec.start({ hijack: true, stdin, Tty: tty }).catch(throwReason);
    const terminal = new DockerExecTerminal(exec, clock);
    // Engines before 23 take no size when the exec is made.
    if (tty && size !== undefined) await terminal.resize(size);
    return this.#command(socket, options, {
      exitCode: () => this.#exitCodeOf(exec),
      resize: (to) => void terminal.resize(to),
      kill: () =>
        void killDockerExec(container, exec, execID).catch((error: unknown) =>
          logger.warn('Cannot end a command that nobody waits for', { error }),
        ),
    });
  }

  async attach(id: string, streams: SessionStreams): Promise<RunningCommand> {
    const { docker } = this.#options;
    const container = docker.getContainer(keyOf(id));
    const { Config } = await container.inspect();
    if (streams.stdin && !Config.OpenStdin) {
      throw new Error(
        'cannot attach with input: the container was started without; set stdin: true in its spec, or leave out -i',
      );
    }
    if (streams.tty && !Config.Tty) {
      throw new Error(
        'cannot attach with a terminal: the container was started without; set tty: true in its spec, or leave out -t',
      );
    }
    const { stdin, stdout, stderr } = streams;
    const socket = await container
      .attach({ stream: true, hijack: true, stdin, stdout, stderr: stderr || Config.Tty })
      .catch(throwReason);
    return this.#command(
      socket as Duplex,
      { ...streams, tty: Config.Tty },
      {
        exitCode: () => Promise.resolve(0),
        resize: ({ width, height }) => void container.resize({ w: width, h: height }).catch(ignore),
        kill: () => undefined,
      },
    );
  }

  async endpoint(id: string, port: number): Promise<Address> {
    return portAddress(this.#options.docker, keyOf(id), port);
  }

  /** Ends what runs: its sessions end with the agent. */
  close(): void {
    for (const command of this.#running) command.kill();
  }

  #command(socket: Duplex, streams: SessionStreams, ends: CommandEnds): RunningCommand {
    socket.on('error', () => undefined);
    const { stdout, stderr, done } = splitOutputs(socket, streams.tty);
    if (!streams.stdout) stdout.resume();
    if (!streams.stderr || streams.tty) stderr.resume();
    let hasEnded = false;
    const command: RunningCommand = {
      stdin: streams.stdin ? socket : undefined,
      stdout: streams.stdout ? stdout : undefined,
      stderr: streams.stderr && !streams.tty ? stderr : undefined,
      exited: done.then(ends.exitCode).finally(() => {
        hasEnded = true;
        this.#running.delete(command);
        socket.destroy();
      }),
      resize: ends.resize,
      kill: () => {
        if (!hasEnded) ends.kill();
        socket.destroy();
        stdout.destroy();
        stderr.destroy();
      },
    };
    command.exited.catch(ignore);
    this.#running.add(command);
    return command;
  }

  /** The Engine may still have to notice the end when the output has ended. */
  async #exitCodeOf(exec: Docker.Exec): Promise<number> {
    for (let poll = 0; poll < END_POLLS; poll += 1) {
      const { Running, ExitCode } = await exec.inspect();
      if (!Running && ExitCode !== null) return ExitCode;
      await sleep(this.#options.clock, END_POLL_MS);
    }
    throw new Error('the command closed its output and goes on; its exit code is not known');
  }
}

interface CommandEnds {
  readonly exitCode: () => Promise<number>;
  readonly resize: (size: TerminalSize) => void;
  readonly kill: () => void;
}

function throwReason(error: unknown): never {
  throw new Error(`error executing command in container: ${reasonOf(error)}`, { cause: error });
}

function ignore(): void {
  // It has ended meanwhile.
}

function keyOf(id: string): string {
  return id.replace(/^docker:\/\//, '');
}
