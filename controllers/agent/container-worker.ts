// One container of a Pod over all its attempts: starts it, watches it through its probes, restarts it after the policy, stops it.
// Knows the runtime and the clock; the Pod's worker decides when its turn comes and what becomes of the status.
import type { V1LifecycleHandler } from '@kubernetes/client-node';
import type { ContainerStatus } from '../runtimes/runtime.ts';
import { StartError } from '../runtimes/runtime.ts';
import { AttemptMemory } from './attempt-memory.ts';
import { drainBeforeKill } from './container-kill.ts';
import type { Prepared } from './container-spec.ts';
import { ContainerResize } from './container-resize.ts';
import { eventReason, startContainer, tellBackOff } from './container-start.ts';
import type { AgentContext } from './context.ts';
import { healthComplaint } from './image-health.ts';
import { runToldHook, unlessAborted } from './lifecycle-hook.ts';
import { containerOf, containerStatusIn } from './pod.ts';
import type { Container, Pod } from './pod.ts';
import type { ProbeTarget } from './probe-request.ts';
import type { ContainerProbes } from './probes.ts';
import { decideNext, isConfigurationError, waitingOf } from './restart.ts';
import type { FailedStart, RestartHistory, RestartPolicy } from './restart.ts';
import { SHUT_DOWN } from './status.ts';
import type { ContainerView } from './status.ts';
import { watchContainer } from './watch-container.ts';

const POST_START_LIMIT_MS = 60_000;
/** A start that takes longer is worth a status of its own. */
const QUICK_START_MS = 1_000;

export interface ContainerHooks {
  /** Asks for another look at the Pod. */
  readonly wake: () => void;
  /** Takes the Pod out of the proxies; resolves when nothing is under way with it, or the limit is over. */
  readonly drain: (limitMs: number) => Promise<void>;
}

export class ContainerWorker {
  readonly #context: AgentContext;
  readonly #resize: ContainerResize;
  #container: Container;
  readonly #wake: () => void;
  readonly #drain: ContainerHooks['drain'];
  #pod: Pod;
  readonly #memory: AttemptMemory;
  #attempts: readonly ContainerStatus[] = [];
  #restartCount: number;
  #history: RestartHistory | undefined;
  #failedStart: FailedStart | undefined;
  #probes: ContainerProbes | undefined;
  #probedID = '';
  #wasReady: string | undefined;
  #waiting: { readonly reason: string; readonly message?: string } | undefined;
  /** The attempt that is being killed: not ready any more, and nothing that a probe could make so. */
  #killedID: string | undefined;
  /** The attempt that ended only because the agent was stopped, this time or the last. */
  #shutDownID: string | undefined;
  #cancelTimer = (): void => undefined;
  #beginning:
    | { readonly task: Promise<void>; readonly cancel: () => void; readonly quick: boolean }
    | undefined;
  #starts = 0;

  constructor(context: AgentContext, pod: Pod, container: Container, hooks: ContainerHooks) {
    this.#context = context;
    this.#container = container;
    this.#wake = hooks.wake;
    this.#drain = hooks.drain;
    this.#resize = new ContainerResize(context, container, {
      wake: hooks.wake,
      restart: (message) => void this.#kill(this.#pod, message),
    });
    this.#pod = pod;
    this.#memory = new AttemptMemory(context, pod, container);
    const known = containerStatusIn(pod, container.name);
    this.#wasReady = known?.ready === true ? known.containerID : undefined;
    const ended = known?.state.terminated;
    this.#shutDownID = ended?.reason === SHUT_DOWN ? ended.containerID : undefined;
    // What ran before and is unknown to the runtime still counts.
    this.#restartCount =
      known?.containerID === undefined ? (known?.restartCount ?? 0) - 1 : known.restartCount;
  }

  get name(): string {
    return this.#container.name;
  }

  get current(): ContainerStatus | undefined {
    return this.#attempts.at(-1);
  }

  /** Its start is under way; others of the Pod wait for it. */
  get isStarting(): boolean {
    return this.#beginning !== undefined;
  }

  /** Its start has just begun, and will soon have a result to tell of. */
  get isStartingQuickly(): boolean {
    return this.#beginning?.quick ?? false;
  }

  /** How many starts have ended; what was seen of the runtime before is old. */
  get starts(): number {
    return this.#starts;
  }

  get isRunning(): boolean {
    return this.current?.state.state === 'running';
  }

  get isReady(): boolean {
    if (!this.isRunning || this.#isKilled) return false;
    return (this.#probes?.ready ?? false) && healthComplaint(this.current) === undefined;
  }

  /** True when it has ended with 0 and stays so. */
  get isCompleted(): boolean {
    const state = this.current?.state;
    return state?.state === 'exited' && state.exitCode === 0 && !this.#wasShutDown;
  }

  /** False while it is not known yet whether an adopted container is still ready. */
  get isSettled(): boolean {
    return this.#probes?.settled ?? true;
  }

  get #isKilled(): boolean {
    return this.current !== undefined && this.current.id === this.#killedID;
  }

  get #wasShutDown(): boolean {
    return this.current !== undefined && this.current.id === this.#shutDownID;
  }

  /** Takes in what the runtime knows, oldest attempt first. */
  observe(attempts: readonly ContainerStatus[], pod: Pod): void {
    this.#attempts = this.#memory.take(attempts, pod);
    const { current } = this;
    this.#restartCount = Math.max(this.#restartCount, current?.identity.attempt ?? -1);
    this.#pod = pod;
    // Its resources may be others by now.
    this.#container = containerOf(pod, this.name) ?? this.#container;
    if (current?.state.state !== 'running') {
      this.#unwatch();
      return;
    }
    this.#watch(current, pod);
    if (this.isStarting || this.#isKilled) return;
    if (current.health?.status === 'unhealthy') this.#replaceUnhealthy(pod);
    else this.#resize.check(pod, this.#container, current);
  }

  #replaceUnhealthy(pod: Pod): void {
    const why = `${this.name}: ${healthComplaint(this.current)}`;
    this.#context.events.warning(pod, 'Unhealthy', why);
    void this.#kill(
      pod,
      `Container ${this.name} failed its image's health check, will be restarted`,
    );
  }

  /** Starts it when it does not run and its turn has come. @param policy of the Pod, or of its init containers */
  advance(
    pod: Pod,
    prepare: () => Promise<Prepared>,
    policy: RestartPolicy,
    signal: AbortSignal,
  ): void {
    if (this.isRunning || this.isStarting) return;
    const { clock, events } = this.#context;
    const now = clock.now();
    const state = this.current?.state;
    const failed = this.#failedStart;
    const exit = state?.state === 'exited' ? state : undefined;
    const decision = decideNext({
      policy,
      exit,
      shutDown: this.#wasShutDown,
      failed,
      history: this.#history,
      now,
    });
    switch (decision.action) {
      case 'never':
        this.#waiting = undefined;
        return;
      case 'wait': {
        const waiting = waitingOf(failed, decision.delayMs, this.name, pod.metadata.name);
        if (this.#waiting?.reason !== waiting.reason)
          tellBackOff(events, pod, this.#container, waiting);
        this.#waiting = waiting;
        this.#cancelTimer();
        this.#cancelTimer = clock.schedule(decision.untilMs - now, this.#wake);
        return;
      }
      case 'start':
        this.#history = decision.history;
        this.#begin(pod, prepare, signal);
    }
  }

  /** Starts it beside everything else: pulling its image may take long, and the Pod may go meanwhile. */
  #begin(pod: Pod, prepare: () => Promise<Prepared>, signal: AbortSignal): void {
    const { clock, logger } = this.#context;
    const cancel = new AbortController();
    const task = this.#start(pod, prepare, AbortSignal.any([signal, cancel.signal]))
      .catch((error: unknown) => {
        if (signal.aborted || cancel.signal.aborted) return;
        logger.error('Cannot start a container', { container: this.name, error });
        const why = new StartError('RunContainerError', (error as Error).message, error);
        this.#failedStart = { error: why, at: clock.now() };
      })
      .finally(() => {
        cancelSlow();
        this.#beginning = undefined;
        this.#starts += 1;
        this.#wake();
      });
    const beginning = {
      task,
      quick: true,
      cancel: () => cancel.abort(new Error('the Pod is stopped')),
    };
    const cancelSlow = clock.schedule(QUICK_START_MS, () => {
      beginning.quick = false;
      this.#wake();
    });
    this.#beginning = beginning;
  }

  /** Resolves when nothing is being started any more; what is, is given up. */
  async settle(): Promise<void> {
    this.#beginning?.cancel();
    await this.#beginning?.task;
  }

  view(): ContainerView {
    return {
      container: this.#container,
      current: this.current,
      last: this.#attempts.at(-2),
      restartCount: Math.max(0, this.#restartCount),
      waiting: this.isRunning ? undefined : this.#waiting,
      started: this.#probes?.started ?? false,
      ready: this.isReady,
      complaint: this.#probes?.complaint ?? healthComplaint(this.current),
      resize: this.isRunning ? this.#resize.state : undefined,
      shutDownID: this.#shutDownID,
    };
  }

  /** preStop hook, then the stop, within `graceSeconds` together. */
  async stop(pod: Pod, graceSeconds: number): Promise<void> {
    await this.settle();
    await this.#stopCurrent(pod, graceSeconds);
  }

  async #stopCurrent(pod: Pod, graceSeconds: number): Promise<void> {
    this.#cancelTimer();
    this.#unwatch();
    const { current } = this;
    if (current?.state.state !== 'running') return;
    const { clock, runtime } = this.#context;
    const startedAt = clock.monotonic();
    const hook = this.#container.lifecycle?.preStop;
    if (hook !== undefined && graceSeconds > 0)
      await this.#hook('PreStop', hook, pod, current, graceSeconds * 1000);
    const spent = (clock.monotonic() - startedAt) / 1000;
    // The kubelet leaves at least two seconds after a hook that used up the grace period.
    await runtime.stop(
      current.id,
      graceSeconds === 0 ? 0 : Math.max(hook === undefined ? 0 : 2, graceSeconds - spent),
    );
  }

  /** Stops it because the agent ends. */
  async shutDown(pod: Pod, graceSeconds: number): Promise<void> {
    if (this.isRunning) this.#shutDownID = this.current?.id;
    await this.stop(pod, graceSeconds);
  }

  /** Forgets it all; the container goes on. */
  release(): void {
    this.#cancelTimer();
    this.#unwatch();
  }

  async #start(pod: Pod, prepare: () => Promise<Prepared>, signal: AbortSignal): Promise<void> {
    const { events, metrics, clock } = this.#context;
    const attempt = this.#restartCount + 1;
    try {
      const start = { pod, container: this.#container, attempt, prepare, tell: this.#tell };
      const status = await startContainer(this.#context, start, signal);
      this.#restartCount = attempt;
      this.#failedStart = undefined;
      this.#waiting = undefined;
      this.#attempts = [...this.#attempts.filter(({ id }) => id !== status.id), status];
      await this.#removeOld();
      this.#watch(status, pod);
      const postStart = this.#container.lifecycle?.postStart;
      if (postStart === undefined) return;
      const hook = this.#hook('PostStart', postStart, pod, status, POST_START_LIMIT_MS);
      if (!(await unlessAborted(hook, signal))) {
        await this.#kill(
          pod,
          `Container ${this.name} failed its postStart hook, will be restarted`,
        );
      }
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      metrics.startErrors.inc({ code: error.reason });
      const isNew = this.#failedStart?.error.message !== error.message;
      this.#failedStart = { error, at: clock.now() };
      this.#waiting = { reason: error.reason, message: error.message };
      // Missing references are looked for every second: said once, not every time.
      if (isNew || !isConfigurationError(error))
        events.warning(pod, eventReason(error), error.message);
    }
  }

  readonly #tell = (message: string): void => {
    this.#waiting = { reason: 'ContainerCreating', message };
    this.#wake();
  };

  /** Keeps the newest attempt and the one before it, for `logs --previous`. */
  async #removeOld(): Promise<void> {
    const old = this.#attempts.slice(0, -2);
    this.#attempts = this.#attempts.slice(-2);
    for (const { id } of old) await this.#context.runtime.remove(id);
  }

  #watch(status: ContainerStatus, pod: Pod): void {
    if (this.#probedID === status.id || this.#killedID === status.id) return;
    this.#unwatch();
    this.#probedID = status.id;
    this.#probes = watchContainer(this.#context, {
      pod,
      target: this.#target(status),
      adoptedReady: this.#wasReady === status.id,
      changed: this.#wake,
      unhealthy: (type) =>
        void this.#kill(pod, `Container ${this.name} failed ${type} probe, will be restarted`),
    });
  }

  #target(status: ContainerStatus): ProbeTarget {
    return {
      container: this.#container,
      status,
      exec: (command, timeoutMs) => this.#context.runtime.exec(status.id, command, timeoutMs),
    };
  }

  #unwatch(): void {
    this.#probes?.stop();
    this.#probes = undefined;
    this.#probedID = '';
  }

  /** Not ready from now on: the proxies let go of it first, then it is stopped, within its grace period together. */
  async #kill(pod: Pod, message: string): Promise<void> {
    if (this.#isKilled) return;
    const { events, logger, clock } = this.#context;
    this.#killedID = this.current?.id;
    events.normal(pod, 'Killing', message);
    this.#wake();
    try {
      const left = await drainBeforeKill(pod, this.#container, clock, this.#drain);
      // It may have ended by itself, and another attempt be running.
      if (this.#isKilled) await this.#stopCurrent(pod, left);
    } catch (error) {
      // Its probes look after it again.
      this.#killedID = undefined;
      logger.error('Cannot stop a container', { container: this.name, error });
    }
    this.#wake();
  }

  /** @returns false when it failed; an Event has been recorded then */
  #hook(
    name: 'PreStop' | 'PostStart',
    hook: V1LifecycleHandler,
    pod: Pod,
    status: ContainerStatus,
    timeoutMs: number,
  ): Promise<boolean> {
    return runToldHook(this.#context, pod, name, hook, this.#target(status), timeoutMs);
  }
}
