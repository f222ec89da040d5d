// Who may use the names of this machine: its own programs and its containers. Its addresses for names could be reached by whoever is on
// the same network and sends to them on purpose, and services without a port to the outside must stay without one.
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Says of an address whether its packets come from here. @param subnets of containers, `172.17.0.0/16` */
export function knownClients(subnets: readonly string[]): (address: string | undefined) => boolean {
  const containers = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits = ''] = subnet.split('/');
    containers.addSubnet(address, Number(bits), 'ipv4');
  }
  return (address) => {
    if (address === undefined) return false;
    return address.startsWith('127.') || containers.check(address) || isOwn(address);
  };
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((own) => own.address === address),
  );
}
