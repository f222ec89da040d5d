// Published ports of one service: whether the machine can give them all, and the ports of the container that they lead to. Pure.
import { ingressEntry } from '../spec/ingress-entry.ts';
import { UsageError } from '../usage-error.ts';
import { formatPort } from './port-text.ts';
import type { PublishedPort } from './port-text.ts';

export interface ContainerPort {
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/** @throws UsageError for what the machine cannot give twice, or a Service has no word for. @param what what to call a port in the message */
export function checkPublished(
  ports: readonly PublishedPort[],
  what: (port: PublishedPort) => string = formatPort,
): void {
  const seen: PublishedPort[] = [];
  for (const port of ports) {
    if (port.hostPrefix !== undefined)
      throw new UsageError(
        `${what(port)}: the addresses of a CIDR cannot be bound: a Pod names one address per port; name one IP, or none for all addresses`,
      );
    const other = seen.find((one) => clash(one, port));
    if (other !== undefined)
      throw new UsageError(
        `${what(port)}: port ${machinePort(port)}/${transport(port)} of the machine is published by ${formatPort(other)} already`,
      );
    seen.push(port);
  }
}

function clash(one: PublishedPort, other: PublishedPort): boolean {
  if (machinePort(one) !== machinePort(other) || transport(one) !== transport(other)) return false;
  if (one.mode === 'host' && other.mode === 'host')
    return one.hostIP === undefined || other.hostIP === undefined || one.hostIP === other.hostIP;
  const isShared = one.mode === other.mode && one.protocol === other.protocol;
  return !(isShared && one.hostname !== other.hostname);
}

function transport({ protocol }: PublishedPort): 'tcp' | 'udp' {
  return protocol === 'udp' ? 'udp' : 'tcp';
}

function machinePort(port: PublishedPort): number {
  return port.mode === 'host' ? (port.publishedPort ?? 0) : ingressEntry(port).port;
}

/** Without repetition. */
export function containerPortsOf(ports: readonly PublishedPort[]): readonly ContainerPort[] {
  const entries = new Map<string, ContainerPort>();
  for (const { mode, containerPort, protocol, publishedPort, hostIP } of ports) {
    const entry: ContainerPort = {
      containerPort,
      protocol: protocol === 'udp' ? 'UDP' : 'TCP',
      ...(mode === 'host' && publishedPort !== undefined ? { hostPort: publishedPort } : {}),
      ...(hostIP === undefined ? {} : { hostIP }),
    };
    entries.set(JSON.stringify(entry), entry);
  }
  return [...entries.values()];
}
