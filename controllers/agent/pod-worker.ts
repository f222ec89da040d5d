// One Pod on this machine, from its binding to its last DELETE. Level-triggered: whatever happens only asks for another look, and a
// look compares what should be with what the runtime says. One look at a time.
import { rm } from 'node:fs/promises';
import { isConflict, isForbidden, isNotFound } from '../machinery/request-error.ts';
import { PODS } from '../machinery/resources.ts';
import type { ContainerStatus } from '../runtimes/runtime.ts';
import { activeDeadline, DEADLINE_EXCEEDED, hasExceededDeadline } from './active-deadline.ts';
import type { Prepared } from './container-spec.ts';
import { ContainerWorker } from './container-worker.ts';
import type { AgentContext } from './context.ts';
import { DEFAULT_GRACE_SECONDS, DRAIN_SHARE, isTerminal, withAddresses } from './pod.ts';
import type { Pod, PodStatus } from './pod.ts';
import { PodTokens } from './pod-tokens.ts';
import type { RestartPolicy } from './restart.ts';
import { prepareEngineVolumes, withoutVolumes } from './engine-volumes.ts';
import { podSandboxSpec } from './pod-sandbox.ts';
import { podStatus } from './status.ts';
import { volumeFoldersOf } from './volume-folders.ts';
import { prepareVolumes } from './volumes.ts';

export interface PodWorkerHooks {
  /** Which containers of this Pod the runtime has. */
  readonly containersOf: (podUID: string) => Promise<readonly ContainerStatus[]>;
  /** Takes the Pod out of the proxy; resolves when its connections are closed or the limit is over. */
  readonly drain: (pod: Pod, limitMs: number) => Promise<void>;
  /** Readiness or existence of a container may have changed. */
  readonly changed: () => void;
  /** The Pod is gone from this machine and from the server. */
  readonly finished: () => void;
}

const RETRY_MS = 1_000;
/** A timer cannot run much longer; when it ends early, it is set again. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1_000;
/** For the last status when the agent ends: a server that does not answer must not hold up the end. */
const LAST_STATUS_LIMIT_MS = 2_000;

export class PodWorker {
  readonly #context: AgentContext;
  readonly #hooks: PodWorkerHooks;
  readonly #signal: AbortSignal;
  readonly #starting: AbortSignal;
  readonly #inits: readonly ContainerWorker[];
  readonly #containers: readonly ContainerWorker[];
  readonly #seenAt: number;
  readonly #tokens: PodTokens;
  /** Aborted when nothing is to be started any more. */
  readonly #ending = new AbortController();
  #pod: Pod;
  #running = false;
  #again = false;
  #terminating = false;
  #paused = false;
  #shutDown = false;
  #finished = false;
  /** Its time is over: its containers are being stopped, or have been. */
  #overdue: 'stopping' | 'stopped' | undefined;
  #cancelDeadline = (): void => undefined;
  #written = '';
  #startMeasured = false;
  /** undefined until its first container starts, or one that runs is found. */
  #podIPs: readonly string[] | undefined;
  #idle = Promise.resolve();

  constructor(context: AgentContext, pod: Pod, hooks: PodWorkerHooks, signal: AbortSignal) {
    this.#context = context;
    this.#hooks = hooks;
    this.#signal = signal;
    this.#starting = AbortSignal.any([signal, this.#ending.signal]);
    this.#pod = pod;
    this.#tokens = new PodTokens(context, this.#starting);
    this.#seenAt = context.clock.now();
    this.#overdue = hasExceededDeadline(pod) ? 'stopped' : undefined;
    const own = {
      wake: (): void => this.wake(),
      drain: (limitMs: number): Promise<void> => hooks.drain(this.#pod, limitMs),
    };
    const worker = (container: Pod['spec']['containers'][number]): ContainerWorker =>
      new ContainerWorker(context, pod, container, own);
    this.#inits = (pod.spec.initContainers ?? []).map(worker);
    this.#containers = pod.spec.containers.map(worker);
  }

  get pod(): Pod {
    return this.#pod;
  }

  get isTerminating(): boolean {
    return this.#terminating || this.#pod.metadata.deletionTimestamp !== undefined;
  }

  /** Nothing is to be sent to it any more. */
  get #isLeaving(): boolean {
    return this.isTerminating || this.#overdue !== undefined;
  }

  /** All containers run and are ready. */
  get isReady(): boolean {
    return !this.#isLeaving && !this.#paused && this.#containers.every(({ isReady }) => isReady);
  }

  get runningContainers(): number {
    return [...this.#inits, ...this.#containers].filter(({ isRunning }) => isRunning).length;
  }

  /** The running container of that name. */
  container(name: string): ContainerStatus | undefined {
    return [...this.#inits, ...this.#containers].find((worker) => worker.name === name)?.current;
  }

  update(pod: Pod): void {
    this.#pod = pod;
    this.wake();
  }

  /** Asks for a look at the Pod, now or after the one under way. */
  wake(): void {
    this.#again = true;
    if (this.#running || this.#signal.aborted) return;
    this.#running = true;
    this.#idle = this.#work();
  }

  /**
   * For the end of the agent: stops the containers, says so in the status, keeps the Pod. The next start runs them again.
   * Without `stopContainers` they go on, and the next start adopts them.
   */
  async shutDown(stopContainers: boolean): Promise<void> {
    this.#paused = true;
    this.#cancelDeadline();
    this.#ending.abort(new Error('the agent ends'));
    await this.#idle;
    const all = [...this.#inits, ...this.#containers];
    await Promise.all(all.map((worker) => worker.settle()));
    if (!stopContainers) {
      for (const worker of all) worker.release();
      return;
    }
    const grace = this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    await this.#observe();
    await Promise.all(all.map((worker) => worker.shutDown(this.#pod, grace)));
    if (this.#finished) return;
    this.#shutDown = true;
    await this.#observe();
    const limit = new AbortController();
    const cancel = this.#context.clock.schedule(LAST_STATUS_LIMIT_MS, () =>
      limit.abort(new Error(`no answer within ${LAST_STATUS_LIMIT_MS / 1000} s`)),
    );
    try {
      await this.#writeStatus(limit.signal);
    } finally {
      cancel();
    }
  }

  async #work(): Promise<void> {
    try {
      while (this.#again && !this.#signal.aborted && !this.#paused) {
        this.#again = false;
        await this.#look();
      }
    } catch (error) {
      if (!this.#signal.aborted && !this.#paused) {
        const { logger, clock } = this.#context;
        logger.warn('Cannot bring a Pod to its state, trying again', {
          pod: this.#pod.metadata.name,
          error,
        });
        clock.schedule(RETRY_MS, () => this.wake());
      }
    } finally {
      this.#running = false;
    }
    if (this.#again && !this.#paused) this.wake();
  }

  async #look(): Promise<void> {
    if (this.#finished) return;
    await this.#observe();
    if (this.#pod.metadata.deletionTimestamp !== undefined) {
      await this.#terminate();
      return;
    }
    if (this.#checkDeadline()) await this.#stopOverdue();
    else if (!isTerminal(this.#pod.status?.phase)) this.#advance();
    else this.#tokens.stop();
    this.#hooks.changed();
    // What an adopted container's probe answers is worth the wait: the server holds what was true before.
    const isSettled = this.#containers.every((worker) => worker.isSettled);
    const soonMore = [...this.#inits, ...this.#containers].some((one) => one.isStartingQuickly);
    if (isSettled && !soonMore) await this.#writeStatus();
  }

  async #observe(): Promise<void> {
    const workers = [...this.#inits, ...this.#containers];
    const starts = (): number => workers.reduce((sum, worker) => sum + worker.starts, 0);
    let before = starts();
    let known = await this.#hooks.containersOf(this.#pod.metadata.uid);
    // A start that ended meanwhile is not in it.
    while (before !== starts()) {
      before = starts();
      known = await this.#hooks.containersOf(this.#pod.metadata.uid);
    }
    for (const worker of workers) {
      const attempts = known.filter(({ identity }) => identity.container === worker.name);
      worker.observe(attempts, this.#pod);
      if (!worker.isRunning) continue;
      this.#podIPs = worker.current?.podIPs;
      this.#tokens.keep(this.#pod);
    }
  }

  /** @returns true when its time is over and something is still to be stopped */
  #checkDeadline(): boolean {
    const { clock } = this.#context;
    this.#cancelDeadline();
    if (this.#overdue !== undefined) return this.#overdue === 'stopping';
    const deadline = activeDeadline(this.#pod, this.#seenAt);
    // What ended by itself was in time, also when nobody was there to see it.
    if (deadline === undefined || isTerminal(this.#status().phase)) return false;
    const left = deadline - clock.now();
    if (left <= 0) return true;
    this.#cancelDeadline = clock.schedule(Math.min(left, LONGEST_WAIT_MS), () => this.wake());
    return false;
  }

  async #stopOverdue(): Promise<void> {
    const { reason, message } = DEADLINE_EXCEEDED;
    const { terminationGracePeriodSeconds: grace = DEFAULT_GRACE_SECONDS } = this.#pod.spec;
    if (this.#overdue === undefined) {
      this.#overdue = 'stopping';
      this.#context.events.normal(this.#pod, reason, message);
      await this.#announceStop();
    }
    await this.#drainAndStop(grace);
    await this.#observe();
    this.#overdue = 'stopped';
  }

  #advance(): void {
    const policy = (this.#pod.spec.restartPolicy ?? 'Always') as RestartPolicy;
    let prepared: Promise<Prepared> | undefined;
    const prepare = (): Promise<Prepared> => (prepared ??= this.#prepare());
    const started = this.#containers.some(({ current }) => current !== undefined);
    for (const init of started ? [] : this.#inits) {
      if (init.isCompleted) continue;
      init.advance(this.#pod, prepare, policy === 'Always' ? 'OnFailure' : policy, this.#starting);
      return;
    }
    for (const worker of this.#containers) {
      worker.advance(this.#pod, prepare, policy, this.#starting);
      // In the order of the Pod, as upstream.
      if (worker.isStarting) return;
    }
    if (!this.#startMeasured && this.#containers.every(({ isRunning }) => isRunning)) {
      this.#startMeasured = true;
      this.#context.metrics.podStart.observe({}, (this.#context.clock.now() - this.#seenAt) / 1000);
    }
  }

  async #prepare(): Promise<Prepared> {
    const { runtime, hostIP, names } = this.#context;
    const references = await this.#tokens.references(this.#pod, this.#starting);
    const folders = volumeFoldersOf(this.#context, this.#pod);
    const sandboxSpec = podSandboxSpec(this.#pod, await names?.dnsFor(this.#pod));
    const sandbox = await runtime.preparePod(sandboxSpec, this.#starting);
    this.#podIPs = sandbox.ips;
    const pod = withAddresses(this.#pod, this.#addresses());
    const engineVolumes = await prepareEngineVolumes(this.#context, pod, this.#starting);
    const rest = withoutVolumes(pod, engineVolumes);
    const volumes = await prepareVolumes(rest, references, folders, hostIP);
    const serviceEnvironment = (await names?.environmentFor(this.#pod)) ?? {};
    return { pod, sandbox, references, volumes, engineVolumes, serviceEnvironment };
  }

  /** Those of the machine where it has none of its own; none while nobody knows yet. */
  #addresses(): readonly string[] {
    const { hostIP } = this.#context;
    if (this.#podIPs === undefined) return (this.#pod.status?.podIPs ?? []).map(({ ip }) => ip);
    return this.#podIPs.length === 0 ? [hostIP] : this.#podIPs;
  }

  async #terminate(): Promise<void> {
    const { metadata, spec } = this.#pod;
    const grace =
      metadata.deletionGracePeriodSeconds ??
      spec.terminationGracePeriodSeconds ??
      DEFAULT_GRACE_SECONDS;
    this.#cancelDeadline();
    if (!this.#terminating) {
      this.#terminating = true;
      await this.#announceStop();
    }
    await this.#drainAndStop(grace);
    await this.#observe();
    await this.#writeStatus();
    await this.#cleanUp();
    await this.#deletePod();
    this.#finished = true;
    this.#hooks.finished();
  }

  /** Gives up what is being started, and says what will be stopped. */
  async #announceStop(): Promise<void> {
    await Promise.all([...this.#inits, ...this.#containers].map((worker) => worker.settle()));
    await this.#observe();
    this.#hooks.changed();
    for (const { name, isRunning } of this.#containers) {
      if (isRunning)
        this.#context.events.normal(this.#pod, 'Killing', `Stopping container ${name}`);
    }
    await this.#writeStatus();
  }

  async #drainAndStop(grace: number): Promise<void> {
    const { clock } = this.#context;
    const startedAt = clock.monotonic();
    await this.#hooks.drain(this.#pod, grace * 1000 * DRAIN_SHARE);
    const left = Math.max(grace === 0 ? 0 : 1, grace - (clock.monotonic() - startedAt) / 1000);
    await Promise.all(
      [...this.#inits, ...this.#containers].map((worker) => worker.stop(this.#pod, left)),
    );
  }

  async #cleanUp(): Promise<void> {
    const { runtime, folderOf } = this.#context;
    this.#tokens.stop();
    for (const { id } of await this.#hooks.containersOf(this.#pod.metadata.uid))
      await runtime.remove(id);
    await runtime.removePod(this.#pod.metadata.uid);
    await rm(folderOf(this.#pod.metadata.uid), { recursive: true, force: true });
  }

  async #deletePod(): Promise<void> {
    const { namespace = 'default', name, uid } = this.#pod.metadata;
    try {
      await this.#context.client.delete(
        PODS,
        namespace,
        name,
        { gracePeriodSeconds: 0, uid },
        this.#signal,
      );
    } catch (error) {
      if (!isNoLongerOurs(error)) throw error;
    }
  }

  #status(): PodStatus {
    const { clock, hostIP } = this.#context;
    return podStatus({
      pod: this.#pod,
      initContainers: this.#inits.map((worker) => worker.view()),
      containers: this.#containers.map((worker) => worker.view()),
      hostIP,
      podIPs: this.#addresses(),
      now: clock.now(),
      startedAt: this.#seenAt,
      terminating: this.#isLeaving,
      shutDown: this.#shutDown,
      overdue: this.#overdue === 'stopped',
    });
  }

  async #writeStatus(signal = this.#signal): Promise<void> {
    const status = this.#status();
    const text = JSON.stringify(status);
    if (text === this.#written) return;
    const { namespace = 'default', name, uid } = this.#pod.metadata;
    try {
      const written = await this.#context.client.patch<Pod>(
        PODS,
        namespace,
        name,
        'status',
        'merge',
        { metadata: { uid }, status },
        signal,
      );
      this.#written = text;
      // The watch brings it too, later; until then transition times are kept from here. A newer spec must not be lost to it.
      this.#pod = {
        ...this.#pod,
        ...(written.status === undefined ? {} : { status: written.status }),
      };
    } catch (error) {
      if (!isNoLongerOurs(error)) throw error;
    }
  }
}

/**
 * Gone, or another Pod has its name by now. Windlass itself says Forbidden for both: it tells a node nothing of Pods that are not
 * bound to it.
 */
function isNoLongerOurs(error: unknown): boolean {
  return isNotFound(error) || isConflict(error) || isForbidden(error);
}
