// What people do with a running container: run a command in it, attach to it, reach its ports. Each runtime implements it in files of
// its own; the node agent joins it to the session that the server has asked for.
import type { Readable, Writable } from 'node:stream';

export interface TerminalSize {
  /** Columns and rows. */
  readonly width: number;
  readonly height: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Which streams the other end wants. With a terminal there is no standard error: it is one with the output. */
export interface SessionStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecOptions extends SessionStreams {
  readonly command: readonly string[];
  /** Of the terminal, where it is known from the start. */
  readonly size?: TerminalSize;
}

/** A command that runs, or a container that somebody is attached to. Streams are there where they were asked for. */
export interface RunningCommand {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** The exit code, 128 + signal number when a signal ended it; 0 when an attached container ends. Rejects when it cannot be known. */
  readonly exited: Promise<number>;
  /** Nothing happens without a terminal. */
  resize(size: TerminalSize): void;
  /** The other end is gone: kills the command, or lets go of the container. More than once does no harm. */
  kill(): void;
}

export interface ContainerSessions {
  /** @throws Error that says why the command cannot be started */
  exec(id: string, options: ExecOptions): Promise<RunningCommand>;
  /** Output from now on. Input where the container was started with one. @throws Error that says why not */
  attach(id: string, streams: SessionStreams): Promise<RunningCommand>;
  /** Where a TCP port of the container is reached from this machine. @throws Error when the container has no such port */
  endpoint(id: string, port: number): Promise<Address>;
}
