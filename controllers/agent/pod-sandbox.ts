// What the containers of a Pod share, in the runtime's words. Pure.
import type { PodSandboxSpec } from '../runtimes/runtime.ts';
import { engineOptionsOf } from './engine-annotation.ts';
import { portsOf } from './container-spec.ts';
import type { Pod } from './pod.ts';

const LONGEST_HOSTNAME = 63;

/**
 * @param names the resolver that finds services; undefined: the machine's
 * @throws StartError for an annotation that cannot be read
 */
export function podSandboxSpec(pod: Pod, names?: PodSandboxSpec['dns']): PodSandboxSpec {
  const { metadata, spec } = pod;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const { dnsConfig } = spec;
  const sysctls = spec.securityContext?.sysctls ?? [];
  const { sharedMemoryBytes } = engineOptionsOf(pod);
  return {
    ...(sharedMemoryBytes === undefined ? {} : { sharedMemoryBytes }),
    namespace: metadata.namespace ?? 'default',
    pod: metadata.name,
    podUID: metadata.uid,
    hostname: (spec.hostname ?? metadata.name).slice(0, LONGEST_HOSTNAME).replace(/[.-]+$/, ''),
    hostNetwork: spec.hostNetwork ?? false,
    hostPID: spec.hostPID ?? false,
    hostIPC: spec.hostIPC ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    ports: containers.flatMap(portsOf),
    sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])),
    hostAliases: (spec.hostAliases ?? []).flatMap(({ ip, hostnames }) =>
      (hostnames ?? []).map((name) => [name, ip] as const),
    ),
    dns: {
      servers: [...(names?.servers ?? []), ...(dnsConfig?.nameservers ?? [])],
      searches: [...(names?.searches ?? []), ...(dnsConfig?.searches ?? [])],
      options: [
        ...(names?.options ?? []),
        ...(dnsConfig?.options ?? []).map(({ name = '', value }) =>
          value === undefined ? name : `${name}:${value}`,
        ),
      ],
    },
  };
}
