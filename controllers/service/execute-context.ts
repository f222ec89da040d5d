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
  /** Decision → how many names of its row are known to be taken, so that a thousand alike do not try them all again. */
  readonly tried: Map<string, number>;
  readonly revisionOf: (hash: string) => RevisionFacts | undefined;
  readonly claims: readonly ClaimFacts[];
  /** Hash of a revision → its files are there; filled as they are made, so that a thousand instances ask once. */
  readonly files: Map<string, Promise<void>>;
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
