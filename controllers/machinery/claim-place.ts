// Where the data of a PersistentVolumeClaim is. Node-local storage is on the node that its annotation names, as upstream's scheduler
// writes it for volumes that wait for their first consumer; whoever chooses the node says so in the claim's status too.
import type { V1PersistentVolumeClaimSpec } from '@kubernetes/client-node';
import type { ApiObject, Client } from './client-types.ts';
import { isConflict, isNotFound } from './request-error.ts';
import { PERSISTENT_VOLUME_CLAIMS } from './resources.ts';

export const SELECTED_NODE_ANNOTATION = 'volume.kubernetes.io/selected-node';

export interface Claim extends ApiObject {
  readonly spec?: V1PersistentVolumeClaimSpec;
  readonly status?: { readonly phase?: string };
}

/** `anywhere`: its storage is no node's own. `nowhere`: no node has been chosen yet. */
export type ClaimPlace = { readonly node: string } | 'anywhere' | 'nowhere';

export function placeOf({ metadata, spec }: Claim): ClaimPlace {
  const node = metadata.annotations?.[SELECTED_NODE_ANNOTATION] ?? '';
  if (node !== '') return { node };
  return spec?.volumeName === undefined || spec.volumeName === '' ? 'nowhere' : 'anywhere';
}

/**
 * Chooses the node of a claim that has none, if it is still as it was seen: nobody else can have chosen another one.
 *
 * @throws RequestError of a Conflict when it has changed since
 */
export function selectNode(
  client: Client,
  { metadata }: Claim,
  node: string,
  signal: AbortSignal,
): Promise<Claim> {
  const { name, namespace = '', uid, resourceVersion } = metadata;
  const annotations = { [SELECTED_NODE_ANNOTATION]: node };
  const patch = { metadata: { uid, resourceVersion, annotations } };
  return client.patch<Claim>(PERSISTENT_VOLUME_CLAIMS, namespace, name, '', 'merge', patch, signal);
}

/** Says in its status that a claim has its node, unless it does already or is gone by now. */
export async function tellBound(
  client: Client,
  { metadata, spec, status }: Claim,
  signal: AbortSignal,
): Promise<void> {
  if (status?.phase === 'Bound') return;
  const { name, namespace = '', uid } = metadata;
  const storage = spec?.resources?.requests?.['storage'];
  const bound = {
    phase: 'Bound',
    accessModes: spec?.accessModes ?? [],
    ...(storage === undefined ? {} : { capacity: { storage } }),
  };
  const patch = { metadata: { uid }, status: bound };
  const resource = PERSISTENT_VOLUME_CLAIMS;
  try {
    await client.patch(resource, namespace, name, 'status', 'merge', patch, signal);
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
