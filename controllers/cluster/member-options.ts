// What reconciling the machines that distributions drive needs, and what comes of it.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { OpenMember } from './member-driver.ts';
import type { Machine } from './types.ts';

/** On each Machine that a distribution drives: its host is reset before it goes. */
export const MEMBER_FINALIZER = 'windlass.dev/cluster-members';

export interface MemberOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly open: OpenMember;
  /** Where a provider makes hosts: switches one off, and removes it. Nothing where none does. */
  readonly powerOff?: (machine: Machine, signal: AbortSignal) => Promise<void>;
  readonly removeHost?: (machine: Machine, signal: AbortSignal) => Promise<void>;
  /** Milliseconds; default five minutes. */
  readonly verifyWithinMs?: number;
}

/** How soon to look again by itself: something may turn without an event. */
export type Again = 'soon' | 'later';
