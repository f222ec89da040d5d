// Turns Pods and Services into what a person follows: one line per instance, and the moment when a service has settled. Pure.

/** What of a Pod is looked at. */
export interface PodView {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly {
      readonly name?: string;
      readonly ready?: boolean;
      readonly restartCount?: number;
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: Terminated;
      };
      readonly lastState?: { readonly terminated?: Terminated };
    }[];
  };
}

interface Terminated {
  readonly reason?: string;
  readonly exitCode?: number;
  readonly message?: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** One entry of spec.ingress. */
export interface IngressView {
  readonly port?: number;
  readonly protocol?: string;
  readonly host?: string;
  readonly path?: string;
}

/** What of a `Service` of windlass.dev is looked at. */
export interface ServiceView {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec?: {
    readonly replicas?: number;
    readonly ingress?: readonly IngressView[];
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updateRevision?: string;
    readonly conditions?: readonly Condition[];
    readonly readyReplicas?: number;
    readonly desiredReplicas?: number;
    readonly awaitsPromotion?: boolean;
    readonly step?: number;
  };
}

/** State of an instance in a few words. */
export function describeInstance(pod: PodView): string {
  const { status } = pod;
  const [container] = status?.containerStatuses ?? [];
  const restarts = container?.restartCount ?? 0;
  const suffix =
    restarts === 0 ? '' : ` (restarted ${restarts === 1 ? 'once' : `${restarts} times`})`;
  if (pod.metadata.deletionTimestamp !== undefined) return `stopping${suffix}`;
  const held = status?.containerStatuses?.find((one) => one.state?.waiting !== undefined);
  const waiting = held?.state?.waiting;
  if (waiting !== undefined && !isOnItsWay(waiting.reason)) {
    const code = held?.lastState?.terminated?.exitCode;
    const exit = code === undefined ? '' : `, exit code ${code}`;
    // Upstream's words end with the names of container and Pod, which the line starts with.
    const message = waiting.message?.replace(/ restarting failed container=.*/s, '');
    return `${reasonAndMessage(`${waiting.reason ?? 'waiting'}${exit}`, message)}${suffix}`;
  }
  if (conditionIs(status?.conditions, 'Ready', 'True')) return `ready${suffix}`;
  const ended = status?.containerStatuses?.find((one) => one.state?.terminated !== undefined)?.state
    ?.terminated;
  if (ended !== undefined) {
    const code = ended.exitCode === undefined ? '' : `, exit code ${ended.exitCode}`;
    return `${reasonAndMessage(`ended: ${ended.reason ?? 'unknown'}${code}`, ended.message)}${suffix}`;
  }
  if (status?.phase === 'Running') return `running, not ready yet${suffix}`;
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded')
    return reasonAndMessage(status.reason ?? status.phase.toLowerCase(), status.message);
  if (pod.spec?.nodeName === undefined || pod.spec.nodeName === '') {
    const scheduled = status?.conditions?.find((one) => one.type === 'PodScheduled');
    return scheduled?.message === undefined
      ? 'waiting for a node'
      : `waiting: ${scheduled.message}`;
  }
  const progress = waiting?.message === undefined ? '' : `: ${waiting.message}`;
  return `starting${progress}${suffix}`;
}

function isOnItsWay(reason: string | undefined): boolean {
  return reason === 'ContainerCreating' || reason === 'PodInitializing';
}

/** Whether an instance cannot come up as it is: waiting longer will not help. */
export function isFailing(pod: PodView): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  return (pod.status?.containerStatuses ?? []).some(
    ({ state }) => state?.waiting !== undefined && !isOnItsWay(state.waiting.reason),
  );
}

/** Name of the container that keeps an instance from being ready. */
export function troubledContainer(pod: PodView): string | undefined {
  const statuses = pod.status?.containerStatuses ?? [];
  return (
    statuses.find(({ state }) => state?.waiting !== undefined) ??
    statuses.find(({ ready }) => ready !== true)
  )?.name;
}

/** Why an instance is not ready, in the words of its condition; undefined when nothing is known. */
export function complaintOf(pod: PodView): string | undefined {
  const ready = pod.status?.conditions?.find(
    ({ type, status }) => type === 'Ready' && status !== 'True',
  );
  return ready?.message === undefined || ready.message === '' ? undefined : oneLine(ready.message);
}

function reasonAndMessage(reason: string, message: string | undefined): string {
  return message === undefined || message === '' ? reason : `${reason}: ${oneLine(message)}`;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}

function conditionIs(
  conditions: readonly Condition[] | undefined,
  type: string,
  status: string,
): boolean {
  return (conditions ?? []).some((one) => one.type === type && one.status === status);
}

export type ServiceOutcome =
  | { readonly state: 'rolling' }
  | { readonly state: 'ready'; readonly ready: number; readonly desired: number }
  | { readonly state: 'failed'; readonly message: string };

/** Whether the controller has seen the newest spec, and what has come of it. */
export function outcomeOf(service: ServiceView): ServiceOutcome {
  const { status, metadata } = service;
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata.generation ?? 1))
    return { state: 'rolling' };
  const { readyReplicas: ready = 0, desiredReplicas: desired = 0, conditions = [] } = status;
  if (conditionIs(conditions, 'Ready', 'True')) return { state: 'ready', ready, desired };
  const given = conditions.find(({ type, status: is }) => type === 'Progressing' && is === 'False');
  if (given === undefined) return { state: 'rolling' };
  return { state: 'failed', message: reasonAndMessage(given.reason ?? 'Failed', given.message) };
}

/** Whether it takes requests as far as its status says, which may be of before a restart of ours. */
export function isReady(pod: PodView): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    conditionIs(pod.status?.conditions, 'Ready', 'True')
  );
}
