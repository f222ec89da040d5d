// What controllers make keys of clusters with: the half of Windlass that serves knows how.
import type { ControllersOptions } from '#controllers/start.ts';
import { newClusterAdmin, newClusterAuthority } from '#controlplane/cluster-authority.ts';
import type { Clock } from '#platform/clock.ts';

export function clusterAuthorities(clock: Clock): NonNullable<ControllersOptions['authorities']> {
  return {
    newAuthority: () => newClusterAuthority(clock),
    newAdmin: (authority) => newClusterAdmin(authority, clock),
  };
}
