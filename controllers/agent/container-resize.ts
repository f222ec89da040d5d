// Gives a running container the resources that its Pod asks for now, without a restart where neither runtime nor Pod wants one.
import type { ContainerStatus } from '../runtimes/runtime.ts';
import { containerResources, differences } from './container-resources.ts';
import type { AgentContext } from './context.ts';
import type { Container, Pod } from './pod.ts';

/** For the conditions of the Pod, in upstream's words. */
export interface ResizeState {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
  readonly reason: '' | 'Infeasible' | 'Error';
  readonly message: string;
}

export interface ResizeHooks {
  /** Asks for another look at the Pod. */
  readonly wake: () => void;
  /** The Pod wants a restart with this change. */
  readonly restart: (message: string) => void;
}

const RETRY_MS = 10_000;

export class ContainerResize {
  readonly #context: AgentContext;
  readonly #hooks: ResizeHooks;
  readonly #first: string;
  #state: ResizeState | undefined;
  #busy = false;
  #notBefore = 0;

  constructor(context: AgentContext, container: Container, hooks: ResizeHooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.#first = textOf(container);
  }

  /** undefined while all is as it should be. */
  get state(): ResizeState | undefined {
    return this.#state;
  }

  /** Compares, and begins to change what differs; it calls wake when that is done. */
  check(pod: Pod, container: Container, { id, resources }: ContainerStatus): void {
    const { runtime, clock, events } = this.#context;
    if (this.#busy) return;
    if (resources === undefined || runtime.update === undefined) {
      // Nothing is limited there: only a change that was asked for is told of.
      this.#state =
        textOf(container) === this.#first
          ? undefined
          : {
              type: 'PodResizePending',
              reason: 'Infeasible',
              message: `the ${runtime.name} runtime gives containers no resources of their own and cannot change them`,
            };
      return;
    }
    const asked = containerResources(container.resources);
    const changed = differences(asked, resources);
    if (changed.length === 0) {
      this.#state = undefined;
      return;
    }
    const restarts = (container.resizePolicy ?? []).some(
      ({ resourceName, restartPolicy }) =>
        restartPolicy === 'RestartContainer' && changed.some((name) => name === resourceName),
    );
    if (restarts) {
      this.#state = { type: 'PodResizeInProgress', reason: '', message: '' };
      this.#hooks.restart(`Container ${container.name} resize requires restart`);
      return;
    }
    if (clock.now() < this.#notBefore) return;
    this.#busy = true;
    this.#state ??= { type: 'PodResizeInProgress', reason: '', message: '' };
    void runtime
      .update(id, asked)
      .then(
        () => {
          this.#state = undefined;
          events.normal(pod, 'ResizeCompleted', `Resources of container ${container.name} changed`);
        },
        (error: unknown) => {
          const message = `Cannot change the resources of container ${container.name}: ${(error as Error).message}`;
          if (this.#state?.message !== message) events.warning(pod, 'ResizeError', message);
          this.#state = { type: 'PodResizeInProgress', reason: 'Error', message };
          this.#notBefore = clock.now() + RETRY_MS;
          clock.schedule(RETRY_MS, this.#hooks.wake);
        },
      )
      .finally(() => {
        this.#busy = false;
        this.#hooks.wake();
      });
  }
}

function textOf({ resources }: Container): string {
  return JSON.stringify(containerResources(resources));
}
