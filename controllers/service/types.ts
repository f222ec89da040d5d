// The Service kind of windlass.dev/v1alpha1 as it travels on the wire: deploy/crds/windlass.dev_services.yaml in TypeScript.
// Defaults are the server's business, so what has one there may be absent here only in objects built by hand.
import type { V1EnvVar, V1PodSpec, V1SecurityContext } from '@kubernetes/client-node';
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';

export type ServiceMode = 'Replicated' | 'Global';
export type UpdateType = 'Rolling' | 'BlueGreen' | 'Canary' | 'Recreate';
export type UpdateOrder = 'Auto' | 'StartFirst' | 'StopFirst';
export type FailureAction = 'Rollback' | 'Pause' | 'Continue';

export interface CanaryStep {
  /** Instances of the new revision after this step: a number, or a share of all as `25%`. */
  readonly count: number | string;
  /** Absent: until promoted. */
  readonly pause?: string;
}

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
  /** Of all instances, 0 to 1. */
  readonly maxFailureRatio?: number;
  readonly canary?: { readonly steps?: readonly CanaryStep[] };
  readonly blueGreen?: { readonly autoPromote?: boolean; readonly keep?: string };
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: V1PodSpec;
}

export interface IngressEntry {
  /** On each node. */
  readonly port: number;
  /** A container port by number or name. */
  readonly targetPort: number | string;
  readonly protocol?: 'TCP' | 'UDP' | 'HTTP' | 'HTTPS';
  readonly host?: string;
  readonly path?: string;
  readonly tls?: {
    readonly mode?: 'Internal' | 'Secret' | 'Passthrough';
    readonly secretName?: string;
  };
  /** HTTPS: port where the same is redirected from HTTP; 0: none. Left out: 80 where `port` is 443. */
  readonly redirectFrom?: number;
}

export interface VolumeDriver {
  readonly name: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** A named volume, kept on the node where it was made. */
export interface ServiceVolume {
  readonly name: string;
  /** Services that name the same claim share it; default: the name. */
  readonly claimName?: string;
  readonly external?: boolean;
  readonly driver?: VolumeDriver;
  readonly labels?: Readonly<Record<string, string>>;
  readonly size?: string | number;
}

export interface FileMount {
  readonly path?: string;
  readonly container?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ServiceConfig {
  readonly name: string;
  readonly content?: string;
  /** Base64. */
  readonly binaryContent?: string;
  readonly mounts?: readonly FileMount[];
}

export interface ServiceSecret {
  readonly name: string;
  readonly secretName?: string;
  readonly key?: string;
  readonly mounts?: readonly FileMount[];
}

/** What a PodSpec has no word for; handed to the node agent in ENGINE_ANNOTATION. */
export interface Engine {
  readonly logDriver?: VolumeDriver;
  readonly init?: boolean;
  readonly ulimits?: readonly {
    readonly name: string;
    readonly soft: number;
    readonly hard: number;
  }[];
  readonly devices?: readonly {
    readonly hostPath: string;
    readonly containerPath?: string;
    readonly permissions?: string;
  }[];
  readonly deviceRequests?: readonly {
    readonly driver?: string;
    readonly count?: number;
    readonly deviceIDs?: readonly string[];
    readonly capabilities?: readonly (readonly string[])[];
    readonly options?: Readonly<Record<string, string>>;
  }[];
  readonly sharedMemory?: string | number;
  readonly stopSignal?: string;
  /** Whether the HEALTHCHECK of an image counts where a container has no probes: it does unless this is false. */
  readonly imageHealthCheck?: boolean;
  /** `user` or `user:group` by name, as the image knows them; numbers belong in the securityContext. */
  readonly user?: string;
}

/** A command that runs once, around a rollout. */
export interface Hook {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly image?: string;
  readonly env?: readonly V1EnvVar[];
  readonly timeout?: string;
  readonly securityContext?: V1SecurityContext;
}

export type HookName = 'preDeploy' | 'postDeploy';

/** What an instance is made of: a change of it is a new revision. */
export interface RevisionSpec {
  readonly template: PodTemplate;
  readonly volumes?: readonly ServiceVolume[];
  readonly configs?: readonly ServiceConfig[];
  readonly secrets?: readonly ServiceSecret[];
  readonly engine?: Engine;
}

/** A revision as the history keeps it: with which versions of the Secrets it was made. */
export interface RevisionData extends RevisionSpec {
  /** Secret name → `UID/resourceVersion`, of those in `secrets`. */
  readonly secretVersions?: Readonly<Record<string, string>>;
}

export interface ServiceSpec extends RevisionSpec {
  readonly mode?: ServiceMode;
  readonly replicas?: number;
  readonly placement?: { readonly nodes?: readonly string[] };
  readonly ingress?: readonly IngressEntry[];
  readonly updateStrategy?: UpdateStrategy;
  readonly hooks?: { readonly [name in HookName]?: Hook };
  readonly dependsOn?: readonly string[];
  readonly paused?: boolean;
  readonly revisionHistoryLimit?: number;
}

export type OperationState = 'Pending' | 'InProgress' | 'Waiting' | 'Done' | 'Failed';

/** The words of a plan. `update` changes the resources of an instance that goes on running. */
export type OperationName =
  | 'createVolume'
  | 'stopPreDeploy'
  | 'runPreDeploy'
  | 'run'
  | 'update'
  | 'replace'
  | 'stop'
  | 'remove'
  | 'switch'
  | 'promote'
  | 'runPostDeploy';

/** One line of the plan in the status. */
export interface PlannedOperation {
  readonly op: OperationName;
  readonly node?: string;
  /** The instance that is replaced, removed or was made. */
  readonly pod?: string;
  readonly volume?: string;
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
  /** With BlueGreen: hash of the revision that ingress and names lead to; absent: all ready instances. */
  readonly activeRevision?: string;
  /** With Canary: how many steps are done. */
  readonly step?: number;
  readonly awaitsPromotion?: boolean;
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
/** On a Pod that runs a hook instead of an instance: `preDeploy` or `postDeploy`. */
export const HOOK_LABEL = 'windlass.dev/hook';
/** On a Pod: the service's `engine`, as JSON. */
export const ENGINE_ANNOTATION = 'windlass.dev/engine';
/** On a Pod: owners of the files of its volumes, as JSON: volume name → `{uid, gid}`. */
export const FILE_OWNERS_ANNOTATION = 'windlass.dev/file-owners';
/** On a PersistentVolumeClaim: the claimName that services know it by. */
export const VOLUME_LABEL = 'windlass.dev/volume';
/** On a PersistentVolumeClaim: `{name, options}` as JSON. */
export const VOLUME_DRIVER_ANNOTATION = 'windlass.dev/volume-driver';
/** On a Service, by `windlass promote`: `HASH/STEP`, or `HASH` for all steps that are left. */
export const PROMOTE_ANNOTATION = 'windlass.dev/promote';
/** On a Service, by `windlass abort`: hash of the revision that is given up. */
export const ABORT_ANNOTATION = 'windlass.dev/abort';
/** On a ControllerRevision: how its hook ended, `Succeeded` or `Failed`. */
export const HOOK_ANNOTATIONS = {
  preDeploy: 'windlass.dev/pre-deploy',
  postDeploy: 'windlass.dev/post-deploy',
} as const satisfies Readonly<Record<HookName, string>>;
/** On a ControllerRevision, with BlueGreen: since when traffic goes to it (RFC 3339). */
export const SWITCHED_ANNOTATION = 'windlass.dev/switched-at';
/** On a Pod: hash of the revision that failed to take its place; it stays as it is until another one is tried. */
export const DECLINED_ANNOTATION = 'windlass.dev/declined';
/** On a Pod: hash of the revision whose resources its node would not give it while it runs. */
export const RESIZE_REFUSED_ANNOTATION = 'windlass.dev/resize-refused';
