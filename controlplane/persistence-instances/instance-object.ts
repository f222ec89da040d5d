// From what the persistence manager reports of an instance to the PersistenceInstance that clients see. Pure.
import { createHash } from 'node:crypto';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { InstanceReport } from '#persistence/log.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

export interface InstanceObject extends KubernetesObject {
  readonly status: { readonly conditions: readonly Condition[]; readonly [field: string]: unknown };
}

/** What each state means for whoever reads it. */
const MEANING: Readonly<Record<InstanceReport['state'], string>> = {
  Up: 'It takes writes',
  CatchingUp: 'It is up and gets what it missed',
  NeedsFullSync: 'It is too far behind for the log and gets everything anew',
  Down: 'It cannot be reached or written to',
  Fenced: 'Another control plane has taken it over',
  Diverged:
    'It holds changes that the primary never had; they are set aside before it is filled anew',
  Corrupt: 'What is stored there is damaged',
};

/** The same name always gives the same id: events find their instance again after a restart. */
export function instanceUid(name: string): string {
  const hex = createHash('sha256').update(`windlass.dev/persistenceinstance/${name}`).digest('hex');
  // Version 8 of RFC 9562: whatever the maker likes, in the form of a UUID.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * @param createdAt milliseconds since the epoch: since when this server has it
 * @param before its conditions so far, for the times of their last transition
 * @param now milliseconds since the epoch
 */
export function instanceObject(
  report: InstanceReport,
  createdAt: number,
  before: readonly Condition[],
  now: number,
): InstanceObject {
  return {
    kind: 'PersistenceInstance',
    apiVersion: 'windlass.dev/v1alpha1',
    metadata: {
      name: report.name,
      uid: instanceUid(report.name),
      creationTimestamp: formatTimestamp(createdAt),
      labels: {
        'windlass.dev/persistence-provider': report.provider,
        'windlass.dev/persistence-role': report.role,
      },
    },
    spec: {
      provider: report.provider,
      location: report.location,
      role: report.role,
      synchronous: report.isSynchronous,
    },
    status: {
      exists: report.exists,
      status: report.up,
      // Three digits: the rest is noise that would make each reading a change.
      meanPersistLatency: Number(report.meanPersistLatency.toPrecision(3)),
      state: report.state,
      since: formatTimestamp(report.since),
      ...(report.insteadOf === undefined ? {} : { insteadOf: report.insteadOf }),
      epoch: report.epoch,
      revision: report.revision,
      lagRevisions: report.lagRevisions,
      lagSeconds: Number(report.lagSeconds.toPrecision(3)),
      pendingBytes: report.pendingBytes,
      ...(report.lastError === undefined
        ? {}
        : {
            lastError: {
              message: report.lastError.message,
              time: formatTimestamp(report.lastError.at),
            },
          }),
      conditions: conditionsOf(report, before, now),
    },
  };
}

function conditionsOf(
  report: InstanceReport,
  before: readonly Condition[],
  now: number,
): readonly Condition[] {
  const { state, isSynchronous } = report;
  const reason = state;
  const trouble =
    report.lastError === undefined || state === 'Up' ? '' : `: ${report.lastError.message}`;
  const message = `${MEANING[state]}${trouble}`;
  const isUp = state === 'Up';
  const isPrimary = report.role === 'Primary';
  const { insteadOf } = report;
  const rows: readonly (readonly [
    type: string,
    holds: boolean,
    reason: string,
    message: string,
  ])[] = [
    ['Ready', isUp, reason, message],
    ['Degraded', !isUp, isUp ? 'AsConfigured' : reason, message],
    [
      'DurabilityDegraded',
      isSynchronous && !isUp,
      isSynchronous ? (isUp ? 'AsConfigured' : 'SynchronousInstanceMissing') : 'NotSynchronous',
      isSynchronous
        ? isUp
          ? 'Acknowledged writes are kept here too'
          : 'What is acknowledged meanwhile is not kept here'
        : 'Acknowledgements do not wait for it',
    ],
    [
      'Primary',
      isPrimary,
      isPrimary ? (insteadOf === undefined ? 'AsConfigured' : 'Promoted') : 'Replica',
      isPrimary
        ? insteadOf === undefined
          ? 'Each write goes here first'
          : `Each write goes here first, as it was promoted, although --persistence names ${insteadOf} first`
        : 'It follows the primary',
    ],
  ];
  return rows.map(([type, holds, why, words]) => {
    const status = holds ? 'True' : 'False';
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime =
      old?.status === status
        ? old.lastTransitionTime
        : formatTimestamp(old === undefined ? report.since : now);
    return { type, status, reason: why, message: words, lastTransitionTime };
  });
}
