// Machines, clusters, nodes and persistence instances as the console reads them. Pure.
import type { ApiObject, Condition } from './api-object.ts';
import { conditionOf } from './api-object.ts';
import type { Tone } from './service.ts';

export interface MachineStep {
  readonly name: string;
  readonly state: string;
  readonly attempt?: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly message?: string;
}

export interface Machine extends ApiObject {
  readonly spec?: {
    readonly role?: string;
    readonly clusterRef?: { readonly name: string };
  };
  readonly status?: {
    readonly phase?: string;
    readonly nodeRef?: { readonly name: string };
    /** The last that was asked of it. */
    readonly operation?: {
      readonly type: string;
      readonly phase: string;
      readonly message?: string;
    };
    readonly runningVersion?: string;
    readonly activeSlot?: string;
    readonly steps?: readonly MachineStep[];
    readonly conditions?: readonly Condition[];
  };
}

export interface Cluster extends ApiObject {
  readonly status?: {
    readonly phase?: string;
    readonly version?: string;
    readonly endpoint?: string;
    readonly nodesTotal?: number;
    readonly nodesReady?: number;
    readonly plan?: readonly {
      readonly machine: string;
      readonly action: string;
      readonly reason?: string;
    }[];
    readonly rollout?: {
      readonly total?: number;
      readonly updated?: number;
      readonly failed?: readonly {
        readonly machine: string;
        readonly reason: string;
        readonly message?: string;
      }[];
    };
    readonly conditions?: readonly Condition[];
  };
}

export interface Node extends ApiObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: { readonly kubeletVersion?: string };
  };
}

export interface PersistenceInstance extends ApiObject {
  readonly spec?: {
    readonly provider?: string;
    readonly location?: string;
    readonly role?: string;
  };
  readonly status?: {
    readonly state?: string;
    /** Seconds. */
    readonly meanPersistLatency?: number;
    readonly lagSeconds?: number;
    readonly lagRevisions?: number;
    readonly pendingBytes?: number;
    readonly since?: string;
    readonly lastError?: { readonly message: string; readonly time: string };
    readonly conditions?: readonly Condition[];
  };
}

interface State {
  readonly tone: Tone;
  readonly word: string;
}

const STEP_TONES: Readonly<Record<string, State>> = {
  Pending: { tone: 'idle', word: 'to come' },
  Running: { tone: 'busy', word: 'under way' },
  Done: { tone: 'good', word: 'done' },
  Failed: { tone: 'bad', word: 'failed' },
  Cancelled: { tone: 'idle', word: 'cancelled' },
};

export function stepState(state: string): State {
  const known = Object.hasOwn(STEP_TONES, state) ? STEP_TONES[state] : undefined;
  return known ?? { tone: 'idle', word: state };
}

/** `12 s, attempt 2, what it says` */
export function stepDetails({ startedAt, finishedAt, attempt = 1, message }: MachineStep): string {
  const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return [
    ...(seconds >= 1 ? [`${seconds} s`] : []),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(message === undefined || message === '' ? [] : [message]),
  ].join(', ');
}

/** By the condition Ready, in the words of the phase. */
export function phaseState(
  phase: string | undefined,
  conditions: readonly Condition[] = [],
): State {
  const word = phase ?? 'Not looked at yet';
  if (/fail|error/i.test(word)) return { tone: 'bad', word };
  const ready = conditionOf(conditions, 'Ready')?.status;
  return { tone: ready === 'True' ? 'good' : 'busy', word };
}

export function nodeState({ spec, status }: Node): State {
  const isReady = conditionOf(status?.conditions, 'Ready')?.status === 'True';
  const word = isReady ? 'Ready' : 'Silent';
  if (spec?.unschedulable === true)
    return { tone: isReady ? 'idle' : 'bad', word: `${word}, cordoned` };
  return { tone: isReady ? 'good' : 'bad', word };
}

export function persistenceState({ status }: PersistenceInstance): State {
  const word = status?.state ?? 'Unknown';
  if (word === 'Up') return { tone: 'good', word };
  return { tone: word === 'CatchingUp' || word === 'NeedsFullSync' ? 'busy' : 'bad', word };
}

/** `1.2 ms`, `3.4 s` */
export function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  return seconds < 1
    ? `${Number((seconds * 1000).toPrecision(2))} ms`
    : `${Number(seconds.toPrecision(3))} s`;
}
