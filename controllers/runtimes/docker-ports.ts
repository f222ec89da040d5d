// Where a port of a container is reached from this machine: where it is published, else at the container's own address.
import type Docker from 'dockerode';
import type { Address } from './container-sessions.ts';

type Inspected = Docker.ContainerInspectInfo;

/** @throws Error when there is no way to it */
export async function portAddress(docker: Docker, id: string, port: number): Promise<Address> {
  const info = await docker.getContainer(id).inspect();
  // Containers of one Pod may share the network of one of them.
  const shared = /^container:(.+)$/.exec(info.HostConfig.NetworkMode ?? '')?.[1];
  const owner = shared === undefined ? info : await docker.getContainer(shared).inspect();
  if (owner.HostConfig.NetworkMode === 'host') return { host: '127.0.0.1', port };
  const address = publishedAddress(owner, port) ?? ownAddress(owner, port);
  if (address !== undefined) return address;
  throw new Error(
    `port ${port} of container ${info.Name.replace(/^\//, '')} is not published, and the container has no address of its own`,
  );
}

function publishedAddress({ NetworkSettings }: Inspected, port: number): Address | undefined {
  // The Engine leaves out or nulls what is not published.
  const ports = NetworkSettings.Ports as Readonly<
    Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
  >;
  const binding = ports[`${port}/tcp`]?.[0];
  if (binding === undefined) return undefined;
  const everywhere = binding.HostIp === '0.0.0.0' || binding.HostIp === '';
  return { host: everywhere ? '127.0.0.1' : binding.HostIp, port: Number(binding.HostPort) };
}

function ownAddress({ NetworkSettings }: Inspected, port: number): Address | undefined {
  const addresses = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
  const host = addresses.find((address) => address !== '');
  return host === undefined ? undefined : { host, port };
}
