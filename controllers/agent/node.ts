// This machine as a Node: registers it, says that it lives (a Lease every ten seconds), and keeps its status. What others put on the
// Node (cordon, taints, labels) is never touched.
import { arch, availableParallelism, hostname, platform, release, totalmem, type } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import { gitVersionOf } from '#platform/kubernetes-version.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import { isAlreadyExists, isNotFound } from '../machinery/request-error.ts';
import { NODES } from '../machinery/resources.ts';
import { microTimestamp, timestamp } from '../machinery/timestamps.ts';
import type { ImageStore } from '../runtimes/image-store.ts';
import { imagesOf } from './node-images.ts';

const LEASES: ApiResource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  kind: 'Lease',
  namespaced: true,
};
const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const HEARTBEAT_MS = 10_000;
const RETRY_MS = 1_000;
const STATUS_EVERY = 30;
const MAXIMUM_PODS = '110';

export interface NodeOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly runtimeVersion: string;
  /** Of this program: `0.1.0`. */
  readonly windlassVersion: string;
  /** Identifies this machine across restarts. */
  readonly machineID: string;
  readonly bootID: string;
  /** Put on the Node; null takes one off. */
  readonly annotations?: Readonly<Record<string, string | null>>;
  /** Absent where the runtime keeps none. */
  readonly images?: ImageStore | undefined;
}

interface NodeObject extends ApiObject {
  readonly status?: {
    readonly images?: readonly unknown[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** Registers the Node and writes its first status. @throws RequestError when the server refuses */
export async function registerNode(options: NodeOptions, signal: AbortSignal): Promise<ApiObject> {
  const { client, nodeName } = options;
  const labels = {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/arch': arch() === 'x64' ? 'amd64' : arch(),
    'kubernetes.io/os': platform(),
  };
  const { annotations = {} } = options;
  const said = Object.fromEntries(
    Object.entries(annotations).filter(([, value]) => value !== null),
  );
  const metadata = { name: nodeName, labels, annotations: said };
  try {
    await client.create(NODES, '', { apiVersion: 'v1', kind: 'Node', metadata, spec: {} }, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const patch = { metadata: { labels, annotations } };
    await client.patch(NODES, '', nodeName, '', 'merge', patch, signal);
  }
  await renewLease(options, signal);
  return writeStatus(options, signal);
}

/** Renews the Lease every ten seconds and the status every five minutes until the signal aborts. */
export async function keepNodeAlive(options: NodeOptions, signal: AbortSignal): Promise<void> {
  let beats = 0;
  let delayMs = HEARTBEAT_MS;
  while (!signal.aborted) {
    try {
      await sleep(options.clock, delayMs, signal);
      await renewLease(options, signal);
      beats += 1;
      // Whoever watches over nodes may have given this one up while it could not be heard: its Ready is ours to take back.
      if (beats % STATUS_EVERY === 0 || !(await isUpToDate(options, signal)))
        await writeStatus(options, signal);
      delayMs = HEARTBEAT_MS;
    } catch (error) {
      if (signal.aborted) return;
      options.logger.warn('Cannot renew the Lease of this node, trying again', { error });
      if (isNotFound(error)) await registerNode(options, signal).catch(() => undefined);
      delayMs = RETRY_MS;
    }
  }
}

/** For the end of the agent: the Node is not ready any more, and says why. */
export async function leaveNode(options: NodeOptions, signal: AbortSignal): Promise<void> {
  await writeStatus(options, signal, {
    status: 'False',
    reason: 'AgentStopped',
    message: 'the agent was stopped',
  });
}

/** Whether the Node says that it is ready, and which images it has. */
async function isUpToDate(options: NodeOptions, signal: AbortSignal): Promise<boolean> {
  const { client, nodeName, images } = options;
  const { status } = await client.get<NodeObject>(NODES, '', nodeName, signal);
  if (!isConditionTrue(status?.conditions, 'Ready')) return false;
  const known = status?.images ?? [];
  return JSON.stringify(known) === JSON.stringify((await imagesOf(images)) ?? known);
}

/** Tells at once which images are here now. */
export async function reportImages(options: NodeOptions, signal: AbortSignal): Promise<void> {
  try {
    await writeStatus(options, signal);
  } catch (error) {
    // The next beat tells it.
    if (!signal.aborted) options.logger.debug('Cannot report the images of this node', { error });
  }
}

async function renewLease(
  { client, clock, nodeName }: NodeOptions,
  signal: AbortSignal,
): Promise<void> {
  const renewTime = microTimestamp(clock.now());
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  try {
    await client.patch(LEASES, LEASE_NAMESPACE, nodeName, '', 'merge', { spec }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const metadata = { name: nodeName, namespace: LEASE_NAMESPACE };
    await client.create(
      LEASES,
      LEASE_NAMESPACE,
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec },
      signal,
    );
  }
}

interface Readiness {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const READY: Readiness = {
  status: 'True',
  reason: 'AgentReady',
  message: 'the agent runs and its runtime works',
};

async function writeStatus(
  options: NodeOptions,
  signal: AbortSignal,
  ready = READY,
): Promise<ApiObject> {
  const { client, nodeName, clock } = options;
  const node = await client.get<NodeObject>(NODES, '', nodeName, signal);
  const now = timestamp(clock.now());
  const condition = (
    type: string,
    status: 'True' | 'False',
    reason: string,
    message: string,
  ): object => {
    const before = node.status?.conditions?.find((known) => known.type === type);
    const kept = before?.status === status ? before.lastTransitionTime : undefined;
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: now,
      lastTransitionTime: kept ?? now,
    };
  };
  const resources = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: MAXIMUM_PODS,
  };
  const foreign = (node.status?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.has(type));
  const images = await imagesOf(options.images);
  const status = {
    addresses: [
      { type: 'InternalIP', address: options.hostIP },
      { type: 'Hostname', address: hostname() },
    ],
    capacity: resources,
    allocatable: resources,
    nodeInfo: nodeInfo(options),
    ...(images === undefined ? {} : { images }),
    conditions: [
      ...foreign,
      condition(
        'MemoryPressure',
        'False',
        'AgentHasSufficientMemory',
        'agent has sufficient memory available',
      ),
      condition('DiskPressure', 'False', 'AgentHasNoDiskPressure', 'agent has no disk pressure'),
      condition(
        'PIDPressure',
        'False',
        'AgentHasSufficientPID',
        'agent has sufficient PID available',
      ),
      condition('Ready', ready.status, ready.reason, ready.message),
    ],
  };
  return client.patch(NODES, '', nodeName, 'status', 'merge', { status }, signal);
}

const OWN_CONDITIONS = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']);

function nodeInfo({ machineID, bootID, runtimeVersion, windlassVersion }: NodeOptions): object {
  return {
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    operatingSystem: platform(),
    osImage: `${type()} ${release()}`,
    kernelVersion: release(),
    machineID,
    systemUUID: machineID,
    bootID,
    containerRuntimeVersion: runtimeVersion,
    kubeletVersion: gitVersionOf(windlassVersion),
    kubeProxyVersion: '',
  };
}
