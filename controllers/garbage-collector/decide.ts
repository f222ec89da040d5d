// What to do with one object, given what is known of its owners and dependents. Pure; the rules of upstream's garbage collector.
import type { ApiObject } from '../machinery/client-types.ts';
import type { OwnerReference } from '../machinery/owner-references.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './graph.ts';
import type { GraphNode } from './graph.ts';

/** `absent`: gone for sure. `waiting`: being deleted in the foreground. */
export type OwnerState = 'present' | 'absent' | 'waiting';

export type Decision =
  | { readonly action: 'keep' }
  | { readonly action: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** Drops references to owners that are gone or going, because another owner stays. */
  | { readonly action: 'dropOwners'; readonly remaining: readonly OwnerReference[] }
  /** Takes this object out of the references of its dependents, then lets it go. */
  | { readonly action: 'orphanDependents' }
  /** Looks at the dependents first: the object is deleted after them. */
  | { readonly action: 'deleteDependents'; readonly uids: readonly string[] }
  | { readonly action: 'dropFinalizer'; readonly finalizer: string };

export function decide(
  object: ApiObject,
  ownerStates: ReadonlyMap<string, OwnerState>,
  dependents: readonly GraphNode[],
): Decision {
  const { metadata } = object;
  const finalizers = metadata.finalizers ?? [];
  if (metadata.deletionTimestamp !== undefined) {
    if (finalizers.includes(ORPHAN_FINALIZER)) return { action: 'orphanDependents' };
    if (finalizers.includes(FOREGROUND_FINALIZER)) return foreground(metadata.uid, dependents);
    return { action: 'keep' };
  }
  const owners = metadata.ownerReferences ?? [];
  if (owners.length === 0) return { action: 'keep' };
  const withState = (state: OwnerState): readonly OwnerReference[] =>
    owners.filter(({ uid }) => ownerStates.get(uid) === state);
  const present = withState('present');
  if (present.length > 0) {
    const gone = withState('absent').length + withState('waiting').length;
    return gone === 0 ? { action: 'keep' } : { action: 'dropOwners', remaining: present };
  }
  if (withState('waiting').length > 0 && dependents.length > 0) {
    // In a circle of owners each would wait for the other for ever: here it is cut.
    const isCircle = dependents.some(({ waiting }) => waiting);
    return { action: 'delete', policy: isCircle ? 'Background' : 'Foreground' };
  }
  if (finalizers.includes(ORPHAN_FINALIZER)) return { action: 'delete', policy: 'Orphan' };
  if (finalizers.includes(FOREGROUND_FINALIZER)) return { action: 'delete', policy: 'Foreground' };
  return { action: 'delete', policy: 'Background' };
}

function foreground(uid: string, dependents: readonly GraphNode[]): Decision {
  const blocking = dependents.filter(({ owners }) =>
    owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
  );
  if (blocking.length === 0) return { action: 'dropFinalizer', finalizer: FOREGROUND_FINALIZER };
  const undeleted = dependents
    .filter(({ deleting }) => !deleting)
    .map((dependent) => dependent.uid);
  return undeleted.length === 0
    ? { action: 'keep' }
    : { action: 'deleteDependents', uids: undeleted };
}
