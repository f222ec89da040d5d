// Starts the controllers against one API server, ours or any other: the composition root of this folder. The agent has its own.
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { artifactsForHosts } from './artifact/artifacts-for-hosts.ts';
import { addArtifactController } from './artifact/controller.ts';
import { ArtifactParts } from './artifact/parts.ts';
import type { ArtifactsOptions } from './artifact/parts.ts';
import { noArtifacts } from './binaries/host-artifact.ts';
import type { HostArtifacts } from './binaries/host-artifact.ts';
import { LimitGroups } from './hosts/work-limits.ts';
import { addClusterController } from './cluster/controller.ts';
import type { ClusterAuthorities } from './cluster/distributions/windlass/cluster-keys.ts';
import { addDisruptionController } from './disruption/controller.ts';
import { addEndpointSliceController } from './endpoint-slice/controller.ts';
import { addEndpointSliceMirroringController } from './endpoint-slice/mirroring.ts';
import { addGarbageCollector } from './garbage-collector/controller.ts';
import { addInfraProviderController } from './infra-provider/controller.ts';
import { ProvidedHosts } from './infra-provider/provided-host.ts';
import { addMachineOperationController } from './machine-operation/controller.ts';
import { addMachineController } from './machine/controller.ts';
import { openMachineHost } from './machine/open-machine-host.ts';
import { HttpClient } from './machinery/client.ts';
import type { DigestResolver } from './machinery/digest-resolver.ts';
import { loadConnection } from './machinery/kubeconfig.ts';
import type { Connection } from './machinery/kubeconfig.ts';
import { lead, leaderElectionProblem } from './machinery/leader-election.ts';
import type { LeaderElectionSettings } from './machinery/leader-election.ts';
import { Manager } from './machinery/manager.ts';
import { addNamespaceController } from './namespace/controller.ts';
import { addNodeLifecycleController } from './node-lifecycle/controller.ts';
import { RegistryDigestResolver } from './registry/digest-resolver.ts';
import type { LoginsOptions } from './registry/logins.ts';
import { addQuotaController } from './quota/controller.ts';
import { addScheduler } from './scheduler/controller.ts';
import { isOwnServer, warnWithoutKinds } from './server-kind.ts';
import type { ServerKindOptions } from './server-kind.ts';
import { addServiceAccountController } from './service-account/controller.ts';
import { addServiceController } from './service/controller.ts';

export interface ControllersOptions {
  /** Path of the kubeconfig whose current context names the server. */
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Domain of names inside the cluster; for controllers that make such names. */
  readonly clusterDomain: string;
  /**
   * Names of `controllerNames`. By default all of them on a server of Windlass; on any other, which has its own of most, only those
   * of our kinds.
   */
  readonly controllers?: readonly string[];
  /** Program and first arguments of windlass on this machine, for machines of clusters that are processes of it; absent: they say it. */
  readonly program?: readonly string[];
  /** Of that program: `0.1.0`. */
  readonly windlassVersion?: string;
  /** Makes the keys of clusters of other machines; absent: whoever makes such a cluster hands over how its machines join. */
  readonly authorities?: ClusterAuthorities;
  /** Where to find logins for registries, to pin images to their digests; absent: each node decides what a tag stands for. */
  readonly registries?: Pick<LoginsOptions, 'dockerFolder' | 'environment'>;
  /** The store of artifacts and what may be fetched into it; absent: there is no such controller. */
  readonly artifacts?: ArtifactsOptions;
  readonly machines?: {
    /** For what is on its way to hosts; by default beside the store of artifacts. */
    readonly folder?: string;
    /** How often settled machines are compared with their goal; 5 min by default. */
    readonly driftEveryMs?: number;
    /** How long a machine's service must run to count as running; 3 s by default. */
    readonly stableMs?: number;
  };
  /** Work only while no other process with the same Lease does. Absent: there is no other. */
  readonly leaderElection?: LeaderElectionSettings & {
    /** Begins the identity in the Lease: the name of this machine. */
    readonly hostname: string;
  };
}

export interface Controllers {
  /** Resolves when all have ended after the signal aborted or close() was called; rejects when one could not go on. */
  readonly done: Promise<void>;
  /** Stops all of them and resolves when they have. */
  close(): Promise<void>;
}

interface Shared {
  readonly connection: Connection;
  readonly resolver: DigestResolver | undefined;
  readonly artifacts: ArtifactParts | undefined;
  /** Those, else a store for what machines are made of. */
  readonly downloads: ArtifactParts;
  /** Of Clusters, whichever controller works on their machines. */
  readonly limits: LimitGroups;
  readonly options: ControllersOptions;
}

type Add = (manager: Manager, shared: Shared) => void;

const CONTROLLERS: Readonly<Record<string, Add>> = {
  service: (manager, { resolver }) => addServiceController(manager, resolver),
  artifact(manager, { artifacts }) {
    if (artifacts === undefined)
      throw new Error('controller "artifact" needs a store: give artifacts');
    addArtifactController(manager, artifacts);
  },
  'infra-provider': addInfraProviderController,
  cluster: (manager, { options, artifacts, limits }) =>
    addClusterController(manager, {
      program: options.program ?? [],
      windlassVersion: options.windlassVersion,
      ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
      artifacts: hostArtifacts(manager, artifacts),
      hosts: providedHosts(manager),
      limits,
      workFolder: join(machinesFolder(options), 'members'),
    }),
  'machine-operation': (manager) => addMachineOperationController(manager, { ids: systemIds }),
  machine: addMachines,
  scheduler: addScheduler,
  namespace: addNamespaceController,
  'node-lifecycle': addNodeLifecycleController,
  disruption: addDisruptionController,
  'resource-quota': addQuotaController,
  'endpoint-slice': addEndpointSliceController,
  'endpoint-slice-mirroring': addEndpointSliceMirroringController,
  'garbage-collector': addGarbageCollector,
  'service-account': (manager, { connection }) =>
    addServiceAccountController(manager, textOf(connection.tls.ca)),
};

export const controllerNames: readonly string[] = Object.keys(CONTROLLERS);

/** Those of kinds that no other system knows. */
const OWN_KINDS: readonly string[] = [
  'service',
  'artifact',
  'infra-provider',
  'machine',
  'machine-operation',
  'cluster',
];

/**
 * Resolves as soon as the controllers run; they wait for the server by themselves, also when it is not there yet.
 *
 * @throws Error for a kubeconfig that cannot be used, a name that is no controller, or times of leader election that make no sense
 */
export async function startControllers(
  options: ControllersOptions,
  signal: AbortSignal,
): Promise<Controllers> {
  const { clock, logger, metrics, leaderElection } = options;
  const unknown = options.controllers?.find((name) => !Object.hasOwn(CONTROLLERS, name));
  if (unknown !== undefined)
    throw new Error(
      `Cannot start controller ${JSON.stringify(unknown)}: there are ${controllerNames.join(', ')}`,
    );
  const problem = leaderElection && leaderElectionProblem(leaderElection);
  if (problem !== undefined) throw new Error(`Cannot elect a leader: ${problem}`);
  const connection = await loadConnection(options.kubeconfig);
  const random = (): number => Number.parseInt(systemIds.hex(8), 16) / 2 ** 32;
  const client = new HttpClient({
    connection,
    clock,
    metrics,
    userAgent: 'windlass-controllers',
    random,
  });
  const shared = { client, clock, logger, random };
  const resolver =
    options.registries === undefined
      ? undefined
      : new RegistryDigestResolver({
          ...options.registries,
          client,
          clock,
          logger,
          userAgent: 'windlass-controllers',
        });
  const artifacts =
    options.artifacts === undefined
      ? undefined
      : new ArtifactParts({ ...options.artifacts, ...shared, metrics });
  const folder = join(machinesFolder(options), 'downloads');
  const downloads =
    artifacts ?? new ArtifactParts({ folder, files: [], environment: {}, ...shared, metrics });
  const work = async (lifetime: AbortSignal): Promise<void> => {
    const names = options.controllers ?? possible(await defaultNames(shared, lifetime), options);
    const limits = new LimitGroups();
    const manager = new Manager({ ...shared, ids: systemIds, metrics });
    for (const name of names)
      CONTROLLERS[name]?.(manager, { connection, resolver, artifacts, downloads, limits, options });
    await manager.run(lifetime);
  };
  const closing = new AbortController();
  const lifetime = AbortSignal.any([signal, closing.signal]);
  const done = runAndDispose(
    leaderElection === undefined
      ? work(lifetime)
      : lead(
          {
            ...shared,
            ...leaderElection,
            identity: `${leaderElection.hostname}_${systemIds.uuid()}`,
          },
          work,
          lifetime,
        ),
    [client, resolver, downloads].filter((part) => part !== undefined),
    lifetime,
  );
  // Whoever waits for `done` sees the error; nobody has to.
  done.catch((error: unknown) => logger.error('Controllers ended', { error }));
  return {
    done,
    async close() {
      closing.abort(new Error('controllers are closing'));
      await done.catch(() => undefined);
    },
  };
}

function machinesFolder({ artifacts, machines = {} }: ControllersOptions): string {
  const base = artifacts === undefined ? tmpdir() : dirname(artifacts.folder);
  return machines.folder ?? join(base, 'machines');
}

function addMachines(manager: Manager, { options, artifacts, downloads, limits }: Shared): void {
  const { registries, machines = {} } = options;
  const { folder: _, ...times } = machines;
  const hosts = providedHosts(manager);
  addMachineController(manager, {
    ...times,
    openHost: openMachineHost(manager, hosts),
    hosts,
    artifacts: hostArtifacts(manager, artifacts),
    fetcher: downloads.fetcher,
    workFolder: machinesFolder(options),
    limits,
    ...(registries === undefined ? {} : { registries }),
  });
}

function providedHosts({ client, clock, ids }: Manager): ProvidedHosts {
  return new ProvidedHosts(client, { clock, ids, simWorlds: new Map() });
}

function hostArtifacts({ client }: Manager, artifacts: ArtifactParts | undefined): HostArtifacts {
  return artifacts === undefined ? noArtifacts : artifactsForHosts(client, artifacts.bring);
}

async function defaultNames(
  options: ServerKindOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (await isOwnServer(options, signal)) return controllerNames;
  options.logger.info('The server is not one of Windlass: what it has controllers for is its own', {
    controllers: OWN_KINDS.join(' '),
  });
  await warnWithoutKinds(options, signal);
  return OWN_KINDS;
}

/** Without those that need what was not given. */
function possible(names: readonly string[], { artifacts }: ControllersOptions): readonly string[] {
  return artifacts === undefined ? names.filter((name) => name !== 'artifact') : names;
}

async function runAndDispose(
  running: Promise<void>,
  parts: readonly AsyncDisposable[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await running;
  } catch (error) {
    // Stopped before it began.
    if (error !== signal.reason) throw error;
  } finally {
    for (const part of parts) await part[Symbol.asyncDispose]();
  }
}

function textOf(authority: Connection['tls']['ca']): string {
  const parts = authority === undefined ? [] : Array.isArray(authority) ? authority : [authority];
  return parts.map((part) => part.toString()).join('\n');
}
