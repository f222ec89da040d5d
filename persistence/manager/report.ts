// How an instance is, for people and metrics.
import { statusOf } from '../provider-status.ts';
import type { InstanceReport, InstanceRole, InstanceState } from '../log.ts';
import type { AckRules } from './ack-policy.ts';
import type { ManagedInstance } from './instance.ts';
import type { InstanceMonitor } from './instance-monitor.ts';
import type { Tail } from './tail.ts';

export interface ReportParts {
  readonly role: InstanceRole;
  readonly insteadOf?: string | undefined;
  /** Counts for the ack policy, if that asks for more than the primary. */
  readonly isMember: boolean;
  readonly part: {
    readonly monitor: InstanceMonitor;
    readonly revision: number;
    /** The epoch that is held there. */
    readonly token: number;
  };
  /** What the primary has. */
  readonly newest: { readonly revision: number; readonly tail: Tail };
  readonly rules: AckRules;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

const UNUSABLE: ReadonlySet<InstanceState> = new Set(['Down', 'Corrupt', 'Fenced']);

export function reportOf(
  instance: ManagedInstance,
  { role, insteadOf, isMember, part, newest, rules, now }: ReportParts,
): InstanceReport {
  const { monitor, revision, token } = part;
  const isBehind = role === 'Replica' && revision < newest.revision;
  const pending = isBehind ? newest.tail.pending(revision) : { bytes: 0, since: now };
  // Further behind than the tail reaches: at least since it last kept up.
  const since = Math.min(pending.since ?? now, monitor.state === 'Up' ? now : monitor.since);
  const basis = shared(instance, role, rules);
  return {
    ...basis,
    // A provider that answers may refuse all that it is there for.
    up: basis.up && !UNUSABLE.has(monitor.state),
    isSynchronous: role === 'Primary' || (isMember && rules.ack !== 'primary'),
    insteadOf,
    state: monitor.state,
    since: monitor.since,
    epoch: token,
    revision,
    lagRevisions: isBehind ? newest.revision - revision : 0,
    lagSeconds: isBehind ? Math.max(0, now - since) / 1_000 : 0,
    pendingBytes: pending.bytes,
    lastError: monitor.lastError,
  };
}

/** Before the log is open nobody knows more than what the provider says. */
export function unopenedReport(
  instance: ManagedInstance,
  isFirst: boolean,
  { rules, since }: { readonly rules: AckRules; readonly since: number },
): InstanceReport {
  const basis = shared(instance, isFirst ? 'Primary' : 'Replica', rules);
  const state: InstanceState = basis.up ? 'Up' : 'Down';
  return {
    ...basis,
    state,
    since,
    epoch: 0,
    revision: 0,
    lagRevisions: 0,
    lagSeconds: 0,
    pendingBytes: 0,
    lastError: undefined,
  };
}

function shared(instance: ManagedInstance, role: InstanceRole, rules: AckRules) {
  const { exists, status, meanPersistLatency } = statusOf(instance.provider, instance.name);
  return {
    name: instance.name,
    provider: instance.providerName,
    location: instance.location,
    role,
    isSynchronous: role === 'Primary' || (instance.keepsLog && rules.ack !== 'primary'),
    exists,
    up: status,
    meanPersistLatency,
  };
}
