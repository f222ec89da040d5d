// The Service that `windlass run` makes of an image and its flags, and the volumes that it needs. Pure.
import type { IngressEntry, Service } from '#controllers/service/types.ts';
import { UsageError } from '../usage-error.ts';
import { formatPort, parsePort } from './port-text.ts';
import type { PublishedPort } from './port-text.ts';
import { parseVolume } from './volume-text.ts';
import type { MountedVolume } from './volume-text.ts';

export interface RunRequest {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /** Instead of the image's entrypoint; empty: the image's. */
  readonly command: readonly string[];
  /** Texts of port-text.ts. */
  readonly ports: readonly string[];
  /** Texts of volume-text.ts. */
  readonly volumes: readonly string[];
  /** `KEY=VALUE`, or `KEY` for the value that it has here. */
  readonly env: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly replicas: number;
}

export interface RunManifest {
  readonly service: Pick<Service, 'spec'> & {
    readonly metadata: { readonly name: string; readonly namespace: string };
  };
  /** Names of the volumes that must exist. */
  readonly claims: readonly string[];
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws UsageError that names the flag, or what the Service kind has no word for yet */
export function runManifest(request: RunRequest): RunManifest {
  const { name, namespace, image, command, replicas } = request;
  if (!NAME.test(name))
    throw new UsageError(
      `--name ${JSON.stringify(name)} must be up to 63 lower-case letters, digits and -, and begin and end with none of the last`,
    );
  const ports = request.ports.map((text) => expressible(parsePort(text), text));
  refuseTwice(ports);
  const mounts = request.volumes.map(parseVolume);
  const volumes = volumesOf(mounts);
  const env = request.env.map((text) => variable(text, request.environment));
  const ingress = ports.flatMap(ingressEntry);
  const container = {
    name,
    image,
    ...(command.length === 0 ? {} : { command: [...command] }),
    ...(env.length === 0 ? {} : { env }),
    ...(ports.length === 0 ? {} : { ports: containerPorts(ports) }),
    ...(mounts.length === 0
      ? {}
      : {
          volumeMounts: mounts.map((mount) => ({
            name: volumes.get(mount.source)?.name ?? '',
            mountPath: mount.path,
            ...(mount.isReadOnly ? { readOnly: true } : {}),
          })),
        }),
  };
  const podVolumes = [...volumes.values()];
  return {
    service: {
      metadata: { name, namespace },
      spec: {
        replicas,
        template: {
          spec: {
            containers: [container],
            ...(podVolumes.length === 0 ? {} : { volumes: podVolumes }),
          },
        },
        ...(ingress.length === 0 ? {} : { ingress }),
      },
    },
    claims: [...new Set(mounts.filter(({ isFolder }) => !isFolder).map(({ source }) => source))],
  };
}

/** @throws UsageError for a port that parses and that a Service cannot say yet */
function expressible(port: PublishedPort, text: string): PublishedPort {
  const refuse = (what: string, instead: string): UsageError =>
    new UsageError(`--publish ${text}: ${what} not supported yet; ${instead}`);
  const { mode, hostname, hostPrefix, protocol, containerPort, publishedPort } = port;
  if (hostPrefix !== undefined)
    throw refuse('binding the addresses of a CIDR is', 'name one IP, or none for all addresses');
  if (mode === 'host') return port;
  const instead = `${publishedPort ?? containerPort}:${containerPort}`;
  if (hostname !== undefined)
    throw refuse('a hostname in the ingress is', `forward a port of each machine: -p ${instead}`);
  if (protocol === 'https')
    throw refuse(
      'https in the ingress is',
      `forward TCP and end TLS in the service: -p ${instead}`,
    );
  if (protocol === 'udp')
    throw refuse('UDP in the ingress is', `bind it on the machine: -p ${instead}/udp@host`);
  return port;
}

function refuseTwice(ports: readonly PublishedPort[]): void {
  const seen = new Map<string, PublishedPort>();
  for (const port of ports) {
    const key = `${port.publishedPort ?? port.containerPort}/${port.protocol === 'udp' ? 'udp' : 'tcp'}`;
    const other = seen.get(key);
    const isApart = other?.hostIP !== undefined && port.hostIP !== undefined;
    if (other !== undefined && !(isApart && other.hostIP !== port.hostIP))
      throw new UsageError(
        `--publish ${formatPort(port)}: port ${key} of the machine is published by ${formatPort(other)} already`,
      );
    seen.set(key, port);
  }
}

/** Without a port of its own, the machine's is the container's. */
function ingressEntry(port: PublishedPort): readonly IngressEntry[] {
  if (port.mode === 'host') return [];
  const { containerPort, publishedPort = containerPort } = port;
  return [{ port: publishedPort, targetPort: containerPort, protocol: 'TCP' }];
}

interface ContainerPort {
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly hostPort?: number;
  readonly hostIP?: string;
}

function containerPorts(ports: readonly PublishedPort[]): ContainerPort[] {
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

type PodVolume = { readonly name: string } & (
  | { readonly hostPath: { readonly path: string } }
  | { readonly persistentVolumeClaim: { readonly claimName: string } }
);

/** By source; one that is mounted twice is one volume. */
function volumesOf(mounts: readonly MountedVolume[]): ReadonlyMap<string, PodVolume> {
  const volumes = new Map<string, PodVolume>();
  for (const { source, isFolder } of mounts) {
    if (volumes.has(source)) continue;
    volumes.set(
      source,
      isFolder
        ? { name: `folder-${volumes.size + 1}`, hostPath: { path: source } }
        : { name: source, persistentVolumeClaim: { claimName: source } },
    );
  }
  return volumes;
}

function variable(
  text: string,
  environment: RunRequest['environment'],
): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (!/^[A-Za-z_.-][\w.-]*$/.test(name))
    throw new UsageError(`--env ${JSON.stringify(name)}: write it as NAME=VALUE`);
  const value = at === -1 ? environment[name] : text.slice(at + 1);
  if (value === undefined)
    throw new UsageError(`--env ${name}: it has no value here; write it as ${name}=VALUE`);
  return { name, value };
}
