// What a write of roles and bindings asks before it is made: does the writer hold the rights that it hands out? Who holds which is
// known outside of the registry.
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { UserInfo } from '#controlplane/api/user.ts';

export interface PrivilegeGuard {
  /**
   * @param old what is stored; absent for a create
   * @throws ApiError Forbidden naming the rights that the user does not hold
   */
  admit(
    definition: ResourceDefinition,
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    user: UserInfo,
  ): void;
}
