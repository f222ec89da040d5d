// Is a node still there? Judged by when its Lease was last seen to change, on this process's own clock: no other machine's time
// counts, and whoever just started gives every node its full grace. Pure. The rules are those of upstream's node life cycle.
import type { V1Toleration } from '@kubernetes/client-node';
import { tolerates } from '#platform/pod-placement.ts';
import type { Taint } from '#platform/pod-placement.ts';

/** How long a Lease may go without renewal, in milliseconds. */
export const GRACE_MS = 40_000;
/** How long a Node may be there before its agent first says something, in milliseconds. */
export const STARTUP_GRACE_MS = 60_000;
/** How long a Pod stays that says nothing about it: what upstream's admission writes into every Pod. */
const DEFAULT_TOLERATION_SECONDS = 300;

export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export const NOT_READY = 'node.kubernetes.io/not-ready';

export interface TimedTaint extends Taint {
  /** RFC 3339; since when, for NoExecute. */
  readonly timeAdded?: string;
}

export type Readiness = 'True' | 'False' | 'Unknown';

/** What becomes of the taint that makes Pods leave: `keep` leaves one that is there and adds none. */
export type NoExecute = 'add' | 'keep' | 'remove';

/** The taints that a node with this readiness must have, with all others left as they are. */
export function taintsFor(
  taints: readonly TimedTaint[],
  readiness: Readiness,
  noExecute: NoExecute,
  now: string,
): readonly TimedTaint[] {
  const key = readiness === 'True' ? undefined : readiness === 'False' ? NOT_READY : UNREACHABLE;
  const foreign = taints.filter((taint) => !isOwn(taint));
  if (key === undefined) return foreign;
  const own = (['NoSchedule', 'NoExecute'] as const)
    .filter(
      (effect) =>
        effect === 'NoSchedule' ||
        noExecute === 'add' ||
        (noExecute === 'keep' && isGivenUp(taints)),
    )
    .map(
      (effect) =>
        taints.find((taint) => taint.key === key && taint.effect === effect) ?? {
          key,
          effect,
          timeAdded: now,
        },
    );
  return [...foreign, ...own];
}

/** True when its Pods leave because it is away, for one of the two reasons. */
export function isGivenUp(taints: readonly TimedTaint[]): boolean {
  return taints.some((taint) => isOwn(taint) && taint.effect === 'NoExecute');
}

/** The taints by which this controller says that a node is away; nobody is there to end a Pod that leaves for one of them. */
export function isOwn({ key }: Taint): boolean {
  return key === UNREACHABLE || key === NOT_READY;
}

/**
 * When a Pod must leave its node because of its NoExecute taints; `undefined` for never.
 *
 * @param seenAt since when a taint has been known to this process: one that was left by an earlier run must not evict at once
 * @returns on the clock of `seenAt`, in milliseconds
 */
export function evictionTime(
  tolerations: readonly V1Toleration[],
  taints: readonly Taint[],
  seenAt: (taint: Taint) => number,
): number | undefined {
  let earliest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const patience = patienceSeconds(tolerations, taint);
    if (patience === undefined) continue;
    const at = seenAt(taint) + patience * 1_000;
    if (earliest === undefined || at < earliest) earliest = at;
  }
  return earliest;
}

/** The shortest of the tolerations that apply; `undefined` for ever. */
function patienceSeconds(tolerations: readonly V1Toleration[], taint: Taint): number | undefined {
  const applying = tolerations.filter((toleration) => tolerates([toleration], taint));
  if (applying.length === 0) {
    return taint.key === UNREACHABLE || taint.key === NOT_READY ? DEFAULT_TOLERATION_SECONDS : 0;
  }
  const limits = applying
    .map(({ tolerationSeconds }) => tolerationSeconds)
    .filter((seconds) => seconds !== undefined);
  return limits.length === 0 ? undefined : Math.max(0, Math.min(...limits));
}
