// Where containers on the Engine's bridge find this machine, and by which addresses it knows them.
import type Docker from 'dockerode';
import type { Gateway } from './runtime.ts';

/** undefined: there is no bridge, or it has no IPv4 address. */
export async function bridgeGateway(docker: Docker): Promise<Gateway | undefined> {
  const { IPAM } = (await docker.getNetwork('bridge').inspect()) as {
    readonly IPAM?: {
      readonly Config?: readonly { readonly Gateway?: string; readonly Subnet?: string }[];
    };
  };
  for (const { Gateway: gateway, Subnet: subnet = '' } of IPAM?.Config ?? []) {
    if (!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(subnet)) continue;
    return { address: gateway ?? firstOf(subnet), subnet };
  }
  return undefined;
}

/** Engines take the first address for themselves, and some do not say so. */
function firstOf(subnet: string): string {
  const [network = ''] = subnet.split('/');
  return network.replace(/\d+$/, (last) => String(Number(last) + 1));
}
