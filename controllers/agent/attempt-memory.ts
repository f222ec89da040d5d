// What the agent remembers of the attempts of a container when the runtime no longer does: somebody removed it by hand, or cleaned up
// behind our back. One that ran has ended then, nobody knows how, and the restart policy decides what follows; one that had ended stays
// ended, and is not run a second time for it. One that was frozen by hand goes on.
import type { ContainerStatus, ExitedState } from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import { containerStatusIn } from './pod.ts';
import type { Container, Pod, PodContainerStatus, TerminatedState } from './pod.ts';

const GONE_MESSAGE = 'its container was removed by somebody else';

export class AttemptMemory {
  readonly #context: AgentContext;
  readonly #container: string;
  /** The newest attempt. */
  #last: ContainerStatus | undefined;
  #lost: ContainerStatus | undefined;
  #thawing = '';

  /** Knows at first what the Pod's status says, as an earlier agent wrote it. */
  constructor(context: AgentContext, pod: Pod, container: Container) {
    this.#context = context;
    this.#container = container.name;
    this.#last = fromStatus(pod, container, context.clock.now());
  }

  /** @param attempts what the runtime has. @returns that and what it lost last, oldest first */
  take(attempts: readonly ContainerStatus[], pod: Pod): readonly ContainerStatus[] {
    const before = this.#last;
    const isKnown = attempts.some(
      ({ id, identity }) =>
        id === before?.id || identity.attempt > (before?.identity.attempt ?? -1),
    );
    if (before !== undefined && !isKnown) this.#lost = this.#ended(before, pod);
    const lost = attempts.some(({ id }) => id === this.#lost?.id) ? undefined : this.#lost;
    const all = [...(lost === undefined ? [] : [lost]), ...attempts].toSorted(
      (a, b) => a.identity.attempt - b.identity.attempt,
    );
    const newest = all.at(-1);
    this.#last = newest;
    if (newest?.state.state === 'running' && newest.state.frozen === true) this.#thaw(newest, pod);
    return all;
  }

  #ended(status: ContainerStatus, pod: Pod): ContainerStatus {
    if (status.state.state === 'exited') return status;
    const { clock, events } = this.#context;
    const name = this.#container;
    events.warning(pod, 'ContainerGone', `Container ${name} is gone: ${GONE_MESSAGE}`);
    const state = unknownEnd(status.state.startedAt, clock.now());
    return { ...status, state, endpoints: new Map(), podIPs: [] };
  }

  #thaw({ id }: ContainerStatus, pod: Pod): void {
    if (this.#thawing === id) return;
    this.#thawing = id;
    const { events, logger, runtime } = this.#context;
    const container = this.#container;
    events.warning(pod, 'Frozen', `Container ${container} was frozen by somebody else; it goes on`);
    runtime
      .thaw(id)
      .catch((error: unknown) => logger.warn('Cannot thaw a container', { container, error }))
      .finally(() => (this.#thawing = ''));
  }
}

function unknownEnd(startedAt: number, finishedAt: number): ExitedState {
  return {
    state: 'exited',
    startedAt,
    finishedAt,
    exitCode: undefined,
    reason: 'ContainerStatusUnknown',
    message: GONE_MESSAGE,
  };
}

function fromStatus(
  pod: Pod,
  { name, image = '' }: Container,
  now: number,
): ContainerStatus | undefined {
  const known = containerStatusIn(pod, name);
  if (known?.containerID === undefined) return undefined;
  const { metadata } = pod;
  return {
    identity: {
      namespace: metadata.namespace ?? 'default',
      pod: metadata.name,
      podUID: metadata.uid,
      container: name,
      attempt: known.restartCount,
    },
    id: known.containerID,
    image,
    imageID: known.imageID,
    state: endOf(known, now),
    endpoints: new Map(),
    podIPs: [],
  };
}

/** How it ended, as far as the status says; that it still runs is for the runtime to say. */
function endOf({ containerID, state, lastState }: PodContainerStatus, now: number): ExitedState {
  const ended = [state.terminated, lastState.terminated].find(
    (terminated) => terminated?.containerID === containerID,
  );
  if (ended !== undefined) return exitOf(ended, now);
  const startedAt = state.running === undefined ? now : Date.parse(state.running.startedAt);
  return unknownEnd(startedAt, now);
}

function exitOf(ended: TerminatedState, now: number): ExitedState {
  return {
    state: 'exited',
    startedAt: ended.startedAt === null ? now : Date.parse(ended.startedAt),
    finishedAt: ended.finishedAt === null ? now : Date.parse(ended.finishedAt),
    exitCode: ended.reason === 'ContainerStatusUnknown' ? undefined : ended.exitCode,
    reason: ended.reason,
    ...(ended.message === undefined ? {} : { message: ended.message }),
  };
}
