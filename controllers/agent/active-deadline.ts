// How long a Pod may be active on its node: spec.activeDeadlineSeconds from status.startTime on, which the server keeps, so that an
// agent that starts anew counts on from where the last one was. Pure.
import { parseTimestamp } from '../machinery/timestamps.ts';
import type { Pod } from './pod.ts';

/** Reason and message as upstream has them: scripts look for these. */
export const DEADLINE_EXCEEDED = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
} as const;

/**
 * @param seenAt when this agent first saw the Pod, which counts while no start time has been written
 * @returns milliseconds since the epoch; `undefined` when it may be active for ever
 */
export function activeDeadline({ spec, status }: Pod, seenAt: number): number | undefined {
  const seconds = spec.activeDeadlineSeconds;
  if (seconds === undefined) return undefined;
  return (parseTimestamp(status?.startTime) ?? seenAt) + seconds * 1_000;
}

/** Its containers were stopped for it, by this agent or by one before: nothing starts them again. */
export function hasExceededDeadline({ status }: Pod): boolean {
  return status?.phase === 'Failed' && status.reason === DEADLINE_EXCEEDED.reason;
}
