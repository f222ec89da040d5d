// What a machine's root is to become, resolved once per run from its spec and what its host says of itself. Tasks only read it. Pure.
import type { HostFacts } from '../hosts/host-driver.ts';
import { crictlVersion, normalizeVersion } from './download-urls.ts';
import type { Downloads } from './download-urls.ts';
import type { Devices } from './devices.ts';

export type Slot = 'a' | 'b';

export interface HostMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

/** `spec.rootfs` of a Machine. */
export interface RootFSSpec {
  /** OCI image; empty: debootstrap; absent: the default for the hardware. */
  readonly image?: string;
  readonly hostDevices?: readonly string[];
  readonly mounts?: readonly HostMount[];
  readonly aptMirror?: string;
  readonly architecture?: string;
  readonly rebuildPolicy?: 'Never' | 'Owned';
  readonly downloads?: Downloads;
}

/** What the kubelet of a machine is told. */
export interface NodeGoal {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  /** Empty: the machine joins nothing by itself. */
  readonly apiServer: string;
  /** Who answers names for its Pods; none: who answers the machine. */
  readonly clusterDNS?: readonly string[];
  readonly clusterDomain?: string;
  /** The address that the Node tells; absent: the kubelet's choice. */
  readonly nodeIP?: string;
  /** What holds the namespaces of a Pod. */
  readonly sandboxImage?: string;
}

export interface RootFS {
  /** Of systemd and machinectl: `worker-1-a`. */
  readonly machineName: string;
  readonly machineDirectory: string;
  readonly nspawnFile: string;
  readonly unit: string;
  readonly serviceOverrideFile: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly hostname: string;
  readonly hostKernel: string;
  /** Empty: debootstrap. */
  readonly image: string;
  readonly aptMirror: string | undefined;
  readonly rebuildPolicy: 'Never' | 'Owned';
  /** Absent: no Kubernetes node is put into this root. */
  readonly kubernetes: KubernetesGoal | undefined;
  readonly downloads: Downloads;
  readonly devices: Devices;
  readonly hostDevices: readonly string[];
  readonly mounts: readonly HostMount[];
  readonly node: NodeGoal | undefined;
}

export interface KubernetesGoal {
  readonly kubernetesVersion: string;
  readonly containerdVersion: string;
  readonly runcVersion: string;
  readonly cniVersion: string;
  readonly crictlVersion: string;
}

export interface ResolveInput {
  readonly name: string;
  readonly slot: Slot;
  readonly spec: RootFSSpec;
  /** Of Kubernetes, when the machine is to be a node. */
  readonly version: string | undefined;
  readonly node: NodeGoal | undefined;
  readonly facts: Pick<HostFacts, 'arch' | 'hostname' | 'kernel'>;
  readonly devices: Devices;
}

export const DEFAULT_IMAGE = 'ghcr.io/azure/agent-ubuntu2404';
export const MACHINES_DIRECTORY = '/var/lib/machines';
const CONTAINERD_VERSION = '2.0.4';
const RUNC_VERSION = '1.1.12';
const CNI_VERSION = '1.5.1';

/** The message names the field and what it may be. */
export class GoalError extends Error {
  override readonly name = 'GoalError';
}

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a';
}

/** @throws GoalError for what cannot be built */
export function resolveGoal(input: ResolveInput): RootFS {
  const { spec, facts, devices, node } = input;
  const machineName = `${input.name}-${input.slot}`;
  const unit = `systemd-nspawn@${machineName}.service`;
  const downloads = spec.downloads ?? {};
  return {
    machineName,
    machineDirectory: `${MACHINES_DIRECTORY}/${machineName}`,
    nspawnFile: `/etc/systemd/nspawn/${machineName}.nspawn`,
    unit,
    serviceOverrideFile: `/etc/systemd/system/${unit}.d/override.conf`,
    architecture: architectureOf(spec.architecture ?? facts.arch),
    hostname: node?.name ?? input.name,
    hostKernel: facts.kernel,
    image: resolveImage(spec.image, devices),
    aptMirror: spec.aptMirror?.replace(/\/+$/, ''),
    rebuildPolicy: spec.rebuildPolicy ?? 'Owned',
    kubernetes: node === undefined ? undefined : kubernetesGoal(input.version, downloads),
    downloads,
    devices,
    hostDevices: [...new Set([...devices.kvm, ...(spec.hostDevices ?? [])])].toSorted(),
    mounts: spec.mounts ?? [],
    node,
  };
}

/** Spec first; empty there means debootstrap; else by whether there is a GPU. */
export function resolveImage(image: string | undefined, { gpu }: Pick<Devices, 'gpu'>): string {
  if (image !== undefined) return image.trim();
  return gpu.devices.length > 0 ? `${DEFAULT_IMAGE}-nvidia` : DEFAULT_IMAGE;
}

/** What decides whether a root must be built anew: not its slot, its host's kernel, nor what is corrected in place. */
export function goalContent(goal: RootFS): unknown {
  const { image, architecture, aptMirror, kubernetes, downloads, devices, hostDevices, mounts } =
    goal;
  const { hostname, node } = goal;
  const { apiServer, clusterDNS, clusterDomain, nodeIP, sandboxImage } = node ?? {};
  return {
    image,
    architecture,
    aptMirror,
    kubernetes,
    downloads,
    devices,
    hostDevices,
    mounts,
    hostname,
    apiServer,
    clusterDNS,
    clusterDomain,
    nodeIP,
    sandboxImage,
  };
}

function kubernetesGoal(version: string | undefined, downloads: Downloads): KubernetesGoal {
  const given = version ?? downloads.kubernetes?.version;
  if (given === undefined)
    throw new GoalError('spec.version: a machine with spec.node needs the version of Kubernetes');
  const kubernetesVersion = normalizeVersion(given);
  if (!/^\d+\.\d+\.\d+([-+][\w.+-]+)?$/.test(kubernetesVersion))
    throw new GoalError(
      `spec.version: ${JSON.stringify(given)} is no version of Kubernetes; write it as 1.33.5`,
    );
  const versionOf = (name: 'containerd' | 'runc' | 'cni', value: string): string =>
    normalizeVersion(downloads[name]?.version ?? value);
  return {
    kubernetesVersion,
    containerdVersion: versionOf('containerd', CONTAINERD_VERSION),
    runcVersion: versionOf('runc', RUNC_VERSION),
    cniVersion: versionOf('cni', CNI_VERSION),
    crictlVersion: crictlVersion(kubernetesVersion, downloads.crictl),
  };
}

function architectureOf(text: string): 'amd64' | 'arm64' {
  if (text === 'amd64' || text === 'arm64') return text;
  throw new GoalError(
    `spec.rootfs.architecture: unsupported architecture ${JSON.stringify(text)}; there are amd64 and arm64`,
  );
}
