// The Cluster kind of windlass.dev/v1alpha1 as it travels on the wire (deploy/crds/windlass.dev_clusters.yaml), and of a Machine
// the part that a cluster reads and writes. Defaults are the server's business: what has one there may be absent here.
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';
import type { DrainSettings } from '../machinery/drain-settings.ts';

export type Role = 'controller' | 'worker' | 'controller+worker';
export type PowerState = 'Running' | 'Stopped';

/** Spec of a Machine without what the cluster decides. */
export type MachineTemplate = Readonly<Record<string, unknown>>;

export interface Pool {
  readonly name: string;
  readonly role: Role;
  readonly replicas?: number;
  readonly template?: MachineTemplate;
  readonly hosts?: readonly {
    readonly name: string;
    readonly connection?: Readonly<Record<string, unknown>>;
  }[];
}

export interface RolloutSpec {
  /** A number of workers, or a share of all as `25%`. */
  readonly maxUnavailable?: number | string;
  readonly order?: readonly string[];
  readonly drain?: DrainSettings;
  readonly pauseAfter?: number;
  readonly maxFailures?: number;
  readonly paused?: boolean;
  readonly retryToken?: string;
  /** Whether controllers are backed up before they get another version, where the distribution can; true. */
  readonly backup?: boolean;
  /** How many backups stay on each controller's host; 5, and 0 for all. */
  readonly backupRetention?: number;
}

export interface ClusterSpec {
  readonly distribution?: 'Windlass' | 'K0s';
  readonly version?: string;
  readonly providerRef?: { readonly name: string };
  readonly pools?: readonly Pool[];
  readonly powerState?: PowerState;
  readonly rollout?: RolloutSpec;
  readonly concurrency?: {
    readonly operations?: number;
    readonly uploads?: number;
    readonly downloads?: number;
  };
  readonly planOnly?: boolean;
  readonly approvedPlanHash?: string;
  readonly prune?: boolean;
  readonly reset?: { readonly machines: readonly string[]; readonly force?: boolean };
  /** Path on the host of the controller that begins the cluster. */
  readonly restoreFrom?: string;
  readonly distributionOptions?: {
    readonly flags?: readonly string[];
    readonly configuration?: Readonly<Record<string, unknown>>;
  };
}

export type PlanAction =
  'create' | 'update' | 'configure' | 'repair' | 'recreate' | 'delete' | 'start' | 'stop';

/** One thing to be done to one machine. Two of the same machine, action and target are the same. */
export interface PlanItem {
  readonly machine: string;
  readonly action: PlanAction;
  readonly reason: string;
  readonly disruption: 'none' | 'restart' | 'recreate';
  /** Hash of what the machine becomes; '' when it goes. */
  readonly target: string;
}

export interface Failure {
  readonly machine: string;
  readonly target: string;
  /** What its Artifacts and files held. */
  readonly content?: string;
  readonly retryToken?: string;
  readonly reason: string;
  readonly message: string;
}

export interface RolloutStatus {
  readonly revision: string;
  readonly total: number;
  readonly updated: number;
  /** Machines that were changed for this revision, sorted: what pauseAfter counts. */
  readonly begun: readonly string[];
  /** Machines that were decided to be taken away and are not done yet, sorted; written before anything is done to them. */
  readonly underWay: readonly string[];
  readonly failed: readonly Failure[];
}

export interface ClusterStatus {
  readonly observedGeneration?: number;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly version?: string;
  readonly nodesTotal?: number;
  readonly nodesReady?: number;
  readonly nodes?: readonly {
    readonly name: string;
    readonly role: string;
    readonly state: string;
    readonly version?: string;
  }[];
  readonly endpoint?: string;
  readonly plan?: readonly PlanItem[];
  readonly planHash?: string;
  readonly approvedPlan?: {
    readonly hash: string;
    readonly done?: boolean;
    readonly items?: readonly PlanItem[];
  };
  readonly rollout?: RolloutStatus;
  readonly powerSnapshot?: { readonly takenAt: string; readonly machines: readonly string[] };
  readonly ignoredFields?: readonly string[];
  readonly conditions?: readonly Condition[];
}

export interface Cluster extends ApiObject {
  readonly spec: ClusterSpec;
  readonly status?: ClusterStatus;
}

export interface MachineSpec {
  readonly role?: Role;
  readonly version?: string;
  readonly powerState?: PowerState;
  readonly clusterRef?: { readonly name: string };
  readonly deletionPolicy?: 'Delete' | 'Retain';
  readonly [field: string]: unknown;
}

export interface MachineStatus {
  readonly goalHash?: string;
  /** Of the spec that the last run was for. */
  readonly specHash?: string;
  /** Of what its Artifacts and files hold, as it was last tried. */
  readonly contentHash?: string;
  readonly run?: { readonly contentHash?: string };
  readonly observedGeneration?: number;
  readonly phase?: string;
  readonly nodeRef?: { readonly name: string };
  readonly installedVersion?: string;
  readonly runningVersion?: string;
  readonly lastGood?: { readonly version?: string };
  readonly conditions?: readonly Condition[];
  /** The last of what OPERATION_ANNOTATION asked for. */
  readonly operation?: { readonly uid: string; readonly phase?: string; readonly message?: string };
  /** What it will not become again by itself. */
  readonly quarantined?: readonly string[];
  readonly steps?: readonly {
    readonly name: string;
    readonly state: string;
    readonly attempt?: number;
    readonly startedAt?: string;
    readonly finishedAt?: string;
    readonly message?: string;
  }[];
}

export interface Machine extends ApiObject {
  readonly spec: MachineSpec;
  readonly status?: MachineStatus;
}

export const CLUSTER_FINALIZER = 'windlass.dev/clusters';
export const CLUSTER_LABEL = 'windlass.dev/cluster';
export const CLUSTER_UID_LABEL = 'windlass.dev/cluster-uid';
export const POOL_LABEL = 'windlass.dev/pool';
export const ROLE_LABEL = 'windlass.dev/role';

/** On a Machine: how its node is emptied, as JSON. */
export const DRAIN_ANNOTATION = 'windlass.dev/drain';
/** On a Machine: something to be done once, `<uid>/<Type>`. */
export const OPERATION_ANNOTATION = 'windlass.dev/operation';
/** On a Machine: the template that it was last given, as JSON: what a later one is compared with. */
export const APPLIED_ANNOTATION = 'windlass.dev/cluster-applied';
/** On a Machine: what the distribution is told about it, as JSON. */
export const OPTIONS_ANNOTATION = 'windlass.dev/distribution-options';
/** On the Machine of a controller: URL of the API server it serves. */
export const ENDPOINT_ANNOTATION = 'windlass.dev/endpoint';
