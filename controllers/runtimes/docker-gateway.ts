// Where containers on the Engine's bridge find this machine.
import type Docker from 'dockerode';

/** undefined: there is no bridge, or it has no address. */
export async function bridgeGateway(docker: Docker): Promise<string | undefined> {
  const { IPAM } = (await docker.getNetwork('bridge').inspect()) as {
    readonly IPAM?: { readonly Config?: readonly { readonly Gateway?: string }[] };
  };
  return IPAM?.Config?.map(({ Gateway }) => Gateway).find((gateway) => gateway?.includes('.'));
}
