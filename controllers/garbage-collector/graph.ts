// Who owns whom, by uid, over all kinds. Holds what a decision needs and no more: it covers every object of the server.
import type { ApiObject, ApiResource } from '../machinery/client-types.ts';
import type { OwnerReference } from '../machinery/owner-references.ts';

export interface GraphNode {
  readonly uid: string;
  readonly resource: ApiResource;
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  /** Being deleted in the foreground: waits until its dependents are gone. */
  readonly waiting: boolean;
  /** Being deleted so that its dependents stay. */
  readonly orphaning: boolean;
}

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

export function graphNode(resource: ApiResource, { metadata }: ApiObject): GraphNode {
  const deleting = metadata.deletionTimestamp !== undefined;
  const finalizers = metadata.finalizers ?? [];
  return {
    uid: metadata.uid,
    resource,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    owners: metadata.ownerReferences ?? [],
    deleting,
    waiting: deleting && finalizers.includes(FOREGROUND_FINALIZER),
    orphaning: deleting && finalizers.includes(ORPHAN_FINALIZER),
  };
}

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  /** uid of an owner, there or not → uids of what names it. */
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** What names `uid` as its owner, in order of uid. */
  dependentsOf(uid: string): readonly GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])]
      .toSorted()
      .map((dependent) => this.#nodes.get(dependent))
      .filter((node) => node !== undefined);
  }

  /** Puts an object in or brings it up to date. @returns uids that must be looked at because of it */
  observe(node: GraphNode): readonly string[] {
    const before = this.#nodes.get(node.uid);
    this.#nodes.set(node.uid, node);
    // Nearly every change leaves the owners as they are.
    const isSame = before !== undefined && sameOwners(before.owners, node.owners);
    if (!isSame) {
      this.#unlink(before);
      this.#link(node);
    }
    const lostOwner = before !== undefined && !isSame;
    const doubtful = node.owners.some(({ uid }) => {
      const owner = this.#nodes.get(uid);
      if (owner === undefined || owner.waiting) return true;
      // What is in another namespace cannot own it.
      return owner.namespace !== '' && owner.namespace !== node.namespace;
    });
    return [
      ...(doubtful || lostOwner || node.waiting || node.orphaning ? [node.uid] : []),
      // An owner that waits for its dependents may have one less to wait for.
      ...(lostOwner ? before.owners.map(({ uid }) => uid) : []),
      ...(node.waiting && before?.waiting !== true
        ? [...(this.#dependents.get(node.uid) ?? [])]
        : []),
    ];
  }

  /** Takes an object out. @returns uids that must be looked at because of it */
  forget(uid: string): readonly string[] {
    const node = this.#nodes.get(uid);
    if (node === undefined) return [];
    this.#unlink(node);
    this.#nodes.delete(uid);
    const waitingOwners = node.owners.filter(
      (owner) => this.#nodes.get(owner.uid)?.waiting === true,
    );
    return [...(this.#dependents.get(uid) ?? []), ...waitingOwners.map((owner) => owner.uid)];
  }

  #link(node: GraphNode): void {
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid);
      if (dependents === undefined) this.#dependents.set(uid, new Set([node.uid]));
      else dependents.add(node.uid);
    }
  }

  #unlink(node: GraphNode | undefined): void {
    if (node === undefined) return;
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(node.uid);
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }
}

function sameOwners(ours: readonly OwnerReference[], theirs: readonly OwnerReference[]): boolean {
  if (ours.length !== theirs.length) return false;
  return ours.every((owner, index) => {
    const other = theirs[index];
    return (
      other !== undefined &&
      owner.uid === other.uid &&
      owner.name === other.name &&
      owner.kind === other.kind &&
      owner.apiVersion === other.apiVersion &&
      owner.controller === other.controller &&
      owner.blockOwnerDeletion === other.blockOwnerDeletion
    );
  });
}
