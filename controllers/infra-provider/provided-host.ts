// The host of a Machine that names an InfraProvider: found by the Machine's UID or made, switched on and off, removed with it.
import { join } from 'node:path';
import type { HostConnection } from '../hosts/host-connection.ts';
import { throwFirstFailure } from '../infrastructure/each-node.ts';
import { InfrastructureError } from '../infrastructure/errors.ts';
import type { ProviderParts } from '../infrastructure/open-provider.ts';
import type {
  Capability,
  ClusterIdentity,
  NodeInfo,
  Provider,
} from '../infrastructure/provider.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { INFRA_PROVIDERS } from '../machinery/resources.ts';
import { openInfraProvider } from './open-infra-provider.ts';
import type { InfraProvider } from './types.ts';

/** Of a Machine, what decides about its host. */
export interface ProvidedMachine {
  readonly metadata: ApiObject['metadata'];
  readonly providerRef: { readonly name: string };
  readonly connection: HostConnection | undefined;
  readonly role: string;
}

/** There is no host to talk to, and why. */
export class NoHostError extends Error {
  override readonly name = 'NoHostError';
  /** One word in CamelCase. */
  readonly reason: string;
  /** It may be otherwise the next time, although nothing was changed. */
  readonly isPassing: boolean;

  constructor(reason: string, message: string, isPassing: boolean) {
    super(message);
    this.reason = reason;
    this.isPassing = isPassing;
  }
}

export interface HostWishes {
  /** It may be made where it is not there. */
  readonly mayCreate: boolean;
  /** It is to run. */
  readonly mayStart: boolean;
}

const CLUSTER_LABEL = 'windlass.dev/cluster';
const CLUSTER_UID_LABEL = 'windlass.dev/cluster-uid';
const POOL_LABEL = 'windlass.dev/pool';
/** Of what belongs to no Cluster. */
const NO_POOL = 'machine';
const LASTING = [
  'InvalidRequest',
  'NotOwned',
  'NotSupported',
  'CredentialsRefused',
  'UnknownLabelScheme',
];

interface Opened {
  readonly provider: Provider;
  readonly object: InfraProvider;
}

export class ProvidedHosts {
  readonly #client: Pick<Client, 'get'>;
  readonly #parts: ProviderParts;

  constructor(client: Pick<Client, 'get'>, parts: ProviderParts) {
    this.#client = client;
    this.#parts = parts;
  }

  /**
   * How the host is reached, once it is there and runs; `off`: it does not run, and shall not.
   *
   * @throws NoHostError
   */
  async ensure(
    machine: ProvidedMachine,
    { mayCreate, mayStart }: HostWishes,
    signal: AbortSignal,
  ): Promise<HostConnection | 'off'> {
    const { provider, object } = await this.#open(machine, signal);
    return translated(provider, signal, async () => {
      if (!can(provider, 'createNodes')) return connectionOf(machine, object, undefined);
      const { metadata, role } = machine;
      const cluster = identityOf(metadata);
      const { name, uid: machineUID, labels } = metadata;
      let node = await find(provider, machine, signal);
      if (node?.state !== provider.readyState && mayStart && mayCreate) {
        const pool = labels?.[POOL_LABEL] ?? NO_POOL;
        // Whoever was interrupted between making it and telling finds it by its UID.
        throwFirstFailure(
          await provider.createNodes(cluster, [{ name, machineUID, pool, role }], signal),
        );
        node = await find(provider, machine, signal);
      }
      if (node === undefined) {
        if (!mayStart) return 'off';
        throw mayCreate
          ? new NoHostError(
              'NotSeen',
              `${provider.name} made the host and does not list it yet`,
              true,
            )
          : new NoHostError(
              'Paused',
              'its host is not there, and none is made while it is paused',
              true,
            );
      }
      if (node.state !== provider.readyState) {
        if (!mayStart) return 'off';
        if (can(provider, 'power'))
          throwFirstFailure(await provider.startNodes(cluster, signal, { nodes: [node.name] }));
      }
      return connectionOf(machine, object, node);
    });
  }

  /** Where the provider has power over it. @throws NoHostError */
  async stop(machine: ProvidedMachine, signal: AbortSignal): Promise<void> {
    const { provider } = await this.#open(machine, signal);
    if (!can(provider, 'power')) return;
    await translated(provider, signal, async () => {
      const node = await find(provider, machine, signal);
      if (node === undefined) return;
      const cluster = identityOf(machine.metadata);
      throwFirstFailure(await provider.stopNodes(cluster, signal, { nodes: [node.name] }));
    });
  }

  /** @returns false where the host is not the provider's to remove. @throws NoHostError */
  async remove(machine: ProvidedMachine, signal: AbortSignal): Promise<boolean> {
    const { provider } = await this.#open(machine, signal);
    if (!can(provider, 'deleteNodes') || !can(provider, 'createNodes')) return false;
    await translated(provider, signal, async () => {
      const { metadata } = machine;
      const cluster = identityOf(metadata);
      if (cluster.uid === metadata.uid) {
        // Networks and the like were made for it alone.
        throwFirstFailure(await provider.deleteNodes(cluster, signal));
        return;
      }
      const node = await find(provider, machine, signal);
      if (node === undefined) return;
      throwFirstFailure(await provider.deleteNodes(cluster, signal, { nodes: [node.name] }));
    });
    return true;
  }

  async #open({ metadata, providerRef }: ProvidedMachine, signal: AbortSignal): Promise<Opened> {
    const { namespace = '' } = metadata;
    const { name } = providerRef;
    let object: InfraProvider;
    try {
      object = await this.#client.get<InfraProvider>(INFRA_PROVIDERS, namespace, name, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new NoHostError(
        'NotFound',
        `spec.providerRef: InfraProvider ${namespace}/${name} is not there`,
        false,
      );
    }
    try {
      return {
        object,
        provider: await openInfraProvider(this.#client, object, this.#parts, signal),
      };
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      throw noHost(error, `InfraProvider ${name}`);
    }
  }
}

/** Of its Cluster; a machine of none is one by itself. */
function identityOf({ name, uid, labels = {} }: ApiObject['metadata']): ClusterIdentity {
  const cluster = labels[CLUSTER_LABEL];
  const clusterUID = labels[CLUSTER_UID_LABEL];
  return cluster === undefined || clusterUID === undefined
    ? { name, uid }
    : { name: cluster, uid: clusterUID };
}

/** By the UID of the Machine: something of the same name may be of another life. */
async function find(
  provider: Provider,
  { metadata }: ProvidedMachine,
  signal: AbortSignal,
): Promise<NodeInfo | undefined> {
  const nodes = await provider.listNodes(identityOf(metadata), signal);
  return nodes.find(({ machineUID, isOwned }) => isOwned && machineUID === metadata.uid);
}

function connectionOf(
  { connection }: ProvidedMachine,
  { metadata, spec }: InfraProvider,
  node: NodeInfo | undefined,
): HostConnection {
  if (connection === undefined) {
    const { stateDirectory } = spec.settings ?? {};
    if (spec.type === 'Local' && stateDirectory !== undefined && node !== undefined)
      return { type: 'LocalDir', localDir: { path: join(stateDirectory, node.name, 'data') } };
    throw new NoHostError(
      'NoConnection',
      `spec.connection: InfraProvider ${metadata.name} (${spec.type}) makes the host; say how to log in to it: type SSH with ssh.keySecretRef and ssh.hostKey, without an address`,
      false,
    );
  }
  if (connection.type !== 'SSH' || connection.ssh === undefined) return connection;
  if ((connection.ssh.address ?? '') !== '') return connection;
  const [address] = node?.addresses ?? [];
  if (address !== undefined) return { ...connection, ssh: { ...connection.ssh, address } };
  throw node === undefined
    ? new NoHostError(
        'NoAddress',
        `spec.connection.ssh.address: InfraProvider ${metadata.name} (${spec.type}) gives no addresses; say it here`,
        false,
      )
    : new NoHostError('NoAddress', `node ${node.name} has no address yet`, true);
}

function can(provider: Provider, capability: Capability): boolean {
  return provider.capabilities.includes(capability);
}

async function translated<T>(
  provider: Provider,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NoHostError) throw error;
    throw noHost(error, provider.name);
  }
}

function noHost(error: unknown, who: string): NoHostError {
  const reason = error instanceof InfrastructureError ? error.reason : 'InfrastructureFailed';
  const message = error instanceof Error ? error.message : String(error);
  return new NoHostError(reason, `${who}: ${message}`, !LASTING.includes(reason));
}
