// The process runtime: containers as supervised processes of this machine. No image, no isolation, no limits (resource limits and
// readOnly mounts are not enforced); what it gives is everything else a Pod promises, without Docker and without root.
//
// Processes write straight to their log files and lead their own groups, so they survive our death. What is started is on disk
// before it exists: an intent with a random id, the same id in the process' environment. Whenever we are killed, the next start
// finds either the process by its id or nothing: start() adopts what lives and notes what ended.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import { freePort, portIsFree } from './free-port.ts';
import { readLog } from './log-reader.ts';
import { removeLog } from './log-rotation.ts';
import { placeProcess } from './process-placement.ts';
import { ProcessExecRecords } from './process-exec-record.ts';
import { ignoredFields, stopSignalOf } from './process-limits.ts';
import { ProcessRecords } from './process-record.ts';
import { withResolver } from './process-resolver.ts';
import type { ProcessRecord } from './process-record.ts';
import { ProcessSessions } from './process-sessions.ts';
import { SupervisedProcess } from './process-supervisor.ts';
import {
  bootID,
  environmentOf,
  lookUp,
  lookUpSync,
  MARKER,
  markedProcesses,
  signalProcess,
} from './process-table.ts';
import type { ProcessFacts } from './process-table.ts';
import { useOfFamilies } from './process-usage.ts';
import { runCommand } from './run-command.ts';
import { StartError } from './runtime.ts';
import type {
  ContainerPort,
  ContainerSpec,
  ContainerStatus,
  ContainerUsage,
  ExecResult,
  LogOptions,
  PodSandbox,
  PodSandboxSpec,
  Runtime,
} from './runtime.ts';

export interface ProcessRuntimeOptions {
  /** Holds the records; made when missing. */
  readonly directory: string;
  /** Of the agent; only the few variables that programs need are passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

const INHERITED = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'];
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly version = `process://${process.versions.node}`;
  readonly sessions: ProcessSessions;
  readonly #options: ProcessRuntimeOptions;
  readonly #records: ProcessRecords;
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #environments = new Map<string, Readonly<Record<string, string>>>();
  readonly #listeners = new Set<() => void>();
  #bootID = '';

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#records = new ProcessRecords(options.directory);
    this.sessions = new ProcessSessions({
      ...options,
      records: new ProcessExecRecords(join(options.directory, 'sessions')),
      find: (id) => this.#find(id),
      environmentOf: (record) => this.#environmentOf(record),
      logs: (id, logOptions, signal) => this.logs(id, logOptions, signal),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (process.platform === 'win32') {
      throw new Error(
        'Cannot run processes on Windows: run Windlass in WSL, or use --runtime docker',
      );
    }
    this.#bootID = await bootID();
    await this.sessions.killLeftovers();
    const { records, unreadable } = await this.#records.readAll();
    for (const path of unreadable) {
      this.#options.logger.error('Cannot read the record of a process; it is left alone', { path });
    }
    if (records.length === 0) return;
    const marked = await markedProcesses();
    for (const record of records) await this.#takeOver(record, marked.get(record.id) ?? []);
  }

  list(): Promise<readonly ContainerStatus[]> {
    return Promise.resolve([...this.#processes.values()].map((process_) => process_.status()));
  }

  /** Nothing outside of Linux. */
  readonly usage = async (): Promise<readonly ContainerUsage[]> => {
    if (process.platform !== 'linux') return [];
    const running = [...this.#processes.values()].filter(({ isRunning }) => isRunning);
    const leaders = running.flatMap(({ record }) => record.pid ?? []);
    const used = await useOfFamilies(leaders);
    return running.flatMap((supervised) => {
      const usage = used.get(supervised.record.pid ?? 0);
      return usage === undefined ? [] : { id: supervised.status().id, ...usage };
    });
  };

  pods(): Promise<readonly string[]> {
    const all = [...this.#processes.values()].map(({ record }) => record.identity.podUID);
    return Promise.resolve([...new Set(all)]);
  }

  /** Processes of a Pod share this machine's everything. */
  preparePod(spec: PodSandboxSpec): Promise<PodSandbox> {
    return Promise.resolve({ spec, ips: [] });
  }

  removePod(): Promise<void> {
    return Promise.resolve();
  }

  async choosePort(ports: readonly ContainerPort[]): Promise<number> {
    return ports[0]?.hostPort ?? (await freePort(this.#options.ids));
  }

  async run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    const id = this.#options.ids.hex(32);
    const environment = { ...this.#baseEnvironment(), ...spec.env, [MARKER]: id };
    for (const { hostPort } of spec.ports) {
      if (hostPort === undefined || (await portIsFree(hostPort))) continue;
      throw new StartError(
        'CreateContainerError',
        `Cannot give container ${spec.identity.container} hostPort ${hostPort}: another program listens on it; stop that or choose another hostPort`,
      );
    }
    const stopSignal = stopSignalOf(spec);
    const placement = await withResolver(await placeProcess(spec, environment), spec);
    signal.throwIfAborted();
    const intent: ProcessRecord = {
      id,
      identity: spec.identity,
      image: spec.image,
      bootID: this.#bootID,
      logFile: spec.logFile,
      workingDirectory: placement.workingDirectory,
      ports: portsOf(spec),
      startedAt: this.#options.clock.now(),
      phase: 'starting',
      ...(stopSignal === undefined ? {} : { stopSignal }),
    };
    const { child, record } = await this.#spawn(intent, placement, environment);
    child.unref();
    const supervised = this.#supervise(record);
    supervised.watchChild(child);
    this.#environments.set(id, environment);
    return supervised.status();
  }

  ignores(spec: ContainerSpec): readonly string[] {
    return ignoredFields(spec);
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const found = this.#processes.get(keyOf(id));
    if (found?.isRunning === true) await found.stop(graceSeconds);
  }

  thaw(id: string): Promise<void> {
    this.#processes.get(keyOf(id))?.thaw();
    return Promise.resolve();
  }

  async remove(id: string): Promise<void> {
    const key = keyOf(id);
    const found = this.#processes.get(key);
    if (found === undefined) return;
    if (found.isRunning) throw new Error(`Cannot remove ${id}: it is still running; stop it first`);
    await removeLog(found.record.logFile);
    await this.#records.remove(key);
    this.#processes.delete(key);
    this.#environments.delete(key);
  }

  logs(id: string, options: LogOptions, signal: AbortSignal): Promise<Readable> {
    const found = this.#find(id);
    const source = {
      logFile: found.record.logFile,
      clock: this.#options.clock,
      isRunning: () => found.isRunning,
    };
    return Promise.resolve(Readable.from(readLog(source, options, signal), { objectMode: false }));
  }

  async exec(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const { record, isRunning } = this.#find(id);
    if (!isRunning || record.pid === undefined)
      throw new Error(`Cannot run a command in ${id}: it has ended`);
    const environment = await this.#environmentOf(record);
    const { clock } = this.#options;
    const { workingDirectory } = record;
    return runCommand({ command, workingDirectory, environment, timeoutMs, clock });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends our watching; processes go on and are adopted by the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const supervised of this.#processes.values()) supervised.forget();
    this.#listeners.clear();
    await this.sessions.close();
  }

  async #spawn(
    intent: ProcessRecord,
    placement: { program: string; args: readonly string[]; workingDirectory: string },
    environment: Readonly<Record<string, string>>,
  ): Promise<{ child: ChildProcess; record: ProcessRecord }> {
    mkdirSync(dirname(intent.logFile), { recursive: true, mode: 0o700 });
    const log = openSync(intent.logFile, 'a', 0o600);
    try {
      this.#records.write(intent);
      const child = spawn(placement.program, placement.args, {
        cwd: placement.workingDirectory,
        env: environment,
        detached: true,
        stdio: ['ignore', log, log],
      });
      // No await before the second record: the time without one is the time without our code running.
      const { pid } = child;
      if (pid !== undefined) {
        const startTime = lookUpSync(pid)?.startTime;
        const record: ProcessRecord = {
          ...intent,
          phase: 'running',
          pid,
          ...(startTime === undefined ? {} : { startTime }),
        };
        this.#records.write(record);
        return { child, record: startTime === undefined ? await this.#complete(record) : record };
      }
      const [error] = (await once(child, 'error')) as [Error];
      await this.#records.remove(intent.id);
      const what = `${JSON.stringify(placement.program)} of container ${intent.identity.container}`;
      throw new StartError('RunContainerError', `Cannot run ${what}: ${error.message}`, error);
    } finally {
      closeSync(log);
    }
  }

  /** Where the start time takes a program to find out (macOS). Until then the marker tells who it is. */
  async #complete(record: ProcessRecord): Promise<ProcessRecord> {
    const facts = record.pid === undefined ? undefined : await lookUp(record.pid);
    if (facts === undefined) return record;
    const complete = { ...record, startTime: facts.startTime };
    this.#records.write(complete);
    return complete;
  }

  async #takeOver(record: ProcessRecord, marked: readonly ProcessFacts[]): Promise<void> {
    if (record.phase === 'exited') {
      this.#supervise(record);
      return;
    }
    const leader = record.bootID === this.#bootID ? await findLeader(record, marked) : undefined;
    if (leader !== undefined) {
      const { pid, startTime } = leader;
      const adopted: ProcessRecord = { ...record, phase: 'running', pid, startTime };
      this.#records.write(adopted);
      this.#supervise(adopted).watchAdopted();
      return;
    }
    for (const { pid } of marked) signalProcess(pid, 'SIGKILL');
    this.#supervise(record).lost(
      record.phase === 'starting'
        ? 'the agent ended while starting it'
        : 'it ended while no agent was running',
    );
  }

  #supervise(record: ProcessRecord): SupervisedProcess {
    const { clock, logger } = this.#options;
    const changed = (): void => {
      for (const listener of this.#listeners) listener();
    };
    const options = { clock, logger, records: this.#records, changed };
    const supervised = new SupervisedProcess(record, options);
    this.#processes.set(record.id, supervised);
    return supervised;
  }

  #find(id: string): SupervisedProcess {
    const found = this.#processes.get(keyOf(id));
    if (found === undefined) throw new Error(`No container ${id}`);
    return found;
  }

  /** Of the container's process. */
  async #environmentOf({ id, pid }: ProcessRecord): Promise<Readonly<Record<string, string>>> {
    return (
      this.#environments.get(id) ??
      (pid === undefined ? undefined : await environmentOf(pid)) ??
      this.#baseEnvironment()
    );
  }

  /** PATH ends with the folder of the Node that runs us, so that `node` is always there. */
  #baseEnvironment(): Record<string, string> {
    const { environment } = this.#options;
    const path = environment['PATH'] ?? DEFAULT_PATH;
    const base: Record<string, string> = {
      PATH: `${path}${delimiter}${dirname(process.execPath)}`,
    };
    for (const [name, value] of Object.entries(environment)) {
      if (value !== undefined && (INHERITED.includes(name) || name.startsWith('LC_'))) {
        base[name] = value;
      }
    }
    return base;
  }
}

/** The process of a record, if it lives: the one noted, or after a crash between spawn and note the oldest leader with its marker. */
async function findLeader(
  record: ProcessRecord,
  marked: readonly ProcessFacts[],
): Promise<ProcessFacts | undefined> {
  if (record.pid === undefined || record.startTime === undefined) {
    return marked.find((facts) => facts.pid === facts.processGroup);
  }
  const facts = await lookUp(record.pid);
  return facts !== undefined && !facts.zombie && facts.startTime === record.startTime
    ? facts
    : undefined;
}

/** The first declared port is reached at PORT; the others are taken at their word. */
function portsOf(spec: ContainerSpec): (readonly [number, number])[] {
  const port = Number(spec.env['PORT']);
  return spec.ports.map(({ containerPort, hostPort }, index) => [
    containerPort,
    index === 0 && Number.isInteger(port) && port > 0 ? port : (hostPort ?? containerPort),
  ]);
}

function keyOf(id: string): string {
  return id.replace(/^process:\/\//, '');
}
