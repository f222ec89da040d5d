// An instance of a service: what the planner needs to know of a Pod, as plain data. Everything that a plan depends on is read from
// Pods and Nodes here, nothing is remembered, so that a controller that crashed goes on where it was.
import type { V1PodCondition, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import type { ApiObject } from '../machinery/client-types.ts';
import type { NodeFacts } from '../machinery/node-fit.ts';
import { parseTimestamp } from '../machinery/timestamps.ts';
import { resourcesOf, resourcesText } from './evaluate-resources.ts';
import type { Resources } from './evaluate-resources.ts';
import { hostPortsOf } from './order.ts';
import type { HostPort } from './order.ts';
import {
  DECLINED_ANNOTATION,
  REPLACES_ANNOTATION,
  RESIZE_REFUSED_ANNOTATION,
  REVISION_LABEL,
} from './types.ts';

export interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
  readonly status?: V1PodStatus;
}

export interface Instance {
  readonly name: string;
  readonly uid: string;
  /** Where it runs or is pinned to; '' when neither is known. */
  readonly node: string;
  /** Hash of its revision; '' when it carries none. */
  readonly revision: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Since when it has been ready; `undefined` while it is not. */
  readonly readySince: number | undefined;
  /** Since when its node has not answered; `now` while nobody has noted the time; `undefined` when it answers. */
  readonly silentSince: number | 'now' | undefined;
  readonly terminating: boolean;
  /** Its phase is Failed or Succeeded: it will never serve again. */
  readonly ended: boolean;
  /** Its node is gone. */
  readonly orphaned: boolean;
  /** The scheduler has given it to its node; before, it is only pinned there. */
  readonly bound: boolean;
  /** True when the node is there to carry out its deletion. */
  readonly reachable: boolean;
  /** Why it is not ready, in words; '' when it is, or nothing is known yet. */
  readonly trouble: string;
  /** uid of the instance that it takes the place of. */
  readonly replaces: string | undefined;
  /** True when a probe decides about readiness: then ready means available, without a monitor period. */
  readonly probed: boolean;
  readonly hostPorts: readonly HostPort[];
  /** A container of it is waiting to be restarted after it ended again and again. */
  readonly crashLooping: boolean;
  /** Hash of the revision that failed in its place. */
  readonly declined: string | undefined;
  /** Of its containers, as they are asked for. */
  readonly resources: Resources;
  /** Whether its node has given it what is asked for. */
  readonly resize: 'done' | 'underWay' | 'infeasible';
  /** Its node can change resources while it runs. */
  readonly resizable: boolean;
  /** Hash of the revision whose resources the server would not let it have. */
  readonly resizeRefused: string | undefined;
}

/** What was found of a Pod, and the facts of its node that it was found with. */
interface Found {
  readonly node: string;
  readonly nodeKnown: Pick<NodeFacts, 'ready' | 'resizable'> | undefined;
  readonly instance: Instance;
}

/** Objects of a cache never change in place, and each plan asks for all of them. */
const found = new WeakMap<Pod, Found>();

export function instanceOf(pod: Pod, nodes: ReadonlyMap<string, NodeFacts>): Instance {
  const before = found.get(pod);
  const node = before?.node ?? nodeOf(pod);
  const nodeKnown = nodes.get(node);
  if (
    before !== undefined &&
    before.nodeKnown?.ready === nodeKnown?.ready &&
    before.nodeKnown?.resizable === nodeKnown?.resizable
  )
    return before.instance;
  const instance = readInstance(pod, node, nodeKnown);
  found.set(pod, { node, nodeKnown, instance });
  return instance;
}

/** Where it runs or is pinned to. */
function nodeOf({ spec }: Pod): string {
  return spec.nodeName ?? pinnedNode(spec) ?? '';
}

function readInstance(pod: Pod, node: string, nodeKnown: NodeFacts | undefined): Instance {
  const { metadata, spec, status } = pod;
  const phase = status?.phase ?? 'Pending';
  const ended = phase === 'Failed' || phase === 'Succeeded';
  const bound = spec.nodeName !== undefined && spec.nodeName !== '';
  const orphaned = node !== '' && nodeKnown === undefined;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const createdAt = parseTimestamp(metadata.creationTimestamp) ?? 0;
  // Of a node that is away, the last word about an instance is no news.
  const silent = bound && nodeKnown?.ready === false;
  const isReady =
    ready?.status === 'True' &&
    !ended &&
    !orphaned &&
    !silent &&
    metadata.deletionTimestamp === undefined;
  return {
    name: metadata.name,
    uid: metadata.uid,
    node,
    revision: metadata.labels?.[REVISION_LABEL] ?? '',
    createdAt,
    // On the wire it is text, whatever client-node's types say.
    readySince: isReady
      ? (parseTimestamp(ready.lastTransitionTime as unknown as string | undefined) ?? createdAt)
      : undefined,
    silentSince: silentSince(ready, silent),
    terminating: metadata.deletionTimestamp !== undefined,
    ended,
    orphaned,
    bound,
    // An unbound Pod needs no agent to go away.
    reachable: !bound || nodeKnown?.ready === true,
    trouble: isReady ? '' : silent ? `its node ${node} is not ready` : troubleOf(pod, orphaned),
    replaces: metadata.annotations?.[REPLACES_ANNOTATION],
    probed: spec.containers.some(
      ({ readinessProbe, startupProbe }) =>
        readinessProbe !== undefined || startupProbe !== undefined,
    ),
    hostPorts: hostPortsOf({ spec }),
    crashLooping: [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ].some(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff'),
    declined: metadata.annotations?.[DECLINED_ANNOTATION],
    resources: resourcesOf(spec),
    resize: resizeOf(pod),
    resizable: nodeKnown?.resizable ?? true,
    resizeRefused: metadata.annotations?.[RESIZE_REFUSED_ANNOTATION],
  };
}

/** From the condition, as the node life cycle leaves it; it stays until the agent is back and says otherwise. */
function silentSince(
  ready: V1PodCondition | undefined,
  isSilent: boolean,
): number | 'now' | undefined {
  if (ready?.status === 'False' && ready.reason === 'NodeNotReady')
    return parseTimestamp(ready.lastTransitionTime as unknown as string | undefined) ?? 'now';
  return isSilent && ready?.status === 'True' ? 'now' : undefined;
}

/** As upstream's kubelet tells: conditions while it is not done, and then the resources that containers have. */
function resizeOf({ spec, status }: Pod): Instance['resize'] {
  const pending = status?.conditions?.find(({ type }) => type === 'PodResizePending');
  if (pending?.status === 'True' && pending.reason === 'Infeasible') return 'infeasible';
  const isUnderWay = status?.conditions?.some(
    ({ type, status: value }) =>
      (type === 'PodResizePending' || type === 'PodResizeInProgress') && value === 'True',
  );
  const isGiven = spec.containers.every(({ name, resources }) => {
    const given = status?.containerStatuses?.find((container) => container.name === name);
    return resourcesText(given?.resources) === resourcesText(resources);
  });
  return isUnderWay !== true && isGiven ? 'done' : 'underWay';
}

/** The node of `requiredDuringScheduling…` `metadata.name In [node]`, as build-pod.ts writes it. */
function pinnedNode(spec: V1PodSpec): string | undefined {
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}

function troubleOf({ spec, status }: Pod, orphaned: boolean): string {
  if (orphaned) return 'its node is gone';
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') {
    return [`it ended (${status.reason ?? status.phase})`, status.message]
      .filter(Boolean)
      .join(': ');
  }
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, lastState, restartCount } of statuses) {
    const waiting = state?.waiting;
    if (
      waiting !== undefined &&
      waiting.reason !== 'ContainerCreating' &&
      waiting.reason !== 'PodInitializing'
    ) {
      const last = lastState?.terminated;
      const exit =
        last === undefined ? '' : ` (last exit code ${last.exitCode}, ${restartCount} restarts)`;
      return `container ${name}: ${[waiting.reason, waiting.message].filter(Boolean).join(': ')}${exit}`;
    }
    const terminated = state?.terminated;
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return `container ${name} exited with code ${terminated.exitCode}${terminated.reason === undefined ? '' : ` (${terminated.reason})`}`;
    }
  }
  if (spec.nodeName === undefined || spec.nodeName === '') {
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return scheduled?.status === 'False'
      ? `not scheduled: ${scheduled.message ?? scheduled.reason ?? ''}`
      : '';
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'False') return ready.message ?? ready.reason ?? '';
  return '';
}
