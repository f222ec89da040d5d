// What carrying out operations takes.
import type { Client } from '../machinery/client-types.ts';
import type { ClaimFacts } from './claims.ts';
import type { RevisionFacts } from './plan-types.ts';
import type { Settings } from './settings.ts';
import type { Service } from './types.ts';

export interface ExecuteContext {
  readonly client: Client;
  readonly service: Service;
  readonly settings: Settings;
  /** Hash of the revision that the spec describes. */
  readonly target: string;
  /** Names of all Pods of the service that are there; new ones are added. */
  readonly taken: Set<string>;
  readonly revisionOf: (hash: string) => RevisionFacts | undefined;
  readonly claims: readonly ClaimFacts[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** What happened, for an event and the log. */
export interface Step {
  readonly reason:
    | 'HookStarted'
    | 'HookSucceeded'
    | 'InstanceCreated'
    | 'InstanceKept'
    | 'InstanceRemoved'
    | 'InstanceStopped'
    | 'InstanceUpdated'
    | 'TrafficSwitched'
    | 'VolumeCreated';
  readonly message: string;
}
