// The flags of `up`, and what their values become. Flags whose part is not built yet are known and refused with that reason.
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ImageCollectionSettings } from '#controllers/agent/image-collection.ts';
import type { LogFormat, LogLevel } from '#platform/logging.ts';
import { dataDirectoryAt } from '../data-directory.ts';
import type { DataDirectory } from '../data-directory.ts';
import { artifactFilesOption, artifactFolders } from '../artifact-options.ts';
import { accessOptions, authenticationOf } from '../access-options.ts';
import { auditOf, auditOptions } from '../audit-options.ts';
import type { AuditOptions, AuthenticationOptions } from '#controlplane/start.ts';
import { imageCollectionOf, imageCollectionOptions } from '../image-collection-options.ts';
import type { Environment, OptionTable, OptionValues } from '../options.ts';
import { seedOf, seedOption } from '../seed-option.ts';
import type { Seed } from '../seed-option.ts';
import { sealKinds, secretsKeys, secretsOptions } from '../secrets-key-option.ts';
import type { PeerSettings, RuntimeChoice } from '../thread-messages.ts';
import { UsageError } from '../usage-error.ts';

export const upOptions = {
  'data-dir': {
    type: 'string',
    placeholder: 'DIR',
    default: '.windlass',
    help: 'Where state and credentials are kept',
  },
  bind: {
    type: 'string',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    help: 'Address the API server listens on',
  },
  port: {
    type: 'integer',
    placeholder: 'PORT',
    minimum: 0,
    maximum: 65_535,
    default: 6443,
    help: 'Port the API server listens on, 0 for any free one',
  },
  manifests: {
    type: 'list',
    placeholder: 'PATH',
    help: 'Apply this file or folder, and again whenever it changes',
  },
  persistence: {
    type: 'list',
    placeholder: 'URL',
    help: 'Where objects are kept: sqlite:PATH, nfs:PATH, s3://BUCKET/PREFIX?endpoint=… or module:PATH; the first is the primary',
  },
  ack: {
    type: 'choice',
    choices: ['primary', 'quorum', 'all'],
    default: 'primary',
    help: 'Which persistence instances must have a write before it is acknowledged',
  },
  'on-sync-loss': {
    type: 'choice',
    choices: ['block', 'degrade'],
    default: 'block',
    help: 'When one that --ack needs is lost for 5 s: refuse writes, or go on without it',
  },
  'accept-possible-loss': {
    type: 'boolean',
    help: 'Start although acknowledged writes may be missing in what can be reached',
  },
  'max-requests-inflight': {
    type: 'integer',
    placeholder: 'N',
    minimum: 0,
    maximum: 100_000,
    default: 600,
    help: 'Requests that are answered at once, watches aside; others wait, fairly by user; 0 for no limit',
  },
  relaxed: {
    type: 'string',
    placeholder: 'KINDS',
    help: 'Acknowledge writes of these kinds up to a second before they are durable: leases, events or leases,events',
  },
  takeover: {
    type: 'boolean',
    help: 'Take the state over from another control plane, or another copy of this data directory',
  },
  ...secretsOptions,
  ...seedOption,
  ...accessOptions,
  ...auditOptions,
  'cluster-domain': {
    type: 'string',
    placeholder: 'DOMAIN',
    default: 'internal',
    help: 'Domain under which services find each other',
  },
  runtime: {
    type: 'choice',
    choices: ['process', 'docker', 'auto'],
    default: 'process',
    help: 'What runs instances on this machine; auto takes Docker where its socket is',
  },
  'ingress-bind': {
    type: 'string',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    help: 'Address that the ingress of services listens on; 0.0.0.0 serves other machines',
  },
  'peer-port': {
    type: 'integer',
    placeholder: 'PORT',
    minimum: 1,
    maximum: 65_535,
    help: 'Port where agents of other machines reach this one (default: 6444, any free one if taken)',
  },
  'peer-address': {
    type: 'string',
    placeholder: 'HOST[:PORT]',
    help: 'Under which agents of other machines reach this one (default: found out)',
  },
  ...artifactFilesOption,
  ...imageCollectionOptions,
  'no-controllers': { type: 'boolean', help: 'Run no controllers here' },
  'no-node': { type: 'boolean', help: 'Run no instances on this machine' },
  'no-console': { type: 'boolean', help: 'Serve no console to browsers' },
  'log-format': {
    type: 'choice',
    choices: ['text', 'json'],
    default: 'text',
    help: 'Form of the log on standard error',
  },
  'log-level': {
    type: 'choice',
    choices: ['error', 'warn', 'info', 'debug'],
    default: 'warn',
    help: 'Least important lines in the log',
  },
} as const satisfies OptionTable;

/** How the persistence instances go together. */
export interface ReplicationSettings {
  readonly ack: 'primary' | 'quorum' | 'all';
  readonly onSyncLoss: 'block' | 'degrade';
  readonly acceptPossibleLoss: boolean;
  readonly takeover: boolean;
}

/** The checked settings of one run. */
export interface UpSettings {
  readonly data: DataDirectory;
  readonly bind: string;
  readonly port: number;
  readonly manifests: readonly string[];
  readonly persistence: readonly string[];
  readonly secretsKeys: ReturnType<typeof secretsKeys>;
  /** Storage keys of further kinds to seal. */
  readonly sealKinds: readonly string[];
  /** What a control plane that begins anew begins with. */
  readonly seed: Seed | undefined;
  /** Storage keys of resources that are acknowledged before they are durable. */
  readonly maxRequestsInFlight: number;
  readonly relaxed: readonly string[];
  readonly replication: ReplicationSettings;
  readonly authentication: AuthenticationOptions;
  readonly audit: AuditOptions | undefined;
  readonly clusterDomain: string;
  readonly runtime: RuntimeChoice;
  readonly ingressBind: string;
  readonly peers: PeerSettings;
  readonly imageCollection: ImageCollectionSettings;
  /** Where files of Artifacts are looked for. */
  readonly artifactFiles: readonly string[];
  readonly runControllers: boolean;
  readonly runNode: boolean;
  readonly hasConsole: boolean;
  readonly nodeName: string;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/** @throws UsageError for values that no run could use */
export function upSettings(
  values: OptionValues<typeof upOptions>,
  environment: Environment,
): UpSettings {
  const data = dataDirectoryAt(values['data-dir']);
  refuseUnbuilt(values);
  return {
    data,
    bind: values.bind,
    port: values.port,
    manifests: values.manifests,
    persistence:
      values.persistence.length > 0
        ? values.persistence
        : [`sqlite:${join(data.path, 'state.db')}`],
    secretsKeys: secretsKeys(values['secrets-key'], data, environment),
    sealKinds: sealKinds(values['seal-kinds']),
    seed: seedOf(values.seed, environment),
    maxRequestsInFlight: values['max-requests-inflight'],
    relaxed: relaxedResources(values.relaxed ?? ''),
    replication: {
      ack: values.ack,
      onSyncLoss: values['on-sync-loss'],
      acceptPossibleLoss: values['accept-possible-loss'],
      takeover: values.takeover,
    },
    authentication: authenticationOf(values),
    audit: auditOf(values),
    clusterDomain: clusterDomainOf(values['cluster-domain']),
    runtime: values.runtime,
    ingressBind: ingressBind(values['ingress-bind']),
    peers: {
      ...peerSettings(values['peer-port'], values['peer-address']),
      // The server is reached over loopback then, which says nothing about how others get here.
      ...(WILDCARDS.includes(values.bind) ? { bind: values.bind } : {}),
    },
    imageCollection: imageCollectionOf(values),
    artifactFiles: artifactFolders(values['artifact-files'], values.manifests),
    runControllers: !values['no-controllers'],
    runNode: !values['no-node'],
    hasConsole: !values['no-console'],
    nodeName: nodeNameOf(hostname()),
    logFormat: values['log-format'],
    logLevel: values['log-level'],
  };
}

/** @throws UsageError for what is no address */
export function ingressBind(value: string): string {
  if (isIP(value) === 0)
    throw new UsageError(
      `--ingress-bind must be an IP address of this machine, found ${JSON.stringify(value)}; 127.0.0.1 serves this machine only, 0.0.0.0 (or ::) all that reach it`,
    );
  return value;
}

/** @throws UsageError for what is no name in DNS */
export function clusterDomainOf(domain: string): string {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(domain))
    throw new UsageError(
      `--cluster-domain must be a DNS name in lower case, found ${JSON.stringify(domain)}`,
    );
  return domain;
}

const RELAXABLE: ReadonlyMap<string, readonly string[]> = new Map([
  ['leases', ['coordination.k8s.io/leases']],
  ['events', ['core/events']],
]);

/** @throws UsageError for kinds that are worth more than that */
function relaxedResources(text: string): readonly string[] {
  const kinds = text.split(',').map((kind) => kind.trim());
  return kinds.flatMap((kind) => {
    if (kind === '' && kinds.length === 1) return [];
    const resources = RELAXABLE.get(kind);
    if (resources === undefined)
      throw new UsageError(
        `--relaxed must be leases, events or leases,events, found ${JSON.stringify(text)}; all else is durable first`,
      );
    return resources;
  });
}

const WILDCARDS = ['0.0.0.0', '::'];

export function peerSettings(port: number | undefined, address: string | undefined): PeerSettings {
  return {
    ...(port === undefined ? {} : { port }),
    ...(address === undefined ? {} : { address }),
  };
}

function refuseUnbuilt(values: OptionValues<typeof upOptions>): void {
  for (const url of values.persistence) {
    const scheme = /^(sqlite|s3|nfs|module):/.exec(url)?.[1];
    if (scheme === undefined)
      throw new UsageError(
        `--persistence must be sqlite:PATH, nfs:PATH, s3://BUCKET/PREFIX or module:PATH, found ${JSON.stringify(url.replace(/:.*/s, ':…'))}`,
      );
    if (url === 'sqlite:')
      throw new UsageError('--persistence sqlite: needs a path after the colon');
  }
}

/** A host name as a Node's name: DNS-1123 subdomain. */
export function nodeNameOf(host: string): string {
  const name = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 63)
    .replaceAll(/[^a-z0-9]+$/g, '');
  return name === '' ? 'node' : name;
}
