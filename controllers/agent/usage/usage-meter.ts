// CPU and memory of this machine and its containers, measured when somebody asks: nobody asking costs nothing. CPU is a rate, and
// needs two looks: the last one that somebody asked for, if it is not too old, else one more after a second.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { ContainerStatus, ContainerUsage, Runtime } from '../../runtimes/runtime.ts';
import type { MachineUsage } from './machine-usage.ts';

/** Over a time that ended at `timestamp`, in milliseconds. */
interface Measured {
  readonly timestamp: number;
  readonly windowMs: number;
  /** Billionths of a processor. */
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
}

export interface ContainerReport extends Measured {
  readonly podUID: string;
  readonly container: string;
}

/** What goes to the server, as JSON. */
export interface UsageReport {
  readonly node: Measured;
  readonly containers: readonly ContainerReport[];
}

export interface UsageMeterOptions {
  readonly runtime: Pick<Runtime, 'list' | 'usage'>;
  readonly clock: Clock;
  readonly machine: () => MachineUsage;
}

interface Look {
  readonly at: number;
  readonly machine: MachineUsage;
  readonly statuses: readonly ContainerStatus[];
  /** By the runtime's own id. */
  readonly containers: ReadonlyMap<string, ContainerUsage>;
}

/** Answers within this time are the same one. */
const SHORTEST_WINDOW_MS = 1_000;
/** A mean over more says little of now. */
const LONGEST_WINDOW_MS = 60_000;

export class UsageMeter {
  readonly #options: UsageMeterOptions;
  #last: Look | undefined;
  #report: UsageReport | undefined;
  #running: Promise<UsageReport> | undefined;

  constructor(options: UsageMeterOptions) {
    this.#options = options;
  }

  /** Who asks while others wait gets what they get. Rejects when the runtime does not answer, or the signal aborts. */
  read(signal: AbortSignal): Promise<UsageReport> {
    this.#running ??= this.#measure(signal).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #measure(signal: AbortSignal): Promise<UsageReport> {
    const { clock } = this.#options;
    const age = clock.now() - (this.#last?.at ?? -Infinity);
    if (this.#report !== undefined && age >= 0 && age < SHORTEST_WINDOW_MS) return this.#report;
    let before = this.#last;
    if (before === undefined || age < SHORTEST_WINDOW_MS || age > LONGEST_WINDOW_MS) {
      before = await this.#look();
      await sleep(clock, SHORTEST_WINDOW_MS, signal);
    }
    const now = await this.#look();
    this.#last = now;
    this.#report = reportOf(before, now);
    return this.#report;
  }

  async #look(): Promise<Look> {
    const { runtime, clock, machine } = this.#options;
    const statuses = (await runtime.list()).filter(({ state }) => state.state === 'running');
    const used = (await runtime.usage?.()) ?? [];
    const containers = new Map(used.map((usage) => [usage.id, usage]));
    return { at: clock.now(), machine: machine(), statuses, containers };
  }
}

/** Pure. */
export function reportOf(before: Look, now: Look): UsageReport {
  return {
    node: measured(before.machine, before.at, now.machine, now.at),
    containers: now.statuses.flatMap(({ id, identity, state }) => {
      const usage = now.containers.get(id);
      if (usage === undefined) return [];
      const earlier = before.containers.get(id);
      // One that has started since had used nothing at its start; of any other the first look did not learn enough.
      if (earlier === undefined && state.startedAt < before.at) return [];
      const from = earlier === undefined ? state.startedAt : before.at;
      if (now.at <= from) return [];
      const { podUID, container } = identity;
      const start = earlier ?? { cpuNanoseconds: 0 };
      return { podUID, container, ...measured(start, from, usage, now.at) };
    }),
  };
}

function measured(
  before: Pick<MachineUsage, 'cpuNanoseconds'>,
  from: number,
  now: MachineUsage,
  until: number,
): Measured {
  const windowMs = until - from;
  // Processes that ended take their time with them, and clocks are set back.
  const used = Math.max(0, now.cpuNanoseconds - before.cpuNanoseconds);
  return {
    timestamp: until,
    windowMs,
    cpuNanocores: windowMs > 0 ? Math.round((used / windowMs) * 1000) : 0,
    memoryBytes: now.memoryBytes,
  };
}
