// Interactive sessions with the process runtime: commands beside the container's process, in its environment and folder; its output as
// it is written to the log, where standard output and error are one; its ports on this machine.
import type { Readable } from 'node:stream';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type {
  Address,
  ContainerSessions,
  ExecOptions,
  RunningCommand,
  SessionStreams,
} from './container-sessions.ts';
import { killExec, runProcessExec } from './process-exec.ts';
import type { ProcessExecRecords } from './process-exec-record.ts';
import { findListener } from './process-listeners.ts';
import type { ProcessRecord } from './process-record.ts';
import { markedProcesses } from './process-table.ts';
import type { LogOptions } from './runtime.ts';

/** What the sessions need of their runtime. */
export interface ProcessSessionsOptions {
  readonly records: ProcessExecRecords;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** @throws Error when there is no such container */
  readonly find: (id: string) => { readonly record: ProcessRecord; readonly isRunning: boolean };
  readonly environmentOf: (record: ProcessRecord) => Promise<Readonly<Record<string, string>>>;
  readonly logs: (id: string, options: LogOptions, signal: AbortSignal) => Promise<Readable>;
}

export class ProcessSessions implements ContainerSessions {
  readonly #options: ProcessSessionsOptions;
  readonly #running = new Set<string>();

  constructor(options: ProcessSessionsOptions) {
    this.#options = options;
  }

  /** Ends what sessions of an agent that died have left. */
  async killLeftovers(): Promise<void> {
    const { records } = this.#options;
    for (const execID of await records.readAll()) {
      await killExec(execID, undefined);
      await records.remove(execID);
    }
  }

  /** Ends what runs: its sessions end with the agent. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((execID) => killExec(execID, undefined)));
  }

  async exec(id: string, options: ExecOptions): Promise<RunningCommand> {
    const { records, clock, ids } = this.#options;
    const { record } = this.#find(id);
    const environment = await this.#options.environmentOf(record);
    const execID = ids.hex(32);
    const { workingDirectory } = record;
    const forget = async (): Promise<void> => {
      this.#running.delete(execID);
      await records.remove(execID);
    };
    records.write(execID);
    this.#running.add(execID);
    try {
      const input = { execID, options, workingDirectory, environment, clock };
      const command = await runProcessExec(input);
      void command.exited.then(forget);
      return command;
    } catch (error) {
      await forget();
      throw error;
    }
  }

  async attach(id: string, streams: SessionStreams): Promise<RunningCommand> {
    this.#find(id);
    if (streams.tty) {
      throw new Error(
        'cannot attach with a terminal: the process runtime gives containers none; leave out -t',
      );
    }
    if (streams.stdin) {
      throw new Error(
        'cannot attach with input: the process runtime gives containers no standard input; leave out -i, or use exec',
      );
    }
    const stop = new AbortController();
    const fromNow = { follow: true, timestamps: false, tailLines: 0 };
    const log = await this.#options.logs(id, fromNow, stop.signal);
    const ended = Promise.withResolvers<number>();
    log.once('close', () => ended.resolve(0));
    log.on('error', () => undefined);
    // What is written to standard error is in the same log: whoever asks for either gets it, once.
    return {
      stdin: undefined,
      stdout: streams.stdout ? log : undefined,
      stderr: streams.stdout ? undefined : log,
      exited: ended.promise,
      resize: () => undefined,
      kill: () => {
        stop.abort(new Error('the session is over'));
        log.destroy();
      },
    };
  }

  async endpoint(id: string, port: number): Promise<Address> {
    const { record } = this.#find(id);
    const declared = record.ports.find(([containerPort]) => containerPort === port);
    const wanted = declared?.[1] ?? port;
    const pids = ((await markedProcesses()).get(record.id) ?? []).map(({ pid }) => pid);
    const found = await findListener(pids, wanted);
    if (found !== undefined) return found;
    // Programs that hide their environment are taken at the Pod's word.
    if (declared !== undefined) return { host: '127.0.0.1', port: wanted };
    throw new Error(
      `container ${record.identity.container} does not listen on port ${port}, nor declares it in ports`,
    );
  }

  #find(id: string): { readonly record: ProcessRecord } {
    const found = this.#options.find(id);
    if (found.isRunning) return found;
    throw new Error(`container ${found.record.identity.container} has ended`);
  }
}
