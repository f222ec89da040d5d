// Published ports as a Service has them: entries of spec.ingress, and ports that containers bind on their machine. Pure.
import type { IngressEntry } from '#controllers/service/types.ts';
import { UsageError } from '../usage-error.ts';
import { formatPort } from './port-text.ts';
import type { PublishedPort } from './port-text.ts';

export interface ContainerPort {
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/**
 * Gives HTTP and HTTPS ports of the ingress the name of the service in the cluster: instead of no hostname, and beside another
 * one. Each name once per port.
 *
 * @param clusterDomain '' when there is none
 * @throws UsageError for a port that would have no hostname
 */
export function resolvePorts(
  service: string,
  ports: readonly PublishedPort[],
  clusterDomain: string,
): readonly PublishedPort[] {
  const own = clusterDomain === '' ? undefined : `${service}.${clusterDomain}`;
  const given: PublishedPort[] = [];
  const added: PublishedPort[] = [];
  for (const port of ports) {
    const isHTTP = port.protocol === 'http' || port.protocol === 'https';
    if (port.mode === 'host' || !isHTTP) given.push(port);
    else if (port.hostname === undefined) {
      if (own === undefined)
        throw new UsageError(
          `cluster domain must be reserved to generate hostname for ingress port: ${formatPort(port)}; name one with --cluster-domain, or write HOSTNAME:${formatPort(port)}`,
        );
      given.push({ ...port, hostname: own });
    } else {
      given.push(port);
      const isInside =
        port.hostname === clusterDomain || port.hostname.endsWith(`.${clusterDomain}`);
      if (own !== undefined && !isInside) added.push({ ...port, hostname: own });
    }
  }
  const byText = new Map([...given, ...added].map((port) => [formatPort(port), port]));
  return [...byText.values()];
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

/** Without one of its own: that of the protocol for what goes by hostname, else the container's. */
export function machinePort(port: PublishedPort): number {
  const { publishedPort, hostname, protocol, containerPort } = port;
  if (publishedPort !== undefined) return publishedPort;
  if (hostname === undefined) return containerPort;
  return protocol === 'https' ? 443 : 80;
}

export function ingressOf(ports: readonly PublishedPort[]): readonly IngressEntry[] {
  return ports
    .filter(({ mode }) => mode === 'ingress')
    .map((port) => ({
      port: machinePort(port),
      targetPort: port.containerPort,
      protocol: port.protocol.toUpperCase() as Uppercase<PublishedPort['protocol']>,
      ...(port.hostname === undefined ? {} : { host: port.hostname.toLowerCase() }),
    }));
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
