// One word for the state of a Pod, its ready count and its restarts, found the way `kubectl get pods` shows them:
// init containers first, then the containers from last to first, deletion above all.
import { conditionOf, fieldAt, listAt, numberAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { parseTimestamp } from '../timestamps.ts';

export interface PodSummary {
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating` … */
  readonly status: string;
  readonly ready: number;
  /** Containers and sidecars. */
  readonly total: number;
  readonly restarts: number;
  /** When the last restarted container had ended, in milliseconds since the epoch. */
  readonly lastRestart: number | undefined;
}

/** Adds up restarts and remembers the newest. */
class Restarts {
  count = 0;
  last: number | undefined;

  add(status: unknown): void {
    this.count += numberAt(status, 'restartCount');
    const ended = parseTimestamp(stringAt(status, 'lastState', 'terminated', 'finishedAt'));
    if (ended !== undefined && ended > (this.last ?? 0)) this.last = ended;
  }
}

interface Progress {
  status: string;
  ready: number;
  /** True when an init container has yet to finish or has failed. */
  initializing: boolean;
}

export function podSummary(pod: KubernetesObject): PodSummary {
  const progress: Progress = { status: baseStatus(pod), ready: 0, initializing: false };
  const sidecars = new Set<string>();
  for (const container of listAt(pod, 'spec', 'initContainers')) {
    if (stringAt(container, 'restartPolicy') === 'Always')
      sidecars.add(stringAt(container, 'name'));
  }
  const initRestarts = new Restarts();
  const restarts = new Restarts();
  readInitContainers(pod, sidecars, progress, initRestarts, restarts);
  const initialized = stringAt(conditionOf(pod, 'Initialized'), 'status') === 'True';
  const past = !progress.initializing || initialized;
  if (past) readContainers(pod, progress, restarts);
  const shown = past ? restarts : initRestarts;
  return {
    status: withDeletion(pod, progress.status),
    ready: progress.ready,
    total: listAt(pod, 'spec', 'containers').length + sidecars.size,
    restarts: shown.count,
    lastRestart: shown.last,
  };
}

function baseStatus(pod: KubernetesObject): string {
  if (stringAt(conditionOf(pod, 'PodScheduled'), 'reason') === 'SchedulingGated') {
    return 'SchedulingGated';
  }
  return stringAt(pod, 'status', 'reason') || stringAt(pod, 'status', 'phase');
}

function readInitContainers(
  pod: KubernetesObject,
  sidecars: ReadonlySet<string>,
  progress: Progress,
  all: Restarts,
  sidecarsOnly: Restarts,
): void {
  const total = listAt(pod, 'spec', 'initContainers').length;
  for (const [index, status] of listAt(pod, 'status', 'initContainerStatuses').entries()) {
    all.add(status);
    const isSidecar = sidecars.has(stringAt(status, 'name'));
    if (isSidecar) sidecarsOnly.add(status);
    const terminated = fieldAt(status, 'state', 'terminated');
    if (terminated !== undefined && numberAt(terminated, 'exitCode') === 0) continue;
    if (isSidecar && fieldAt(status, 'started') === true) {
      if (fieldAt(status, 'ready') === true) progress.ready += 1;
      continue;
    }
    const waiting = stringAt(status, 'state', 'waiting', 'reason');
    progress.initializing = true;
    if (terminated !== undefined) progress.status = `Init:${endOf(terminated)}`;
    else if (waiting !== '' && waiting !== 'PodInitializing') progress.status = `Init:${waiting}`;
    else progress.status = `Init:${index}/${total}`;
    return;
  }
}

function readContainers(pod: KubernetesObject, progress: Progress, restarts: Restarts): void {
  let hasRunning = false;
  for (const status of listAt(pod, 'status', 'containerStatuses').toReversed()) {
    restarts.add(status);
    const waiting = stringAt(status, 'state', 'waiting', 'reason');
    const terminated = fieldAt(status, 'state', 'terminated');
    if (waiting !== '') progress.status = waiting;
    else if (terminated !== undefined) progress.status = endOf(terminated);
    else if (
      fieldAt(status, 'ready') === true &&
      fieldAt(status, 'state', 'running') !== undefined
    ) {
      hasRunning = true;
      progress.ready += 1;
    }
  }
  // One container is done, another still runs: the Pod as a whole is not completed.
  if (progress.status === 'Completed' && hasRunning) {
    const ready = stringAt(conditionOf(pod, 'Ready'), 'status') === 'True';
    progress.status = ready ? 'Running' : 'NotReady';
  }
}

/** `Error`, `OOMKilled`, `Signal:9`, `ExitCode:3`. */
function endOf(terminated: unknown): string {
  const reason = stringAt(terminated, 'reason');
  if (reason !== '') return reason;
  const signal = numberAt(terminated, 'signal');
  return signal === 0 ? `ExitCode:${numberAt(terminated, 'exitCode')}` : `Signal:${signal}`;
}

function withDeletion(pod: KubernetesObject, status: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return status;
  if (stringAt(pod, 'status', 'reason') === 'NodeLost') return 'Unknown';
  const phase = stringAt(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed' ? status : 'Terminating';
}
