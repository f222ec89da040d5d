// The kind Machine as its controller reads and writes it. The schema is scripts/crds/machine.ts.
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';
import type { DrainSettings } from '../machinery/drain-settings.ts';
import type { FileSpec } from '../binaries/declared-files.ts';
import type { HostConnection } from '../hosts/host-connection.ts';
import type { RootFSSpec, Slot } from '../rootfs/goal-state.ts';
import type { CheckResult } from '../rootfs/preflight.ts';

export const MACHINE_FINALIZER = 'windlass.dev/machines';
/** `<uid>/<type>`: what a MachineOperation asks for. */
export const OPERATION_ANNOTATION = 'windlass.dev/operation';
/** How a Cluster wants its machine's node emptied, as JSON of DrainSettings; the machine's own `spec.drain` comes first. */
export const DRAIN_ANNOTATION = 'windlass.dev/drain';

export interface MachineArtifact {
  /** Of an Artifact in the same namespace. */
  readonly name: string;
  /** Absent or empty: where the Artifact says that it belongs. */
  readonly path?: string;
}

export interface MachineSpec {
  readonly providerRef?: { readonly name: string };
  readonly connection?: HostConnection;
  readonly role?: 'controller' | 'worker' | 'controller+worker';
  readonly version?: string;
  readonly artifacts?: readonly MachineArtifact[];
  readonly files?: readonly FileSpec[];
  readonly rootfs?: RootFSSpec;
  readonly node?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly taints?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly effect: string;
    }[];
    readonly credentialSecretRef?: { readonly name: string; readonly key?: string };
    readonly apiServer?: string;
    readonly clusterDNS?: readonly string[];
    readonly clusterDomain?: string;
    readonly nodeIP?: string;
    readonly sandboxImage?: string;
  };
  readonly preflight?: { readonly ignore?: readonly string[]; readonly failOnWarnings?: boolean };
  readonly drain?: DrainSettings;
  readonly verifyTimeout?: string;
  readonly paused?: boolean;
  readonly deletionPolicy?: 'Delete' | 'Retain';
  readonly clusterRef?: { readonly name: string };
  readonly powerState?: 'Running' | 'Stopped';
}

export const FORWARD_STEPS = [
  'Resolve',
  'Infra',
  'Preflight',
  'Stage',
  'RootFS',
  'Drain',
  'Switch',
  'Start',
  'Verify',
  'Uncordon',
  'Clean',
] as const;

/** Of a run that turned back: what the failed slot left is undone, the last good one runs again. */
export const BACK_STEPS = ['Rollback', 'Uncordon', 'Clean'] as const;

export type StepName = (typeof FORWARD_STEPS)[number] | (typeof BACK_STEPS)[number];

export type StepState = 'Pending' | 'Running' | 'Done' | 'Failed' | 'Cancelled';

/** A step of the run, or a task inside of one, under its own name. */
export interface MachineStep {
  readonly name: string;
  readonly state: StepState;
  readonly attempt: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly message?: string;
}

/** What is being done; absent when nothing is. */
export interface MachineRun {
  /** Hash of the part of the spec that it is for. */
  readonly specHash: string;
  readonly slot: Slot;
  readonly direction: 'Forward' | 'Back';
  /** Known once Resolve is done. */
  readonly goalHash?: string;
  /** Of what Artifacts and local files held then. */
  readonly contentHash?: string;
  readonly version?: string;
  /** A rollback that was asked for: the slot is built already, and runs as it is. */
  readonly isReturn?: boolean;
  /** The same goal once more: what was built for it is damaged. */
  readonly isRebuild?: boolean;
}

export interface GoodSlot {
  readonly slot: Slot;
  readonly goalHash: string;
  readonly version?: string;
}

export interface StagedArtifact {
  readonly artifact: string;
  readonly path: string;
  readonly digest: string;
  readonly type?: 'File' | 'Tar';
  /** How it got there, which may be another way than was asked for. */
  readonly delivery?: 'Upload' | 'NodePull' | 'Existing';
  /** Why another way. */
  readonly message?: string;
}

export type MachinePhase = 'Pending' | 'Provisioning' | 'Joining' | 'Ready' | 'Failed' | 'Stopped';

export interface MachineOperationStatus {
  readonly uid: string;
  readonly type: string;
  readonly phase: 'Pending' | 'InProgress' | 'Complete' | 'Failed';
  readonly message?: string;
}

export interface MachineStatus {
  readonly observedGeneration?: number;
  readonly phase?: MachinePhase;
  readonly nodeRef?: { readonly name: string };
  readonly goalHash?: string;
  readonly specHash?: string;
  /** Of what Artifacts and local files held when the last run that was tried resolved its goal. */
  readonly contentHash?: string;
  readonly run?: MachineRun;
  readonly activeSlot?: Slot;
  readonly lastGood?: GoodSlot;
  /** What ran before the last good one, still there to go back to. */
  readonly previous?: GoodSlot;
  readonly quarantined?: readonly string[];
  readonly staged?: readonly StagedArtifact[];
  readonly installedVersion?: string;
  readonly runningVersion?: string;
  /** An operation stopped it; started again by another, or a change of the spec. */
  readonly isHeldStopped?: boolean;
  readonly facts?: {
    readonly hostname: string;
    readonly machineId: string;
    readonly clockOffsetMillis: number;
    readonly architecture: string;
    readonly addresses?: readonly string[];
  };
  readonly preflight?: {
    readonly status: 'ok' | 'failed';
    readonly checks: readonly CheckResult[];
    readonly summary: string;
  };
  readonly steps?: readonly MachineStep[];
  readonly operation?: MachineOperationStatus;
  readonly conditions?: readonly Condition[];
}

export interface Machine extends ApiObject {
  readonly spec: MachineSpec;
  readonly status?: MachineStatus;
}
