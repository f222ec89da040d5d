// The PersistentVolumeClaim of a named volume, as it is made. Pure.
import { SELECTED_NODE_ANNOTATION } from '../machinery/claim-place.ts';
import type { Claim } from '../machinery/claim-place.ts';
import { newClaimName } from './claims.ts';
import { VOLUME_DRIVER_ANNOTATION, VOLUME_LABEL } from './types.ts';
import type { VolumeToCreate } from './volume-placement.ts';

const DEFAULT_SIZE = '1Gi';

export function plannedClaim(
  { claimName, node, volume, mode }: VolumeToCreate,
  namespace: string,
): Claim {
  return {
    metadata: {
      name: newClaimName(claimName, mode, node),
      namespace,
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
      labels: { ...volume.labels, [VOLUME_LABEL]: claimName },
      annotations: {
        [SELECTED_NODE_ANNOTATION]: node,
        ...(volume.driver === undefined
          ? {}
          : { [VOLUME_DRIVER_ANNOTATION]: JSON.stringify(volume.driver) }),
      },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: String(volume.size ?? DEFAULT_SIZE) } },
    },
  };
}
