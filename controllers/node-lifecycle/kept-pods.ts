// Which Pods of a silent node must stay: those whose volumes are folders of that machine. Whether it is dead or only cut off cannot be
// known from here; a second instance would write elsewhere, and after the machine comes back there would be two truths. Pure.
import type { V1PodSpec } from '@kubernetes/client-node';
import { SELECTED_NODE_ANNOTATION } from '../machinery/claim-place.ts';
import type { ApiObject } from '../machinery/client-types.ts';

interface Pod extends ApiObject {
  readonly spec: Pick<V1PodSpec, 'volumes'>;
}

/**
 * The claim for which the Pod stays. One that names no node has its data wherever the Pod runs; one that is gone holds nobody.
 *
 * @param claimOf finds a claim of the Pod's namespace
 */
export function keepingClaim(
  pod: Pod,
  node: string,
  claimOf: (name: string) => ApiObject | undefined,
): string | undefined {
  for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const { claimName } = persistentVolumeClaim;
    const claim = claimOf(claimName);
    if (claim === undefined) continue;
    if ((claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] ?? node) === node) return claimName;
  }
  return undefined;
}
