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
  const host = hostOf(node, provider) ?? address;
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
  const { authorities: ca, credential } = keys;
  const server = new URL(urlOf(address, portOf(member, configuration)));
  if (credential.type === 'token') {
    const headers = { Authorization: `Bearer ${credential.token}` };
    return { server, tls: { ca }, headers: () => Promise.resolve(headers) };
  }
  const { certificate: cert, privateKey: key } = credential.pair;
  return { server, tls: { ca, cert, key }, headers: () => Promise.resolve({}) };
}

/** URLs of its servers, whether they run or not, the one to join now first; empty while one of them has no address. */
export async function serversOf(
  member: Member,
  configuration: WindlassConfiguration,
  provider: Provider,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const nodes = await controllerNodes(member, provider, signal);
  const hosts = nodes
    .toSorted((a, b) => Number(isReady(b, provider)) - Number(isReady(a, provider)))
    .map((node) => hostOf(node, provider));
  if (hosts.includes(undefined)) return [];
  return hosts.map((host) => urlOf(host ?? '', portOf(member, configuration)));
}

/** What of its controllers is there, in the order of their names. */
export async function controllerNodes(
  member: Member,
  provider: Provider,
  signal: AbortSignal,
): Promise<readonly NodeInfo[]> {
  const { name, uid } = member.cluster.metadata;
  const nodes = await provider.listNodes({ name, uid }, signal);
  return controllersOf(member).flatMap((controller) =>
    nodes.filter((node) => node.isOwned && node.name === controller),
  );
}

async function firstController(
  member: Member,
  provider: Provider,
  signal: AbortSignal,
): Promise<NodeInfo | undefined> {
  const nodes = await controllerNodes(member, provider, signal);
  return nodes.find((node) => isReady(node, provider));
}

function isReady({ state }: NodeInfo, { readyState }: Provider): boolean {
  return state === readyState;
}

/** As other nodes call it. */
function hostOf(
  { name, addresses = [] }: NodeInfo,
  { capabilities }: Provider,
): string | undefined {
  const [address] = addresses;
  return capabilities.includes('nodeNames') ? name : address;
}

function urlOf(host: string, port: number): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
