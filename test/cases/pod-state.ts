// The status that a node agent writes for a container in one of the collection's states, made by the agent's own code: running, exited,
// paused, unhealthy, restarting, created.
import { podStatus } from '#controllers/agent/status.ts';
import type { ContainerView } from '#controllers/agent/status.ts';
import type { Container, Pod, PodStatus } from '#controllers/agent/pod.ts';
import { ShapeError } from './shape.ts';

/** How a container is doing, as an engine tells. */
export interface EngineState {
  readonly running: boolean;
  readonly paused?: boolean;
  readonly restarting?: boolean;
  /** `healthy`, `unhealthy`, `starting`; absent or `none`: it has no health check. */
  readonly health?: string;
}

const STATES: Readonly<Record<string, EngineState>> = {
  running: { running: true },
  exited: { running: false },
  dead: { running: false },
  created: { running: false },
  paused: { running: true, paused: true },
  unhealthy: { running: true, health: 'unhealthy' },
  restarting: { running: true, restarting: true },
  starting: { running: true, health: 'starting' },
};

/** @throws ShapeError for a state that the format does not have */
export function engineState(word: string): EngineState {
  const state = Object.hasOwn(STATES, word) ? STATES[word] : undefined;
  if (state === undefined)
    throw new ShapeError('state of a container', `one of ${Object.keys(STATES).join(', ')}`, word);
  return state;
}

const ONCE = { restartPolicy: 'Never' };

/** @param since when it started, in milliseconds since the epoch */
export function statusOf(pod: Pod, state: EngineState, since: number): PodStatus {
  const { running } = state;
  // What ended for good is what uncloud calls exited: nobody starts it again.
  const ended = !running;
  const view = (container: Container): ContainerView => viewOf(container, state, since);
  return podStatus({
    pod: ended ? { ...pod, spec: { ...(pod.spec as object), ...ONCE } as Pod['spec'] } : pod,
    initContainers: [],
    containers: pod.spec.containers.map(view),
    hostIP: '127.0.0.1',
    podIPs: ['127.0.0.1'],
    now: since,
    startedAt: since,
    terminating: false,
    shutDown: false,
    overdue: false,
  });
}

function viewOf(container: Container, state: EngineState, since: number): ContainerView {
  const { running, paused = false, restarting = false, health = 'none' } = state;
  const isHealthy = health === 'none' || health === '' || health === 'healthy';
  const identity = { namespace: '', pod: '', podUID: '', container: container.name, attempt: 0 };
  const exited = {
    state: 'exited',
    startedAt: since,
    finishedAt: since,
    exitCode: 1,
    reason: 'Error',
  } as const;
  return {
    container,
    current: {
      identity,
      id: `case://${container.name}`,
      image: container.image ?? '',
      imageID: '',
      state: running && !restarting ? { state: 'running', startedAt: since } : exited,
      endpoints: new Map(),
      podIPs: ['127.0.0.1'],
    },
    last: undefined,
    restartCount: restarting ? 3 : 0,
    waiting: restarting
      ? { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' }
      : undefined,
    started: true,
    ready: running && !paused && !restarting && isHealthy,
    complaint: paused ? 'it is paused' : isHealthy ? undefined : `it is ${health}`,
    shutDownID: undefined,
  };
}
