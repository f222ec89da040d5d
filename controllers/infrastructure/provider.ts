// What machine infrastructure offers, whoever runs it: nodes of clusters that can be made, listed, started, stopped and deleted. How a
// distribution of Kubernetes is put on the nodes is another's business.

/** A cluster of ours: the name and UID of its Cluster object. */
export interface ClusterIdentity {
  readonly name: string;
  readonly uid: string;
}

/**
 * A cluster of ours by identity, or by the name that `listAllClusters` says. A name is enough for a foreign cluster and for one
 * of ours whose name only one cluster has; actions on a name that two clusters have are refused with `NotOwned`.
 */
export type ClusterReference = string | ClusterIdentity;

export interface NodeInfo {
  /** What the infrastructure calls it: the name of a container, of a server, the id of a machine. */
  readonly name: string;
  readonly clusterName: string;
  /** As our labels spell it: `controller`, `worker`, `controller+worker`; for foreign schemes `control-plane` or `worker`. */
  readonly role: string;
  /** The provider's own word: `running`, `exited`, `off`, … */
  readonly state: string;
  /** Whether we may act on it: all labels of ours are there, or its cluster was adopted. */
  readonly isOwned: boolean;
  /** UID of the Cluster object; absent for foreign schemes. */
  readonly clusterUID?: string;
  /** UID of the Machine object; absent for foreign schemes. */
  readonly machineUID?: string;
  readonly pool?: string;
  /** Where it can be reached, IPv4 first. */
  readonly addresses?: readonly string[];
  /** The kind of machine, where there are several: `cx22`. */
  readonly serverType?: string;
}

export interface ClusterStatus {
  /** The provider's ready word, `stopped` or `degraded`; providers that know better say their own. */
  readonly phase: string;
  readonly isReady: boolean;
  readonly nodesTotal: number;
  readonly nodesReady: number;
  readonly nodes: readonly NodeInfo[];
  /** URL of the cluster's API where the provider knows it. */
  readonly endpoint?: string;
}

/** What happened to one node, or to something that belongs to a cluster. One that fails hides no other. */
export interface NodeResult {
  readonly kind:
    | 'node'
    | 'network'
    | 'volume'
    | 'firewall'
    | 'placementGroup'
    | 'floatingIP'
    | 'loadBalancer'
    | 'image'
    | 'cluster';
  readonly name: string;
  /** `skipped`: there was nothing to do. */
  readonly outcome: 'done' | 'skipped' | 'failed';
  readonly error?: Error;
}

export interface PortMapping {
  readonly containerPort: number;
  /** 0 or absent: any free one. */
  readonly hostPort?: number;
  /** Address of this machine; absent: loopback. */
  readonly hostAddress?: string;
  readonly protocol?: 'tcp' | 'udp';
}

/** A folder that outlives restarts of the node and is deleted with it. */
export interface NodeVolume {
  /** Unique within the node. */
  readonly name: string;
  /** Absolute, as the node sees it. */
  readonly path: string;
}

/** A node that shall exist. Fields that a provider has no use for are left alone. */
export interface NodeRequest {
  readonly name: string;
  /** By it a node that was made before is found again. */
  readonly machineUID: string;
  readonly pool: string;
  readonly role: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly PortMapping[];
  readonly volumes?: readonly NodeVolume[];
  /** Over those of the provider, key by key. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * `createNodes`, `deleteNodes`: can make and unmake nodes; `power`: can stop and start them; `foreign`: lists clusters of others;
 * `nodeNames`: nodes of a cluster find each other by their names, whatever their addresses are today.
 */
export type Capability =
  | 'createNodes'
  | 'deleteNodes'
  | 'power'
  | 'networks'
  | 'volumes'
  | 'ports'
  | 'foreign'
  | 'nodeNames';

/** The nodes to act on; absent: all of the cluster. A name that is no node of the cluster is a result `failed` with `NoNodes`. */
export interface NodeChoice {
  readonly nodes?: readonly string[];
}

export interface NodeLister {
  /** Empty for a cluster that is not known. Sorted by name. */
  listNodes(cluster: ClusterReference, signal: AbortSignal): Promise<readonly NodeInfo[]>;
}

export interface AvailableProvider extends NodeLister {
  /** Whether it is set up completely. Whether the other side answers is seen by asking. */
  isAvailable(): boolean;
}

/**
 * Infrastructure of one kind. Every call ends soon after its signal aborts, with the signal's reason.
 *
 * Errors of all methods: `ProviderUnavailable` when the other side cannot be asked, `UnknownLabelScheme`. Actions on a cluster
 * that exists but is not ours reject with `NotOwned` before anything is touched. What fails at one node is in its result only.
 */
export interface Provider extends AvailableProvider {
  /** For messages: `docker`, `hetzner`. */
  readonly name: string;
  /** The state of a node that serves. */
  readonly readyState: string;
  readonly capabilities: readonly Capability[];
  /** Finds the node with the machine's UID, or makes it; results in the order asked for, `skipped` for what was there. */
  createNodes(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]>;
  /** Those that run are skipped. @throws NoNodes when the cluster has none */
  startNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]>;
  /** Those that do not run are skipped. @throws NoNodes when the cluster has none */
  stopNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]>;
  /** Names, sorted, each once; with those of foreign schemes. */
  listAllClusters(signal: AbortSignal): Promise<readonly string[]>;
  /** All nodes that carry labels of the scheme, whichever cluster they are of. Sorted by cluster, then name. */
  listAllNodes(signal: AbortSignal): Promise<readonly NodeInfo[]>;
  nodesExist(cluster: ClusterReference, signal: AbortSignal): Promise<boolean>;
  /** None there is fine. Without a choice also networks and the like that belong to the cluster, in the order of dependence. */
  deleteNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]>;
  /** Null for a cluster that is not known. */
  getClusterStatus(cluster: ClusterReference, signal: AbortSignal): Promise<ClusterStatus | null>;
  /** Whether the credentials are accepted. @throws ProviderUnavailable when that cannot be asked, CredentialsRefused when they are not */
  checkCredentials(signal: AbortSignal): Promise<void>;
}

/** The name in a reference. */
export function clusterNameOf(cluster: ClusterReference): string {
  return typeof cluster === 'string' ? cluster : cluster.name;
}
