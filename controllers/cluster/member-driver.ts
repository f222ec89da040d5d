// What a distribution does with one machine of a cluster. Everything can be asked for again: each call looks before it acts.
import type { DrainSettings } from '../machinery/drain-settings.ts';
import { OPTIONS_ANNOTATION } from './types.ts';
import type { Cluster, Machine, Role } from './types.ts';

/** A machine, and what its distribution has to know of the rest. */
export interface Member {
  readonly cluster: Cluster;
  readonly machine: Machine;
  /** All Machines of the cluster, this one too. */
  readonly peers: readonly Machine[];
  readonly role: Role;
  readonly version: string | undefined;
  /** Arguments of the distribution's install command. */
  readonly flags: readonly string[];
  readonly configuration: Readonly<Record<string, unknown>>;
}

export function memberOf(machine: Machine, cluster: Cluster, peers: readonly Machine[]): Member {
  const { flags = [], configuration = {} } = parsed(
    machine.metadata.annotations?.[OPTIONS_ANNOTATION],
  ) as {
    readonly flags?: readonly string[];
    readonly configuration?: Readonly<Record<string, unknown>>;
  };
  const { role = 'worker', version } = machine.spec;
  return { cluster, machine, peers, role, version, flags, configuration };
}

/** Ours, but anybody may have written into it. */
function parsed(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What is on the machine now. */
export interface Situation {
  readonly isInstalled: boolean;
  readonly isRunning: boolean;
  readonly installedVersion?: string;
  readonly runningVersion?: string;
  /** What is not as it should be besides the version, as words: `flags`, `configuration`. */
  readonly differences: readonly string[];
  /** Tells what is declared for its host from what was before; empty or absent: nothing is. */
  readonly content?: string;
}

/** Why a machine does not serve. */
export interface Missing {
  readonly why: string;
  /** What it should run has ended: nobody waits for that, it has to be started. */
  readonly hasEnded?: boolean;
}

export interface MemberDriver extends AsyncDisposable {
  look(signal: AbortSignal): Promise<Situation>;
  /** All that disturbs nobody: what is fetched is put beside what runs, and checked. */
  prepare(signal: AbortSignal): Promise<void>;
  /** No new Pods come to its node. No node is fine. */
  cordon(signal: AbortSignal): Promise<void>;
  /** Resolves when the node is empty. @throws DrainError */
  drain(settings: DrainSettings, signal: AbortSignal): Promise<void>;
  uncordon(signal: AbortSignal): Promise<void>;
  /** Keeps what would be needed to go back, before a controller is given another version. @returns where it lies */
  backup?(signal: AbortSignal): Promise<string>;
  /** Resolves when nothing of it runs. */
  stop(signal: AbortSignal): Promise<void>;
  /** What `prepare` brought takes the place of what was there, with the arguments that are wanted now. */
  install(signal: AbortSignal): Promise<void>;
  start(signal: AbortSignal): Promise<void>;
  /** Undefined when it serves, in the version that is wanted or, after a step back, in any; else what is missing. */
  verify(version: 'wanted' | 'any', signal: AbortSignal): Promise<Missing | undefined>;
  /** Puts right in place what somebody changed on its host. @returns what, in words */
  mend?(signal: AbortSignal): Promise<readonly string[]>;
  /** Puts back what `install` replaced. @returns false when there is nothing to go back to */
  rollBack(signal: AbortSignal): Promise<boolean>;
  /** The others go on without it: it leaves the quorum, its node is forgotten. */
  leave(signal: AbortSignal): Promise<void>;
  /** Nothing is left of it on the machine. */
  reset(signal: AbortSignal): Promise<void>;
  /** URL of the API it serves; undefined for workers. */
  readonly endpoint: string | undefined;
  /** Of its Node in the cluster's API. */
  readonly nodeName: string;
}

/** @throws HostUnreachableError, ProviderUnavailable: worth trying again */
export type OpenMember = (member: Member, signal: AbortSignal) => Promise<MemberDriver>;

/** Something that it needs is not there yet: nothing failed. */
export class NotYetError extends Error {
  override readonly name = 'NotYetError';
}

/** Its provider has its host, and that does not run, as it shall be. */
export class HostOffError extends Error {
  override readonly name = 'HostOffError';
}
