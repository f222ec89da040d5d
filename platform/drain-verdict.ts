// What a drain does with one Pod of a node, and why: the rules of `kubectl drain`, for everyone who empties nodes. Pure.
import { requiredNode, tolerates, UNSCHEDULABLE } from './pod-placement.ts';
import type { RequiredNodeAffinity, Toleration } from './pod-placement.ts';

/** The fields of a Pod that decide. */
export interface DrainablePod {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly controller?: boolean }[];
  };
  readonly spec?: {
    readonly affinity?: RequiredNodeAffinity;
    readonly tolerations?: readonly Toleration[];
    readonly volumes?: readonly { readonly emptyDir?: unknown }[];
  };
  readonly status?: { readonly phase?: string };
}

export interface DrainRules {
  /** Moves what nothing makes again: it is gone for good. */
  readonly force: boolean;
  /** Moves Pods whose emptyDir volumes go with them. */
  readonly deleteEmptyDirData: boolean;
  /** Leaves what would be made again on this very node at once. */
  readonly ignorePinned: boolean;
  /** Leaves what has ended: nothing of it runs. */
  readonly keepFinished: boolean;
}

/** Where nobody is there to be asked: whatever is on the node makes way, as far as budgets allow. */
export const UNATTENDED: DrainRules = {
  force: true,
  deleteEmptyDirData: true,
  ignorePinned: true,
  keepFinished: true,
};

export interface DrainVerdict {
  /** `refuse`: not without the consent that the reason names. `wait`: it is stopping already. */
  readonly action: 'evict' | 'wait' | 'leave' | 'refuse';
  readonly reason:
    'Mirror' | 'Stopping' | 'Finished' | 'Pinned' | 'LocalData' | 'Unmanaged' | 'Managed';
}

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export function drainVerdict(pod: DrainablePod, node: string, rules: DrainRules): DrainVerdict {
  const { metadata, spec, status } = pod;
  // A static Pod: the API has only its reflection.
  if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
    return { action: 'leave', reason: 'Mirror' };
  const isPinned = isPinnedTo(node, pod);
  if (metadata.deletionTimestamp !== undefined)
    return isPinned && rules.ignorePinned
      ? { action: 'leave', reason: 'Pinned' }
      : { action: 'wait', reason: 'Stopping' };
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return { action: rules.keepFinished ? 'leave' : 'evict', reason: 'Finished' };
  if (isPinned) return { action: rules.ignorePinned ? 'leave' : 'refuse', reason: 'Pinned' };
  const hasLocalData = spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true;
  if (hasLocalData && !rules.deleteEmptyDirData) return { action: 'refuse', reason: 'LocalData' };
  if (makerOf(pod) === undefined)
    return { action: rules.force ? 'evict' : 'refuse', reason: 'Unmanaged' };
  return { action: 'evict', reason: 'Managed' };
}

/**
 * Whoever made it wants it on this very node, and it comes although the node is cordoned: a DaemonSet's, or an instance of a Global
 * service that tolerates the cordon. Without that toleration an instance stays away once it went, and so need not be left.
 */
function isPinnedTo(node: string, pod: DrainablePod): boolean {
  if (makerOf(pod)?.kind === 'DaemonSet') return true;
  const { affinity, tolerations } = pod.spec ?? {};
  const isHere = affinity !== undefined && requiredNode({ affinity }) === node;
  return isHere && tolerates(tolerations, UNSCHEDULABLE);
}

function makerOf({ metadata }: DrainablePod): { readonly kind: string } | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}
