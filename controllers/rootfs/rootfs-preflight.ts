// The checks of a root, as the seed of this project lists them: what it is made of can be had, and where it is put can be written.
import {
  checkCNIArtifacts,
  checkCRIArtifacts,
  checkKubernetesArtifacts,
  checkOCIImageReachable,
} from './artifact-checks.ts';
import type { Checker } from './preflight.ts';
import { checkNSpawnMachineProvisioning } from './provisioning-check.ts';
import type { RootFSContext } from './rootfs-context.ts';

export function preflight({
  host,
  goal,
  fetcher,
  images,
}: Pick<RootFSContext, 'host' | 'goal' | 'fetcher' | 'images'>): readonly Checker[] {
  return [
    checkOCIImageReachable(images, goal),
    checkKubernetesArtifacts(fetcher.http, goal),
    checkCRIArtifacts(fetcher.http, goal),
    checkCNIArtifacts(fetcher.http, goal),
    checkNSpawnMachineProvisioning(host, goal),
  ];
}
