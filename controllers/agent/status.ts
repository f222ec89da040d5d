// The status of a Pod from what its containers do. Pure: same input, same status; transition times move only when a condition
// does, so that an unchanged Pod is not written again.
import { setConditions } from '../machinery/conditions.ts';
import { timestamp } from '../machinery/timestamps.ts';
import type { ContainerStatus, ExitedState } from '../runtimes/runtime.ts';
import type {
  Container,
  ContainerStateStatus,
  Pod,
  PodCondition,
  PodContainerStatus,
  PodPhase,
  PodStatus,
  TerminatedState,
} from './pod.ts';
import { wantsRestart } from './restart.ts';
import type { RestartPolicy } from './restart.ts';

/** What the agent knows of one container of a Pod. */
export interface ContainerView {
  readonly container: Container;
  /** Newest attempt that the runtime knows. */
  readonly current: ContainerStatus | undefined;
  /** The attempt before it. */
  readonly last: ContainerStatus | undefined;
  readonly restartCount: number;
  /** Set while it does not run and will: `ContainerCreating`, `CrashLoopBackOff`, `ErrImagePull` … */
  readonly waiting: { readonly reason: string; readonly message?: string } | undefined;
  readonly started: boolean;
  readonly ready: boolean;
}

export interface PodView {
  readonly pod: Pod;
  readonly initContainers: readonly ContainerView[];
  readonly containers: readonly ContainerView[];
  readonly hostIP: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly startedAt: number;
  /** The Pod is on its way out: never ready. */
  readonly terminating: boolean;
}

export function podStatus(view: PodView): PodStatus {
  const { pod, hostIP } = view;
  const previous = pod.status;
  const now = timestamp(view.now);
  const containerStatuses = view.containers.map((container) =>
    containerStatus(container, pod, view.terminating),
  );
  const initStatuses = view.initContainers.map((container) =>
    containerStatus(container, pod, false),
  );
  const phase = phaseOf(view);
  const conditions = setConditions(
    (previous?.conditions ?? []).map((condition) => ({ reason: '', message: '', ...condition })),
    conditionsOf(view, phase),
    now,
  );
  return {
    phase,
    conditions: conditions.map(withoutEmpty),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP: hostIP,
    podIPs: [{ ip: hostIP }],
    startTime: previous?.startTime ?? timestamp(view.startedAt),
    ...(pod.metadata.generation === undefined
      ? {}
      : { observedGeneration: pod.metadata.generation }),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses,
  };
}

function withoutEmpty(condition: PodCondition): PodCondition {
  const { reason, message, ...rest } = condition;
  return {
    ...rest,
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(message === undefined || message === '' ? {} : { message }),
  };
}

export function containerStatus(
  view: ContainerView,
  pod: Pod,
  terminating: boolean,
): PodContainerStatus {
  const { container, current, last } = view;
  const running = current?.state.state === 'running';
  const previous = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ].find(({ name }) => name === container.name);
  const currentState = stateOf(view);
  const shownAsWaiting = currentState.waiting !== undefined && current?.state.state === 'exited';
  const before = shownAsWaiting ? current : last;
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: current?.imageID ?? previous?.imageID ?? '',
    ...(current === undefined ? {} : { containerID: current.id }),
    ready: running
      ? view.ready && !terminating
      : view.ready && current?.state.state === 'exited' && isDone(view),
    started: running && view.started,
    restartCount: view.restartCount,
    state: currentState,
    lastState:
      before?.state.state === 'exited'
        ? { terminated: terminated(before.id, before.state) }
        : (previous?.lastState ?? {}),
  };
}

function isDone(view: ContainerView): boolean {
  return view.current?.state.state === 'exited' && view.current.state.exitCode === 0;
}

function stateOf(view: ContainerView): ContainerStateStatus {
  const { current, waiting } = view;
  if (current?.state.state === 'running')
    return { running: { startedAt: timestamp(current.state.startedAt) } };
  if (waiting !== undefined) return { waiting };
  if (current?.state.state === 'exited')
    return { terminated: terminated(current.id, current.state) };
  return { waiting: { reason: 'ContainerCreating' } };
}

/** Unknown exit codes are shown as 137, as the kubelet does: the field is required, and 0 would be a lie. */
function terminated(containerID: string, state: ExitedState): TerminatedState {
  return {
    exitCode: state.exitCode ?? 137,
    reason: state.exitCode === undefined ? 'ContainerStatusUnknown' : state.reason,
    ...(state.message === undefined ? {} : { message: state.message }),
    startedAt: timestamp(state.startedAt),
    finishedAt: timestamp(state.finishedAt),
    containerID,
  };
}

function phaseOf(view: PodView): PodPhase {
  const policy = (view.pod.spec.restartPolicy ?? 'Always') as RestartPolicy;
  const initFailed = view.initContainers.some(
    (init) => endedForGood(init, policy === 'Always' ? 'OnFailure' : policy) && !isDone(init),
  );
  if (initFailed) return 'Failed';
  if (!view.initContainers.every(isDone) && !view.containers.some(hasRun)) return 'Pending';
  const ended = view.containers.filter((container) => endedForGood(container, policy));
  if (ended.length === view.containers.length && !view.terminating) {
    return ended.every(isDone) ? 'Succeeded' : 'Failed';
  }
  return view.containers.every(hasRun) ? 'Running' : 'Pending';
}

function hasRun(view: ContainerView): boolean {
  return view.current !== undefined || view.restartCount > 0;
}

function endedForGood(view: ContainerView, policy: RestartPolicy): boolean {
  const state = view.current?.state;
  return (
    state?.state === 'exited' && view.waiting === undefined && !wantsRestart(policy, state.exitCode)
  );
}

type Wanted = Omit<PodCondition, 'lastTransitionTime'> & {
  readonly reason: string;
  readonly message: string;
};

function conditionsOf(view: PodView, phase: PodPhase): Wanted[] {
  const notInitialized = view.initContainers.filter((init) => !isDone(init));
  const started = view.containers.some(hasRun);
  const notReady = view.containers.filter(
    (container) =>
      view.terminating || !(container.current?.state.state === 'running' && container.ready),
  );
  const completed =
    phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  const names = (list: readonly ContainerView[]): string =>
    list.map(({ container }) => container.name).join(' ');
  const ready: Pick<Wanted, 'status' | 'reason' | 'message'> =
    notReady.length === 0
      ? { status: 'True', reason: '', message: '' }
      : {
          status: 'False',
          reason: completed ?? 'ContainersNotReady',
          message:
            completed === undefined ? `containers with unready status: [${names(notReady)}]` : '',
        };
  return [
    { type: 'PodScheduled', status: 'True', reason: '', message: '' },
    notInitialized.length === 0 || started
      ? { type: 'Initialized', status: 'True', reason: '', message: '' }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${names(notInitialized)}]`,
        },
    { type: 'ContainersReady', ...ready },
    { type: 'Ready', ...ready },
  ];
}
