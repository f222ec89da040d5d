// The Service kind of windlass.dev/v1alpha1 as it travels on the wire: deploy/crds/windlass.dev_services.yaml in TypeScript.
// Defaults are the server's business, so what has one there may be absent here only in objects built by hand.
import type { V1PodSpec } from '@kubernetes/client-node';
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';

export type ServiceMode = 'Replicated' | 'Global';
export type UpdateType = 'Rolling' | 'Recreate';
export type UpdateOrder = 'Auto' | 'StartFirst' | 'StopFirst';
export type FailureAction = 'Pause' | 'Rollback';

export interface UpdateStrategy {
  readonly type?: UpdateType;
  readonly order?: UpdateOrder;
  /** Instances replaced at the same time. */
  readonly maxParallel?: number;
  /** Durations as `5s`, `1m30s`. */
  readonly delay?: string;
  readonly monitorPeriod?: string;
  readonly progressDeadline?: string;
  readonly failureAction?: FailureAction;
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: V1PodSpec;
}

export interface IngressEntry {
  /** On 127.0.0.1 of each node. */
  readonly port: number;
  /** A container port by number or name. */
  readonly targetPort: number | string;
  readonly protocol?: 'TCP';
}

export interface ServiceSpec {
  readonly mode?: ServiceMode;
  readonly replicas?: number;
  readonly template: PodTemplate;
  readonly ingress?: readonly IngressEntry[];
  readonly updateStrategy?: UpdateStrategy;
  readonly paused?: boolean;
  readonly revisionHistoryLimit?: number;
}

export type OperationState = 'Pending' | 'InProgress' | 'Waiting' | 'Done' | 'Failed';

/** One line of the plan in the status. */
export interface PlannedOperation {
  readonly op: 'run' | 'replace' | 'remove';
  readonly node?: string;
  /** The instance that is replaced, removed or was made. */
  readonly pod?: string;
  readonly order?: 'start-first' | 'stop-first';
  readonly state: OperationState;
  readonly reasons: readonly string[];
}

export interface ServiceStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly desiredReplicas?: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  /** Hash of the newest revision that was rolled out completely. */
  readonly currentRevision?: string;
  /** Hash of the revision that the spec describes. */
  readonly updateRevision?: string;
  /** Number of that revision, as in the history. */
  readonly revision?: number;
  /** For the scale subresource. */
  readonly selector?: string;
  readonly conditions?: readonly Condition[];
  readonly plan?: { readonly operations: readonly PlannedOperation[]; readonly summary: string };
}

export interface Service extends ApiObject {
  readonly spec: ServiceSpec;
  readonly status?: ServiceStatus;
}

/** Label and annotation keys on what the controller makes. */
export const SERVICE_LABEL = 'windlass.dev/service';
export const REVISION_LABEL = 'windlass.dev/revision';
/** On a Pod: uid of the instance that it takes the place of. */
export const REPLACES_ANNOTATION = 'windlass.dev/replaces';
/** On a ControllerRevision: since when the spec describes it (RFC 3339). */
export const ACTIVATED_ANNOTATION = 'windlass.dev/activated-at';
/** On a ControllerRevision: why its rollout failed. Written before anything is undone, removed when another one is tried. */
export const FAILURE_ANNOTATION = 'windlass.dev/rollout-failure';
