// The Pod as the agent reads and writes it: client-node's types for the spec, and a status whose times are the strings of the wire.
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { ApiObject } from '../machinery/client-types.ts';

export interface Pod extends ApiObject {
  readonly spec: V1PodSpec;
  readonly status?: PodStatus;
}

export type Container = V1Container;

export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
  readonly lastProbeTime?: string | null;
  readonly observedGeneration?: number;
}

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly signal?: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly containerID?: string;
}

export interface ContainerStateStatus {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: TerminatedState;
}

export interface PodContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly resources?: object;
  readonly allocatedResources?: Readonly<Record<string, string>>;
  readonly state: ContainerStateStatus;
  readonly lastState: ContainerStateStatus;
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

export interface PodStatus {
  readonly phase?: PodPhase;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly PodCondition[];
  readonly hostIP?: string;
  readonly hostIPs?: readonly { readonly ip: string }[];
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly qosClass?: string;
  readonly observedGeneration?: number;
  readonly initContainerStatuses?: readonly PodContainerStatus[];
  readonly containerStatuses?: readonly PodContainerStatus[];
}

export function containerOf({ spec }: Pod, name: string): Container | undefined {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  return all.find((container) => container.name === name);
}

export function isTerminal(phase: PodPhase | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

export const DEFAULT_GRACE_SECONDS = 30;
/** Of the grace period: what the requests under way may take before the instance is told to stop. The rest is its own. */
export const DRAIN_SHARE = 0.8;

/** With these addresses in its status; unchanged without any. */
export function withAddresses(pod: Pod, ips: readonly string[]): Pod {
  const [podIP] = ips;
  if (podIP === undefined) return pod;
  return { ...pod, status: { ...pod.status, podIP, podIPs: ips.map((ip) => ({ ip })) } };
}

/** What the Pod's status says of a container. */
export function containerStatusIn(
  { status }: Pod,
  container: string,
): PodContainerStatus | undefined {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container);
}
