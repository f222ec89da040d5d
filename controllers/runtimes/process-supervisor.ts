// One process of the process runtime: spawned by us or found again, watched until it is gone, its log kept bounded, its record on
// disk kept true. It leads a process group of its own; when the leader ends by itself the rest of the group is killed, as the end
// of a container's first process ends the container.
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { ROTATE_AT_BYTES, rotate, sizeOf } from './log-rotation.ts';
import { appendMark } from './log-times.ts';
import type { ProcessRecord, ProcessRecords } from './process-record.ts';
import { groupMembers, lookUp, markedProcesses, signalProcess } from './process-table.ts';
import type { ContainerStatus, ExitedState } from './runtime.ts';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly records: ProcessRecords;
  /** Called after each change of state. */
  readonly changed: () => void;
}

const POLL_INTERVAL_MS = 50;
const ADOPTED_INTERVAL_MS = 500;
const LOG_INTERVAL_MS = 1_000;

export class SupervisedProcess {
  readonly #options: SupervisorOptions;
  readonly #gone = Promise.withResolvers<void>();
  #record: ProcessRecord;
  #stopping = false;
  #forgotten = false;
  #observed = 0;
  #frozen = false;
  #cancelLook = (): void => undefined;
  #cancelLog = (): void => undefined;

  constructor(record: ProcessRecord, options: SupervisorOptions) {
    this.#record = record;
    this.#options = options;
    if (record.phase === 'exited') this.#gone.resolve();
  }

  get record(): ProcessRecord {
    return this.#record;
  }

  get isRunning(): boolean {
    return this.#record.phase !== 'exited';
  }

  status(): ContainerStatus {
    const { record } = this;
    return {
      identity: record.identity,
      id: `process://${record.id}`,
      image: record.image,
      imageID: '',
      state: record.exit ?? {
        state: 'running',
        startedAt: record.startedAt,
        ...(this.#frozen ? { frozen: true } : {}),
      },
      endpoints: new Map(
        record.ports.map(([containerPort, port]) => [containerPort, { host: '127.0.0.1', port }]),
      ),
      podIPs: [],
    };
  }

  /** Follows a child of ours, whose exit status we will be told. */
  watchChild(child: ChildProcess): void {
    child.on('exit', (code, signal) => {
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      this.#exited({
        exitCode,
        ...(signal === null ? {} : { signal, message: `ended by ${signal}` }),
        reason: exitCode === 0 ? 'Completed' : 'Error',
      });
    });
    this.#watchLog();
  }

  /** Follows a process that an earlier run of ours started: nobody will tell us its exit status. */
  watchAdopted(): void {
    const { clock } = this.#options;
    const look = async (): Promise<void> => {
      const { pid = 0, startTime } = this.#record;
      const facts = await lookUp(pid);
      if (facts !== undefined && !facts.zombie && facts.startTime === startTime) schedule();
      else
        this.lost('it ended while its exit status could not be seen: the agent had been restarted');
    };
    const schedule = (): void => {
      if (this.#forgotten || !this.isRunning) return;
      this.#cancelLook = clock.schedule(ADOPTED_INTERVAL_MS, () => void look());
    };
    schedule();
    this.#watchLog();
  }

  /** Lets the group go on after a SIGSTOP. */
  thaw(): void {
    const { pid } = this.#record;
    if (pid !== undefined && this.isRunning) signalProcess(-pid, 'SIGCONT');
    this.#frozen = false;
  }

  /** Notes an end whose exit status nobody knows. */
  lost(message: string): void {
    this.#exited({ exitCode: undefined, reason: 'ContainerStatusUnknown', message });
  }

  /** SIGTERM, or what was asked for instead, to the group, SIGKILL to what is left of it after `graceSeconds`. Resolves when all of it is gone. */
  async stop(graceSeconds: number): Promise<void> {
    const { pid, stopSignal = 'SIGTERM' } = this.#record;
    if (pid === undefined) return;
    const { clock } = this.#options;
    this.#stopping = true;
    const deadline = clock.monotonic() + graceSeconds * 1000;
    // A stopped (SIGSTOP) process would not get to see the SIGTERM.
    signalProcess(-pid, stopSignal);
    signalProcess(-pid, 'SIGCONT');
    while (clock.monotonic() < deadline && (await this.#groupLives(pid))) {
      await sleep(clock, Math.min(POLL_INTERVAL_MS, Math.max(1, deadline - clock.monotonic())));
    }
    while (await this.#groupLives(pid)) {
      signalProcess(-pid, 'SIGKILL');
      await sleep(clock, POLL_INTERVAL_MS);
    }
    await this.killMarked();
    await this.#gone.promise;
  }

  /** Kills what left the group but still carries our marker: daemons that the program started. */
  async killMarked(): Promise<void> {
    for (const { pid } of (await markedProcesses()).get(this.#record.id) ?? []) {
      signalProcess(pid, 'SIGKILL');
    }
  }

  /** Ends our watching; the process goes on. */
  forget(): void {
    this.#forgotten = true;
    this.#cancelLook();
    this.#cancelLog();
  }

  async #groupLives(pid: number): Promise<boolean> {
    if (!signalProcess(-pid, 0)) return false;
    return (await groupMembers(pid)).length > 0;
  }

  #exited(end: Pick<ExitedState, 'exitCode' | 'reason' | 'signal' | 'message'>): void {
    if (!this.isRunning || this.#forgotten) return;
    const { clock, records, changed, logger } = this.#options;
    const { startedAt, pid } = this.#record;
    const exit: ExitedState = { state: 'exited', startedAt, finishedAt: clock.now(), ...end };
    this.#record = { ...this.#record, phase: 'exited', exit };
    try {
      records.write(this.#record);
    } catch (error) {
      logger.error('Cannot write the record of a process; is the disk full?', { error });
    }
    this.#cancelLook();
    this.#cancelLog();
    void this.#observeLog();
    if (!this.#stopping && pid !== undefined) {
      // Only ever our group: the id of a group cannot be given to a new process while a member lives.
      void groupMembers(pid).then((members) => {
        if (members.length > 0) signalProcess(-pid, 'SIGKILL');
        return this.killMarked();
      });
    }
    this.#gone.resolve();
    changed();
  }

  #watchLog(): void {
    const { clock } = this.#options;
    const tick = async (): Promise<void> => {
      await this.#observeLog();
      await this.#observeFreeze();
      schedule();
    };
    const schedule = (): void => {
      if (this.#forgotten || !this.isRunning) return;
      this.#cancelLog = clock.schedule(LOG_INTERVAL_MS, () => void tick());
    };
    schedule();
  }

  /** Nobody tells of a SIGSTOP: it is looked for, where looking costs little. */
  async #observeFreeze(): Promise<void> {
    const { pid } = this.#record;
    if (process.platform !== 'linux' || pid === undefined || !this.isRunning || this.#stopping)
      return;
    const facts = await lookUp(pid);
    const frozen = facts?.stopped === true && facts.startTime === this.#record.startTime;
    if (frozen === this.#frozen) return;
    this.#frozen = frozen;
    this.#options.changed();
  }

  async #observeLog(): Promise<void> {
    const { clock, logger } = this.#options;
    const { logFile } = this.#record;
    try {
      const size = await sizeOf(logFile);
      if (size === undefined || size === this.#observed) return;
      await appendMark(logFile, { offset: size, time: clock.now() });
      this.#observed = size;
      if (size < ROTATE_AT_BYTES) return;
      await rotate(logFile);
      this.#observed = 0;
    } catch (error) {
      logger.warn('Cannot keep a log file in bounds', { logFile, error });
    }
  }
}
