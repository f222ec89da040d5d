// The securityContext of a container over that of its Pod, in the runtime's words. Pure.
import { StartError } from '../runtimes/runtime.ts';
import type { ContainerSecurity } from '../runtimes/runtime.ts';
import type { Container, Pod } from './pod.ts';

/** @throws StartError CreateContainerConfigError for what cannot be done */
export function containerSecurity(pod: Pod, container: Container): ContainerSecurity {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const user = own.runAsUser ?? ofPod.runAsUser;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  const { fsGroup, supplementalGroups = [] } = ofPod;
  return {
    privileged: own.privileged ?? false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    supplementalGroups: [...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])],
    nonRoot: own.runAsNonRoot ?? ofPod.runAsNonRoot ?? false,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    unconfined: [
      ...confinement('seccomp', container, own.seccompProfile ?? ofPod.seccompProfile),
      ...confinement('apparmor', container, own.appArmorProfile ?? ofPod.appArmorProfile),
    ],
  };
}

function confinement(
  kind: 'seccomp' | 'apparmor',
  container: Container,
  profile: { readonly type: string } | undefined,
): readonly ('seccomp' | 'apparmor')[] {
  switch (profile?.type) {
    case undefined:
    case 'RuntimeDefault':
      return [];
    case 'Unconfined':
      return [kind];
    default:
      throw new StartError(
        'CreateContainerConfigError',
        `Container ${container.name}: the ${kind} profile type ${JSON.stringify(profile?.type)} is not supported, use RuntimeDefault or Unconfined`,
      );
  }
}
