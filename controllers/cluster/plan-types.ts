// What a plan for a cluster is made of, and what it is made from. Data only.
import type { ObservedMachine } from './observed.ts';
import type { ClusterSettings } from './settings.ts';
import type { ClusterStatus, Failure, PlanItem } from './types.ts';
import type { WantedMachine } from './wanted-machines.ts';

/** What a host says of itself, where somebody asked it. */
export interface HostNotes {
  readonly hostname?: string;
  /** Its clock minus ours, milliseconds. */
  readonly clockOffsetMs?: number;
  /** The role that is installed there, whatever anybody declares. */
  readonly runningRole?: string;
}

/** Rules of one distribution. */
export interface DistributionRules {
  /** Controllers are upgraded by at most so many minor versions at a time. */
  readonly maximumMinorStep: number;
  /** Versions must be of the form 1.2.3. */
  readonly needsVersions: boolean;
  /** Whether controllers agree by a quorum of their own; else several need one place for their state, and one of them serves. */
  readonly hasQuorum: boolean;
  /** Fields of a pool's template and of the cluster that it does not act on. */
  readonly ignores: readonly string[];
}

export interface PlanInput {
  readonly settings: ClusterSettings;
  readonly rules: DistributionRules;
  readonly wanted: readonly WantedMachine[];
  readonly observed: readonly ObservedMachine[];
  /** Names of wanted machines that exist and are not this cluster's. */
  readonly foreign: readonly string[];
  /** Machine → what its host says. */
  readonly notes: ReadonlyMap<string, HostNotes>;
  /** Machine → hash of what it is to become. */
  readonly targets: ReadonlyMap<string, string>;
  /** Hash of what all machines are to become. */
  readonly revision: string;
  readonly status: ClusterStatus;
  /** Whether the cluster's API answers; true where nobody can tell. */
  readonly isApiReady: boolean;
}

/** Why nothing may be changed. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

export interface ClusterPlan {
  readonly items: readonly PlanItem[];
  readonly problems: readonly Problem[];
}

/** What is done now. */
export interface RolloutStep {
  readonly item: PlanItem;
  /** Whether it may disrupt the machine at once. */
  readonly permit: boolean;
}

export interface RolloutDecision {
  readonly steps: readonly RolloutStep[];
  /** Machines that are done, or failed: their permit is taken away. */
  readonly revoked: readonly string[];
  /** Machines that failed under another retryToken: they are told to try again. */
  readonly retried: readonly string[];
  /** Machine → what it waits for. */
  readonly waits: ReadonlyMap<string, string>;
  readonly begun: readonly string[];
  readonly underWay: readonly string[];
  readonly failed: readonly Failure[];
  /** Why nothing new is begun. */
  readonly hold: Problem | undefined;
}
