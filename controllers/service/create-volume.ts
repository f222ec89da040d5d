// Makes a named volume: a PersistentVolumeClaim that is kept on one node. Nobody owns it, so that it outlives its services. That it is
// Bound is said by whoever binds the first Pod to it: on a Kubernetes cluster that is its own business.
import { placeOf, selectNode } from '../machinery/claim-place.ts';
import type { Claim } from '../machinery/claim-place.ts';
import { isAlreadyExists } from '../machinery/request-error.ts';
import { PERSISTENT_VOLUME_CLAIMS } from '../machinery/resources.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import { plannedClaim } from './planned-claim.ts';
import type { VolumeToCreate } from './volume-placement.ts';

export async function createVolume(
  create: VolumeToCreate,
  { client, service, signal }: ExecuteContext,
): Promise<Step | undefined> {
  const namespace = service.metadata.namespace ?? '';
  const { claimName, node, existing } = create;
  const resource = PERSISTENT_VOLUME_CLAIMS;
  if (existing !== undefined) {
    const seen = await client.get<Claim>(resource, namespace, existing, signal);
    // By the scheduler, for a Pod of its own: the next plan takes it as it is.
    if (placeOf(seen) !== 'nowhere') return undefined;
    await selectNode(client, seen, node, signal);
    return { reason: 'VolumeCreated', message: `Placed volume ${claimName} on ${node}` };
  }
  const claim = plannedClaim(create, namespace);
  const { name, labels, annotations } = claim.metadata;
  const object = { metadata: { name, namespace, labels, annotations }, spec: claim.spec };
  try {
    await client.create<Claim>(resource, namespace, object, signal);
  } catch (error) {
    // By another service that shares it, or by us a moment ago: where it is will show in the next plan.
    if (isAlreadyExists(error)) return undefined;
    throw error;
  }
  return { reason: 'VolumeCreated', message: `Created volume ${claimName} on ${node}` };
}
