// All Pods of this machine: gives each a worker, tells them what changed, and reaps the containers of Pods that are no more.
import { readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Informer } from '../machinery/informer.ts';
import type { ContainerStatus } from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import type { Pod } from './pod.ts';
import { PodWorker } from './pod-worker.ts';

export interface PodManagerOptions {
  readonly context: AgentContext;
  readonly informer: Pick<Informer<Pod>, 'onChange'>;
  readonly drain: (podUID: string, limitMs: number) => Promise<void>;
  readonly changed: () => void;
}

const REAP_EVERY_MS = 60_000;
const REAP_GRACE_SECONDS = 30;

export class PodManager {
  readonly #options: PodManagerOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #reaping = new Set<string>();
  readonly #signal: AbortSignal;
  #cancels: (() => void)[] = [];
  #cancelReap = (): void => undefined;
  #closed = false;

  constructor(options: PodManagerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  workers(): Iterable<PodWorker> {
    return this.#workers.values();
  }

  find(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  /** Call once the informer has synced: until then nobody knows which containers are wanted. */
  start(): void {
    const { informer, context } = this.#options;
    this.#cancels = [
      informer.onChange((change) => {
        if (change.type === 'Deleted') this.#forget(change.object);
        else this.#take(change.object);
      }),
      context.runtime.onChange(() => {
        for (const worker of this.#workers.values()) worker.wake();
      }),
    ];
    // What ignores its stop signal must not hold up the Pods that are wanted.
    void this.#reap();
  }

  /** Ends all workers; in parallel, each with the grace of its Pod, when containers are to be stopped. */
  async close(stopContainers: boolean): Promise<void> {
    this.#closed = true;
    this.#cancelReap();
    for (const cancel of this.#cancels.splice(0)) cancel();
    const { logger } = this.#options.context;
    await Promise.all(
      [...this.#workers.values()].map((worker) =>
        worker.shutDown(stopContainers).catch((error: unknown) => {
          logger.error('Cannot stop the containers of a Pod', {
            pod: worker.pod.metadata.name,
            error,
          });
        }),
      ),
    );
    if (stopContainers) await this.#killOrphans();
  }

  /** What is left of Pods that are gone has had its time: nothing stays behind when we end. */
  async #killOrphans(): Promise<void> {
    const { logger, runtime } = this.#options.context;
    try {
      const orphans = (await runtime.list()).filter(
        ({ identity, state }) => state.state === 'running' && !this.#workers.has(identity.podUID),
      );
      await Promise.all(orphans.map(({ id }) => runtime.stop(id, 0)));
    } catch (error) {
      logger.error('Cannot stop containers whose Pods are gone', { error });
    }
  }

  #take(pod: Pod): void {
    const { uid } = pod.metadata;
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const { context, drain, changed } = this.#options;
    const worker = new PodWorker(
      context,
      pod,
      {
        containersOf: (podUID) => this.#containersOf(podUID),
        drain: (of, limitMs) => drain(of.metadata.uid, limitMs),
        changed: () => {
          this.#count();
          changed();
        },
        finished: () => {
          this.#workers.delete(uid);
          this.#count();
          changed();
        },
      },
      this.#signal,
    );
    this.#workers.set(uid, worker);
    worker.wake();
  }

  /** The object is gone from the server. If nobody waited for us (a forced deletion), its containers are stopped now. */
  #forget(pod: Pod): void {
    const worker = this.#workers.get(pod.metadata.uid);
    if (worker === undefined) return;
    this.#workers.delete(pod.metadata.uid);
    this.#options.changed();
    void worker.shutDown(false).then(() => this.#reap());
  }

  async #containersOf(podUID: string): Promise<readonly ContainerStatus[]> {
    const all = await this.#options.context.runtime.list();
    return all.filter(({ identity }) => identity.podUID === podUID);
  }

  #count(): void {
    const { metrics } = this.#options.context;
    const running = [...this.#workers.values()].map((worker) => worker.runningContainers);
    metrics.runningPods.set({}, running.filter((count) => count > 0).length);
    metrics.runningContainers.set(
      { container_state: 'running' },
      running.reduce((sum, count) => sum + count, 0),
    );
  }

  /** Stops and removes what belongs to no Pod, and the folders it left. */
  async #reap(): Promise<void> {
    this.#cancelReap();
    if (this.#closed || this.#signal.aborted) return;
    const { context } = this.#options;
    const { logger, runtime, clock } = context;
    try {
      const orphans = (await runtime.list()).filter(
        ({ id, identity }) => !this.#workers.has(identity.podUID) && !this.#reaping.has(id),
      );
      await Promise.all(orphans.map((orphan) => this.#reapOne(orphan)));
      for (const uid of await runtime.pods()) {
        if (!this.#workers.has(uid)) await runtime.removePod(uid);
      }
      await this.#removeFolders();
    } catch (error) {
      logger.warn('Cannot clean up after Pods that are gone, trying again', { error });
    }
    // Several may have been under way; one of them goes on.
    this.#cancelReap();
    if (!this.#closed) this.#cancelReap = clock.schedule(REAP_EVERY_MS, () => void this.#reap());
  }

  async #reapOne({ id, identity, state }: ContainerStatus): Promise<void> {
    const { logger, runtime } = this.#options.context;
    this.#reaping.add(id);
    try {
      if (state.state === 'running') {
        logger.info('Stopping a container whose Pod is gone', {
          container: identity.container,
          pod: identity.pod,
        });
        await runtime.stop(id, REAP_GRACE_SECONDS);
      }
      await runtime.remove(id);
    } finally {
      this.#reaping.delete(id);
    }
  }

  async #removeFolders(): Promise<void> {
    const { folderOf } = this.#options.context;
    const parent = dirname(folderOf('x'));
    const names = await readdir(parent).catch((): string[] => []);
    for (const name of names) {
      if (!this.#workers.has(name)) await rm(folderOf(name), { recursive: true, force: true });
    }
  }
}
