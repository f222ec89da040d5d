// The Service that `windlass run` makes of an image and its flags. Pure.
import type { Service, ServiceConfig, ServiceSecret } from '#controllers/service/types.ts';
import { parseBytes } from '../compose/units.ts';
import type { ContainerFields } from '../spec/container-of-spec.ts';
import { dnsLabel } from '../spec/dns-label.ts';
import type { NeutralContainer, NeutralSpec, NeutralVolume } from '../spec/neutral-spec.ts';
import { hostnamesFor } from '../spec/resolve-spec.ts';
import { serviceOfSpec } from '../spec/service-of-spec.ts';
import { UsageError } from '../usage-error.ts';
import { parseConfig, parseSecret } from './file-text.ts';
import { formatPort, parsePort } from './port-text.ts';
import { checkPublished, containerPortsOf } from './published-ports.ts';
import { parseVolume } from './volume-text.ts';
import type { MountedVolume } from './volume-text.ts';

export interface RunRequest {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /** The whole program; after an entrypoint its arguments. Empty: the image's. */
  readonly command: readonly string[];
  readonly entrypoint: string | undefined;
  readonly mode: 'replicated' | 'global';
  /** Undefined: one. Not with mode global. */
  readonly replicas: number | undefined;
  /** Names of nodes; empty: any. */
  readonly machines: readonly string[];
  /** Texts of port-text.ts. */
  readonly ports: readonly string[];
  /** Under which HTTP ports get a name; undefined: they get none. */
  readonly clusterDomain: string | undefined;
  /** Texts of volume-text.ts. */
  readonly volumes: readonly string[];
  /** `FILE:PATH` */
  readonly configs: readonly string[];
  /** `NAME[/KEY][:PATH]` */
  readonly secrets: readonly string[];
  /** `KEY=VALUE`, or `KEY` for the value that it has here. */
  readonly env: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly user: string | undefined;
  readonly privileged: boolean;
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
  readonly pull: 'missing' | 'always' | 'never';
  /** @throws Error when it cannot be read */
  readonly readFile: (path: string) => Buffer;
}

export type RunManifest = Pick<Service, 'spec'> & {
  readonly metadata: { readonly name: string; readonly namespace: string };
};

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws UsageError that names the flag */
export function runManifest(request: RunRequest): RunManifest {
  const { name, namespace, mode, replicas = 1 } = request;
  if (mode === 'global' && request.replicas !== undefined)
    throw new UsageError(
      `--replicas ${replicas} does not go with --mode global, which runs one instance on each node: leave it out; --machine says which nodes`,
    );
  if (!NAME.test(name))
    throw new UsageError(
      `--name ${JSON.stringify(name)} must be up to 63 lower-case letters, digits and -, and begin and end with none of the last`,
    );
  for (const text of request.ports) parsePort(text);
  const ports = hostnamesFor(request.ports, name, request.clusterDomain).map((text) =>
    parsePort(text),
  );
  checkPublished(ports, (port) => `--publish ${formatPort(port)}`);
  const { spec } = serviceOfSpec(specOf(request, ports.map(formatPort)), namespace);
  const pod: Readonly<Record<string, unknown>> = { ...(spec.template.spec as object) };
  const fields = spec.template.spec.containers[0] as ContainerFields | undefined;
  const configs = request.configs.map((text) => configOf(text, request.readFile));
  const secrets = request.secrets.map(secretOf);
  refuseTwice('--mount-config', configs);
  refuseTwice('--secret', secrets);
  const declared = containerPortsOf(ports);
  return {
    metadata: { name, namespace },
    spec: {
      ...spec,
      ...(mode === 'global' ? {} : { replicas }),
      template: {
        spec: {
          ...pod,
          containers: [
            {
              ...fields,
              name,
              ...(declared.length === 0 ? {} : { ports: [...declared] }),
            },
          ],
        },
      },
      ...(configs.length === 0 ? {} : { configs }),
      ...(secrets.length === 0 ? {} : { secrets }),
    },
  };
}

function specOf(request: RunRequest, ports: readonly string[]): NeutralSpec {
  const { name, mode, machines, image, environment } = request;
  const mounts = request.volumes.map(parseVolume);
  const volumes = volumesOf(mounts);
  const container: NeutralContainer = {
    image,
    ...programOf(request),
    env: Object.fromEntries(request.env.map((text) => variable(text, environment))),
    user: request.user ?? '',
    ...(request.privileged ? { privileged: true } : {}),
    pullPolicy: request.pull,
    resources: { cpu: cpuOf(request.cpu), memory: memoryOf(request.memory) },
    volumeMounts: mounts.map(({ source, path, isReadOnly }) => ({
      volume: volumes.get(source)?.name ?? '',
      path,
      readOnly: isReadOnly,
    })),
  };
  return {
    name,
    mode,
    container,
    placement: { machines },
    ports,
    volumes: [...volumes.values()],
  };
}

/** Without an entrypoint of its own, what is given is the program. */
function programOf({
  command,
  entrypoint,
}: RunRequest): Pick<NeutralContainer, 'command' | 'entrypoint'> {
  if (entrypoint !== undefined) return { entrypoint: [entrypoint], command };
  return command.length === 0 ? {} : { entrypoint: [''], command };
}

/** By source; one that is mounted twice is one volume. */
function volumesOf(mounts: readonly MountedVolume[]): ReadonlyMap<string, NeutralVolume> {
  const volumes = new Map<string, NeutralVolume>();
  for (const { source, isFolder } of mounts) {
    if (volumes.has(source)) continue;
    volumes.set(
      source,
      isFolder
        ? { name: `folder-${volumes.size + 1}`, type: 'bind', hostPath: source }
        : { name: source, type: 'volume' },
    );
  }
  return volumes;
}

/** Billionths of a core; 0 for no limit. */
function cpuOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const cpus = /^(\d{1,6}(\.\d{1,9})?|\.\d{1,9})$/.test(text) ? Number(text) : 0;
  if (cpus > 0) return Math.round(cpus * 1e9);
  throw new UsageError(
    `--cpu must be a number of cores such as 0.5 or 2, found ${JSON.stringify(text)}`,
  );
}

function memoryOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const bytes = parseBytes(text) ?? 0;
  if (bytes > 0) return bytes;
  throw new UsageError(`--memory must be a size such as 512m or 2g, found ${JSON.stringify(text)}`);
}

function configOf(text: string, readFile: RunRequest['readFile']): ServiceConfig {
  const { file, path } = parseConfig(text);
  let content: Buffer;
  try {
    content = readFile(file);
  } catch (error) {
    throw new UsageError(`--mount-config ${text}: ${(error as Error).message}`, { cause: error });
  }
  const utf8 = content.toString('utf8');
  return {
    name: dnsLabel(path.replace(/^\/+/, '')),
    ...(Buffer.from(utf8).equals(content)
      ? { content: utf8 }
      : { binaryContent: content.toString('base64') }),
    mounts: [{ path }],
  };
}

function secretOf(text: string): ServiceSecret {
  const { name, key, path } = parseSecret(text);
  return {
    name: dnsLabel(key === undefined ? name : `${name}-${key}`),
    secretName: name,
    key: key ?? name,
    mounts: [{ path }],
  };
}

function refuseTwice(flag: string, entries: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of entries) {
    if (seen.has(name)) throw new UsageError(`${flag}: ${name} is given twice`);
    seen.add(name);
  }
}

function variable(
  text: string,
  environment: RunRequest['environment'],
): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (!/^[A-Za-z_.-][\w.-]*$/.test(name))
    throw new UsageError(`--env ${JSON.stringify(name)}: write it as NAME=VALUE`);
  const value = at === -1 ? environment[name] : text.slice(at + 1);
  if (value === undefined)
    throw new UsageError(`--env ${name}: it has no value here; write it as ${name}=VALUE`);
  return [name, value];
}
