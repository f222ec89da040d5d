// How a Windlass cluster of other machines is reached: its nodes by their token, its API from here as an administrator.
import type { NodeInfo, Provider } from '../../../infrastructure/provider.ts';
import type { Connection } from '../../../machinery/kubeconfig.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member } from '../../member-driver.ts';
import { isController } from '../../wanted-machines.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import { controllersOf, portOf } from './windlass-commands.ts';
import type { Joining, WindlassConfiguration } from './windlass-commands.ts';

/** @throws NotYetError while no controller has an address */
export async function joiningOf(
  member: Member,
  configuration: WindlassConfiguration,
  { provider, keys }: { readonly provider: Provider; readonly keys: ClusterKeys },
  signal: AbortSignal,
): Promise<Joining> {
  const { token, seed } = keys;
  if (isController(member.role)) return { token, seed, server: undefined };
  const node = await firstController(member, provider, signal);
  const [address] = node?.addresses ?? [];
  // What an image or userData makes of it is theirs: they may know another way.
  if (configuration.program.length === 0 && address === undefined)
    return { token, seed, server: undefined };
  if (node === undefined || address === undefined)
    throw new NotYetError('no controller of the cluster has an address that nodes could join at');
  const host = provider.capabilities.includes('nodeNames') ? node.name : address;
  return { token, seed, server: urlOf(host, portOf(member, configuration)) };
}

/** As an administrator; undefined while no controller has an address. */
export async function connectionTo(
  member: Member,
  configuration: WindlassConfiguration,
  { provider, keys }: { readonly provider: Provider; readonly keys: ClusterKeys },
  signal: AbortSignal,
): Promise<Connection | undefined> {
  const node = await firstController(member, provider, signal);
  const [address] = node?.addresses ?? [];
  if (address === undefined) return undefined;
  const { certificate: ca } = keys.authority;
  const { certificate: cert, privateKey: key } = keys.admin;
  return {
    server: new URL(urlOf(address, portOf(member, configuration))),
    tls: { ca, cert, key },
    headers: () => Promise.resolve({}),
  };
}

async function firstController(
  member: Member,
  provider: Provider,
  signal: AbortSignal,
): Promise<NodeInfo | undefined> {
  const { name, uid } = member.cluster.metadata;
  const nodes = await provider.listNodes({ name, uid }, signal);
  const ready = nodes.filter(({ state, isOwned }) => isOwned && state === provider.readyState);
  return controllersOf(member)
    .map((controller) => ready.find((node) => node.name === controller))
    .find((node) => node !== undefined);
}

function urlOf(host: string, port: number): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
