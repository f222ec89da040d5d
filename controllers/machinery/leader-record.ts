// What is written into the Lease that controllers elect their leader with, and whether it may be taken: client-go's rules
// (tools/leaderelection), so that others read it as they read that of any controller. Pure.
import type { ApiObject } from './client-types.ts';
import { microTimestamp } from './timestamps.ts';

export interface LeaderRecord {
  /** Absent or '': nobody leads. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface LeaderLease extends ApiObject {
  readonly spec?: LeaderRecord;
}

/** What was read, and when it was last seen to change, on a monotonic clock of this process: other machines' clocks do not matter. */
export interface Observation {
  readonly record: LeaderRecord;
  readonly at: number;
}

/** The earlier observation as long as the record stays the same. @param now of the monotonic clock, in milliseconds */
export function observe(
  before: Observation | undefined,
  record: LeaderRecord,
  now: number,
): Observation {
  return before !== undefined && isSame(before.record, record) ? before : { record, at: now };
}

/** Who leads now, if that is somebody else. @param now of the monotonic clock, in milliseconds */
export function otherLeader(
  { record, at }: Observation,
  identity: string,
  now: number,
): string | undefined {
  const { holderIdentity = '', leaseDurationSeconds = 0 } = record;
  if (holderIdentity === '' || holderIdentity === identity) return undefined;
  return at + leaseDurationSeconds * 1_000 > now ? holderIdentity : undefined;
}

/** The record with which `identity` leads. @param now milliseconds since the epoch */
export function heldBy(
  identity: string,
  before: LeaderRecord,
  leaseDurationMs: number,
  now: number,
): LeaderRecord {
  const isMine = before.holderIdentity === identity;
  const time = microTimestamp(now);
  return {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.round(leaseDurationMs / 1_000)),
    acquireTime: isMine ? (before.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (before.leaseTransitions ?? 0) + (isMine ? 0 : 1),
  };
}

/** The first record of a Lease that was not there. */
export function firstHeldBy(identity: string, leaseDurationMs: number, now: number): LeaderRecord {
  return { ...heldBy(identity, {}, leaseDurationMs, now), leaseTransitions: 0 };
}

/** The record with which the next one need not wait. */
export function released(before: LeaderRecord, now: number): LeaderRecord {
  const time = microTimestamp(now);
  return {
    ...before,
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
  };
}

function isSame(a: LeaderRecord, b: LeaderRecord): boolean {
  return (
    a.holderIdentity === b.holderIdentity &&
    a.leaseDurationSeconds === b.leaseDurationSeconds &&
    a.acquireTime === b.acquireTime &&
    a.renewTime === b.renewTime &&
    a.leaseTransitions === b.leaseTransitions
  );
}
