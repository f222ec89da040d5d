// What the claims of a Pod mean for its node. Pure.
import type { V1PodSpec } from '@kubernetes/client-node';
import { placeOf } from '../machinery/claim-place.ts';
import type { Claim } from '../machinery/claim-place.ts';

/** A claim whose data is on a node. */
export interface KeptClaim {
  readonly name: string;
  readonly node: string;
}

/** Names of the claims that the Pod mounts, each once. */
export function claimNames({ volumes = [] }: Pick<V1PodSpec, 'volumes'>): readonly string[] {
  const names = volumes.flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  );
  return [...new Set(names)];
}

/** Why nothing can run with it, in upstream's words; undefined when it can. */
export function claimProblem(name: string, claim: Claim | undefined): string | undefined {
  if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
  return claim.metadata.deletionTimestamp === undefined
    ? undefined
    : `persistentvolumeclaim "${name}" is being deleted`;
}

/**
 * @param userNode where a Pod runs that has the claim already, however it got there: for one that names no node, its data is there
 */
export function keptClaims(
  claims: readonly Claim[],
  userNode: (claim: string) => string | undefined,
): readonly KeptClaim[] {
  return claims.flatMap((claim) => {
    const { name } = claim.metadata;
    const place = placeOf(claim);
    const node = typeof place === 'object' ? place.node : undefined;
    const found = node ?? (place === 'nowhere' ? userNode(name) : undefined);
    return found === undefined ? [] : [{ name, node: found }];
  });
}
