// The container that a node is, as the Engine takes and tells it. Pure.
import type { ContainerCreateOptions, ContainerInfo } from 'dockerode';
import type { FoundNode } from '../infra-driver.ts';
import type { Labels } from '../label-scheme.ts';
import type { NodeRequest } from '../provider.ts';
import { imageOf } from './settings.ts';
import type { DockerSettings } from './settings.ts';

export function volumeName(node: NodeRequest, volume: string): string {
  return `${node.name}-${volume}`;
}

export function containerOptions(
  node: NodeRequest,
  labels: Labels,
  networkID: string,
  settings: DockerSettings,
): ContainerCreateOptions & { name: string } {
  const ports = node.ports ?? [];
  const key = (port: number, protocol = 'tcp'): string => `${port}/${protocol}`;
  const bindings = ports.map(
    ({ containerPort, hostPort = 0, hostAddress = '127.0.0.1', protocol }) => ({
      key: key(containerPort, protocol),
      binding: { HostIp: hostAddress, HostPort: String(hostPort) },
    }),
  );
  return {
    name: node.name,
    Hostname: node.name.slice(0, 63),
    Image: imageOf(node, settings),
    ...(node.command === undefined ? {} : { Cmd: [...node.command] }),
    Env: Object.entries(node.environment ?? {}).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labels },
    StopTimeout: settings.stopGraceSeconds,
    ExposedPorts: Object.fromEntries(bindings.map(({ key: port }) => [port, {}])),
    HostConfig: {
      Privileged: settings.isPrivileged,
      RestartPolicy: { Name: settings.restartPolicy },
      NetworkMode: networkID,
      PortBindings: Object.fromEntries(
        bindings.map(({ key: port }) => [
          port,
          bindings.filter((other) => other.key === port).map(({ binding }) => binding),
        ]),
      ),
      Mounts: (node.volumes ?? []).map(({ name, path }) => ({
        Type: 'volume',
        Source: volumeName(node, name),
        Target: path,
      })),
    },
  };
}

/** From a line of the Engine's list. */
export function foundContainer(info: ContainerInfo): FoundNode {
  // The Engine leaves these out or says null where a container has none.
  const networks: Readonly<Record<string, { readonly IPAddress?: string } | null>> =
    info.NetworkSettings?.Networks ?? {};
  const addresses = Object.values(networks).map((network) => network?.IPAddress ?? '');
  return {
    id: info.Id,
    name: (info.Names[0] ?? info.Id).replace(/^\//, ''),
    labels: info.Labels,
    state: info.State,
    addresses: addresses.filter((address) => address !== '').toSorted(),
  };
}
