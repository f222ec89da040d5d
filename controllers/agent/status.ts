// The status of a Pod from what its containers do. Pure: same input, same status; transition times move only when a condition
// does, so that an unchanged Pod is not written again.
import { setConditions } from '../machinery/conditions.ts';
import { timestamp } from '../machinery/timestamps.ts';
import type { ContainerStatus, ExitedState } from '../runtimes/runtime.ts';
import { DEADLINE_EXCEEDED } from './active-deadline.ts';
import { resourcesStatus } from './container-resources.ts';
import type { ResizeState } from './container-resize.ts';
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
import { isTerminal } from './pod.ts';
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
  /** What its startup or readiness probe said last, while it is not ready for that. */
  readonly complaint?: string | undefined;
  /** What becomes of a change of its resources; undefined when nothing is to be changed. */
  readonly resize?: ResizeState | undefined;
  /** Id of the attempt that was stopped because the agent ended; the Pod did not ask for it. */
  readonly shutDownID: string | undefined;
}

export interface PodView {
  readonly pod: Pod;
  readonly initContainers: readonly ContainerView[];
  readonly containers: readonly ContainerView[];
  readonly hostIP: string;
  /** Of the Pod; those of the machine where it has none of its own. */
  readonly podIPs: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly startedAt: number;
  /** The Pod is on its way out: never ready. */
  readonly terminating: boolean;
  /** The agent ends, and has stopped the containers. */
  readonly shutDown: boolean;
  /** Its containers were stopped because it was active for too long. */
  readonly overdue: boolean;
}

/** Reason of everything that happened only because the agent was stopped. */
export const SHUT_DOWN = 'NodeShutdown';
const MAXIMUM_COMPLAINT = 256;
const SHUT_DOWN_MESSAGE = 'stopped with Windlass';

export function podStatus(given: PodView): PodStatus {
  const view = given.overdue ? withoutHope(given) : given;
  const { pod, hostIP } = view;
  const previous = pod.status;
  const now = timestamp(view.now);
  const containerStatuses = view.containers.map((container) =>
    containerStatus(container, pod, !view.terminating && !view.shutDown),
  );
  const initStatuses = view.initContainers.map((container) => ({
    ...containerStatus(container, pod, false),
    ready: isDone(container),
  }));
  const phase = phaseOf(view);
  const resizes = resizeConditions(view);
  const conditions = setConditions(
    (previous?.conditions ?? [])
      // Gone when there is nothing to tell of any more.
      .filter(
        ({ type }) => !RESIZE_CONDITIONS.has(type) || resizes.some((one) => one.type === type),
      )
      .map((condition) => ({ reason: '', message: '', ...condition })),
    [...conditionsOf(view, phase), ...resizes],
    now,
  );
  const cutShort =
    isTerminal(phase) && [...view.initContainers, ...view.containers].some(wasShutDown);
  return {
    phase,
    // Written for good only: a merge patch would not take them away again.
    ...(view.overdue
      ? DEADLINE_EXCEEDED
      : cutShort
        ? { reason: SHUT_DOWN, message: SHUT_DOWN_MESSAGE }
        : {}),
    conditions: conditions.map(withoutEmpty),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(view.podIPs[0] === undefined ? {} : { podIP: view.podIPs[0] }),
    ...(view.podIPs.length === 0 ? {} : { podIPs: view.podIPs.map((ip) => ({ ip })) }),
    startTime: previous?.startTime ?? timestamp(view.startedAt),
    ...(pod.metadata.generation === undefined
      ? {}
      : { observedGeneration: pod.metadata.generation }),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses,
  };
}

/** What waited for its next attempt does not any more. */
function withoutHope(view: PodView): PodView {
  const end = (one: ContainerView): ContainerView => ({ ...one, waiting: undefined });
  return {
    ...view,
    initContainers: view.initContainers.map(end),
    containers: view.containers.map(end),
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
  mayBeReady: boolean,
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
    ready: running && view.ready && mayBeReady,
    started: running && view.started,
    restartCount: view.restartCount,
    ...(running && current.resources !== undefined
      ? {
          resources: resourcesStatus(container.resources, current.resources),
          allocatedResources: container.resources?.requests ?? {},
        }
      : {}),
    state: currentState,
    lastState:
      before?.state.state === 'exited'
        ? { terminated: terminated(before.id, before.state, view) }
        : (previous?.lastState ?? {}),
  };
}

function isDone(view: ContainerView): boolean {
  const state = view.current?.state;
  return state?.state === 'exited' && state.exitCode === 0 && !wasShutDown(view);
}

function wasShutDown({ current, shutDownID }: ContainerView): boolean {
  return current?.state.state === 'exited' && current.id === shutDownID;
}

function stateOf(view: ContainerView): ContainerStateStatus {
  const { current, waiting } = view;
  if (current?.state.state === 'running')
    return { running: { startedAt: timestamp(current.state.startedAt) } };
  if (waiting !== undefined) return { waiting };
  if (current?.state.state === 'exited')
    return { terminated: terminated(current.id, current.state, view) };
  return { waiting: { reason: 'ContainerCreating' } };
}

/** Unknown exit codes are shown as 137, as the kubelet does: the field is required, and 0 would be a lie. */
function terminated(
  containerID: string,
  state: ExitedState,
  { shutDownID }: ContainerView,
): TerminatedState {
  const shutDown = containerID === shutDownID;
  const message = shutDown ? SHUT_DOWN_MESSAGE : state.message;
  const reason = state.exitCode === undefined ? 'ContainerStatusUnknown' : state.reason;
  return {
    exitCode: state.exitCode ?? 137,
    reason: shutDown ? SHUT_DOWN : reason,
    ...(message === undefined ? {} : { message }),
    startedAt: timestamp(state.startedAt),
    finishedAt: timestamp(state.finishedAt),
    containerID,
  };
}

function phaseOf(view: PodView): PodPhase {
  if (view.overdue) return 'Failed';
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
  // What we stopped did not end by itself, whatever its exit code.
  const exitCode = state?.state === 'exited' && !wasShutDown(view) ? state.exitCode : undefined;
  return state?.state === 'exited' && view.waiting === undefined && !wantsRestart(policy, exitCode);
}

function complaintsOf(containers: readonly ContainerView[]): string {
  const complaints = containers.flatMap(({ container, complaint, current }) =>
    complaint === undefined || current?.state.state !== 'running'
      ? []
      : [`; probe of ${container.name}: ${complaint.slice(0, MAXIMUM_COMPLAINT)}`],
  );
  return complaints.join('');
}

const RESIZE_CONDITIONS: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

/** One of each type at most: an error before what just goes on. */
function resizeConditions({ pod, containers }: PodView): Wanted[] {
  const states = containers
    .flatMap(({ resize }) => resize ?? [])
    .toSorted((a, b) => Number(b.reason !== '') - Number(a.reason !== ''));
  return [...RESIZE_CONDITIONS].flatMap((type) => {
    const found = states.find((state) => state.type === type);
    if (found === undefined) return [];
    const { generation } = pod.metadata;
    return {
      type,
      status: 'True',
      reason: found.reason,
      message: found.message,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
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
      view.terminating ||
      view.shutDown ||
      !(container.current?.state.state === 'running' && container.ready),
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
          reason: completed ?? (view.shutDown ? SHUT_DOWN : 'ContainersNotReady'),
          message: view.shutDown
            ? SHUT_DOWN_MESSAGE
            : completed === undefined
              ? `containers with unready status: [${names(notReady)}]${complaintsOf(notReady)}`
              : '',
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
