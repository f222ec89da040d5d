// A graph of tasks: what must follow what, and what may happen at once. A failure ends its siblings, and says whose it was.
import type { Clock } from '#platform/clock.ts';
import { atOnce } from './at-once.ts';

export interface Task {
  /** Of a graph: `serial(a, parallel(b, c))`. */
  readonly name: string;
  /** From its start, milliseconds; absent: as long as its run may take. */
  readonly deadlineMs?: number;
  /** Does its work, or finds it done. Graphs hand their tasks to the runner; without one they only do them. */
  do(signal: AbortSignal, runner?: TaskRunner): Promise<void>;
}

export interface TaskRunner {
  run(task: Task, signal: AbortSignal): Promise<void>;
}

/** One task of a run, as it ended or as it is. Graphs themselves are not told, only what they are made of. */
export interface TaskReport {
  readonly name: string;
  readonly state: 'Running' | 'Done' | 'Failed' | 'Cancelled';
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds; absent while it runs. */
  readonly durationMs?: number;
  /** Why it failed. */
  readonly message?: string;
}

/** A task that failed: which one, and why. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  /** Of the task that failed, not of the graph around it. */
  readonly task: string;

  constructor(task: string, cause: unknown) {
    super(`${task}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.task = task;
  }
}

const GRAPH = Symbol('graph');

interface Graph extends Task {
  readonly [GRAPH]: true;
}

const BARE_RUNNER: TaskRunner = { run: (task, signal) => attempt(task, signal, BARE_RUNNER) };

/** One after the other; the first failure is the end. */
export function serial(...tasks: readonly Task[]): Task {
  const graph: Graph = {
    [GRAPH]: true,
    name: nameOf('serial', tasks),
    async do(signal, runner = BARE_RUNNER) {
      for (const task of tasks) await runner.run(task, signal);
    },
  };
  return graph;
}

/** All at once; the first failure cancels the others, and is told once all have ended. */
export function parallel(...tasks: readonly Task[]): Task {
  const graph: Graph = {
    [GRAPH]: true,
    name: nameOf('parallel', tasks),
    async do(signal, runner = BARE_RUNNER) {
      const works = tasks.map((task) => ({
        name: task.name,
        run: (either: AbortSignal) => runner.run(task, either),
      }));
      await atOnce(works, signal);
    },
  };
  return graph;
}

export interface TaskRunOptions {
  readonly clock: Clock;
  /** Told of each task's start and of its end. */
  readonly report: (report: TaskReport) => void;
  /** For each task that names none, milliseconds. */
  readonly deadlineMs: number;
}

/**
 * Runs a graph to its end. A task that throws, whatever it throws and before it waited for anything too, has failed.
 *
 * @throws TaskError of the first task that failed; the signal's reason when that aborted
 */
export async function runTask(
  task: Task,
  { clock, report, deadlineMs }: TaskRunOptions,
  signal: AbortSignal,
): Promise<void> {
  const runner: TaskRunner = {
    async run(each, own) {
      if (isGraph(each)) {
        await each.do(own, runner);
        return;
      }
      const startedAt = clock.now();
      const started = clock.monotonic();
      const { name } = each;
      const told = (state: TaskReport['state'], message?: string): void => {
        const durationMs = Math.round(clock.monotonic() - started);
        report({
          name,
          state,
          startedAt,
          durationMs,
          ...(message === undefined ? {} : { message }),
        });
      };
      if (own.aborted) {
        told('Cancelled');
        throw own.reason;
      }
      report({ name, state: 'Running', startedAt });
      try {
        await withinDeadline(each, each.deadlineMs ?? deadlineMs, clock, own, runner);
        told('Done');
      } catch (error) {
        if (own.aborted) {
          told('Cancelled');
          throw own.reason;
        }
        told('Failed', error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
  await runner.run(task, signal);
}

/** Does not wait for a task that does not listen: its late end is nobody's business. */
async function withinDeadline(
  task: Task,
  deadlineMs: number,
  clock: Clock,
  signal: AbortSignal,
  runner: TaskRunner,
): Promise<void> {
  const deadline = new AbortController();
  const cancel = clock.schedule(deadlineMs, () =>
    deadline.abort(
      new TaskError(task.name, new Error(`not done within ${Math.round(deadlineMs / 1000)} s`)),
    ),
  );
  const either = AbortSignal.any([signal, deadline.signal]);
  let onAbort = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    onAbort = () => reject(either.reason as Error);
    either.addEventListener('abort', onAbort, { once: true });
  });
  const work = attempt(task, either, runner);
  work.catch(() => undefined);
  ended.catch(() => undefined);
  try {
    await Promise.race([work, ended]);
  } catch (error) {
    throw deadline.signal.aborted && !signal.aborted ? deadline.signal.reason : error;
  } finally {
    cancel();
    either.removeEventListener('abort', onAbort);
  }
}

async function attempt(task: Task, signal: AbortSignal, runner: TaskRunner): Promise<void> {
  try {
    signal.throwIfAborted();
    await task.do(signal, runner);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof TaskError ? error : new TaskError(task.name, error);
  }
}

function isGraph(task: Task): task is Graph {
  return GRAPH in task;
}

function nameOf(kind: string, tasks: readonly Task[]): string {
  return `${kind}(${tasks.map(({ name }) => name).join(', ')})`;
}
