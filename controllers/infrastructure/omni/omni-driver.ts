// Nodes as machines that Omni allocates to its clusters. Machines are registered with Omni by whoever has them: here they are taken
// and let go, never powered.
import type { Clock } from '#platform/clock.ts';
import {
  InfrastructureError,
  InvalidRequest,
  NotOwned,
  NotSupported,
  SkipAction,
} from '../errors.ts';
import { NameTaken } from '../infra-driver.ts';
import type { FoundNode, InfraDriver } from '../infra-driver.ts';
import { isResourceOf, LABELS, resourceLabels } from '../label-scheme.ts';
import type { Labels } from '../label-scheme.ts';
import type { ClusterIdentity, ClusterStatus, NodeRequest, NodeResult } from '../provider.ts';
import { waitUntil } from '../wait-until.ts';
import { stateOfMachine, statusOf } from './cluster-phase.ts';
import { collectOrphans, freeMachines, OMNI_LABELS } from './machines.ts';
import { hasCode, OMNI_TYPES, OmniClient } from './omni-client.ts';
import type { OmniResource } from './omni-client.ts';
import { checkCluster, isController, latestTalosVersion, omniSettings } from './omni-settings.ts';
import type { OmniSettings } from './omni-settings.ts';
import { OmniSigner } from './omni-signer.ts';

export interface OmniDriverOptions {
  readonly endpoint: string | undefined;
  /** OMNI_SERVICE_ACCOUNT_KEY. */
  readonly credentials: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** The name that the node was asked for by; Omni knows machines by ids of their own. */
const NAME_LABEL = 'windlass.dev/node-name';
const POLL_MS = 10_000;
const DAY_MS = 86_400_000;

export class OmniDriver implements InfraDriver {
  readonly name = 'omni';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates = ['powered_off'];
  readonly capabilities = ['createNodes', 'deleteNodes'] as const;
  readonly #client: OmniClient;
  readonly #clock: Clock;
  readonly #settings: OmniSettings;

  /** @throws InvalidRequest for settings and without endpoint or key. CredentialsRefused for a key of another form */
  constructor({ endpoint, credentials, settings, clock }: OmniDriverOptions) {
    if (endpoint === undefined || endpoint === '')
      throw new InvalidRequest(
        'spec.endpoint: endpoint required: give the URL of the Omni instance',
      );
    if (credentials === undefined)
      throw new InvalidRequest(
        'spec.credentialsSecretRef: key required: name a Secret with the OMNI_SERVICE_ACCOUNT_KEY',
      );
    this.#settings = omniSettings(settings);
    this.#clock = clock;
    this.#client = new OmniClient({ endpoint, clock, signer: new OmniSigner(credentials, clock) });
  }

  async list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]> {
    const nodes = await this.#client.list(OMNI_TYPES.machineSetNode, signal);
    const statuses = await this.#client.list(OMNI_TYPES.clusterMachineStatus, signal);
    const statusOfMachine = new Map(statuses.map((status) => [status.id, status]));
    return nodes
      .filter(({ labels }) => hasAll(labels, filter))
      .map((node) => foundNode(node, statusOfMachine.get(node.id)));
  }

  async clusterStatus(
    cluster: string,
    signal: AbortSignal,
  ): Promise<Pick<ClusterStatus, 'phase' | 'isReady' | 'endpoint'> | undefined> {
    const status = await this.#client.get(OMNI_TYPES.clusterStatus, cluster, signal);
    return statusOf(status, this.#client.endpoint);
  }

  async prepare(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<void> {
    const present = await this.#client.get(OMNI_TYPES.cluster, cluster.name, signal);
    if (present !== undefined && !isResourceOf(present.labels, cluster, 'cluster'))
      throw new NotOwned(
        `Omni cluster ${cluster.name}`,
        `it lacks the label ${LABELS.clusterUID}=${cluster.uid}`,
      );
    checkCluster(cluster, nodes, present !== undefined);
    await freeMachines(this.#client, nodes.length, this.#settings, signal);
    await this.#ensure(
      OMNI_TYPES.cluster,
      cluster.name,
      resourceLabels(cluster, 'cluster'),
      cluster,
      await this.#versions(signal),
      signal,
    );
    for (const isControl of [true, false]) {
      const labels = {
        ...resourceLabels(cluster, 'machineSet'),
        [OMNI_LABELS.cluster]: cluster.name,
        [isControl ? OMNI_LABELS.controller : OMNI_LABELS.worker]: '',
      };
      await this.#ensure(
        OMNI_TYPES.machineSet,
        machineSet(cluster, isControl),
        labels,
        cluster,
        { update_strategy: 1 },
        signal,
      );
    }
  }

  async create(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    const named = (await this.#client.list(OMNI_TYPES.machineSetNode, signal)).find(
      (other) => other.labels[NAME_LABEL] === node.name,
    );
    if (named !== undefined) throw new NameTaken(`${node.name} is there`, named.labels);
    const id = await this.#take(cluster, node, labels, signal);
    const same = (await this.list({ [LABELS.machineUID]: node.machineUID }, signal))
      .map((other) => other.id)
      .toSorted();
    // Two who made the same node at once: the lower id stays.
    if (same[0] !== id) {
      await this.#client.destroy(OMNI_TYPES.machineSetNode, id, signal);
      throw new NameTaken(`${node.name} was made by another at the same time`, labels);
    }
    await this.#runs(id, signal);
  }

  async finish(node: FoundNode, _request: NodeRequest, signal: AbortSignal): Promise<void> {
    if (node.state === this.readyState) throw new SkipAction('it runs');
    if (node.state === 'destroying')
      throw new InfrastructureError(`machine ${node.id} is being let go: try again when it is`);
    await this.#runs(node.id, signal);
  }

  start(): Promise<void> {
    return Promise.reject(new NotSupported(this.name, 'start nodes'));
  }

  stop(): Promise<void> {
    return Promise.reject(new NotSupported(this.name, 'stop nodes'));
  }

  remove(node: FoundNode, signal: AbortSignal): Promise<void> {
    return this.#client.destroy(OMNI_TYPES.machineSetNode, node.id, signal);
  }

  /** Sets of machines, the cluster, then what a crash left allocated to it. */
  async removeResources(
    cluster: ClusterIdentity,
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    const sets = (await this.#client.list(OMNI_TYPES.machineSet, signal)).filter(({ labels }) =>
      isResourceOf(labels, cluster, 'machineSet'),
    );
    for (const { id } of sets) await this.#client.destroy(OMNI_TYPES.machineSet, id, signal);
    const present = await this.#client.get(OMNI_TYPES.cluster, cluster.name, signal);
    const isOurs = present !== undefined && isResourceOf(present.labels, cluster, 'cluster');
    if (isOurs) await this.#client.destroy(OMNI_TYPES.cluster, cluster.name, signal);
    const orphans = await collectOrphans(this.#client, signal, cluster.uid);
    return [
      ...(isOurs ? [{ kind: 'cluster', name: cluster.name, outcome: 'done' } as const] : []),
      ...orphans.map((name) => ({ kind: 'node', name, outcome: 'done' }) as const),
    ];
  }

  async checkCredentials(signal: AbortSignal): Promise<void> {
    await this.#client.list(OMNI_TYPES.talosVersion, signal);
  }

  async #versions(signal: AbortSignal): Promise<object> {
    const { talosVersion, kubernetesVersion: kubernetes_version } = this.#settings;
    if (talosVersion !== 'latest') return { talos_version: talosVersion, kubernetes_version };
    const versions = (await this.#client.list(OMNI_TYPES.talosVersion, signal)).map(
      ({ id, spec }) => ({
        version: typeof spec['version'] === 'string' ? spec['version'] : id,
        isDeprecated: spec['deprecated'] === true,
      }),
    );
    return { talos_version: latestTalosVersion(versions), kubernetes_version };
  }

  /** @throws NotOwned */
  async #ensure(
    type: string,
    id: string,
    labels: Labels,
    cluster: ClusterIdentity,
    spec: object,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#client.create(type, id, labels, spec, signal);
    } catch (error) {
      if (!hasCode(error, 'AlreadyExists')) throw error;
      const present = await this.#client.get(type, id, signal);
      if (present?.labels[LABELS.clusterUID] !== cluster.uid)
        throw new NotOwned(
          `Omni resource ${type} ${id}`,
          `it lacks the label ${LABELS.clusterUID}=${cluster.uid}`,
        );
    }
  }

  /** @returns the id of a machine that was free */
  async #take(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<string> {
    const isControl = isController(node);
    const all = {
      ...labels,
      [NAME_LABEL]: node.name,
      [OMNI_LABELS.cluster]: cluster.name,
      [OMNI_LABELS.machineSet]: machineSet(cluster, isControl),
      [isControl ? OMNI_LABELS.controller : OMNI_LABELS.worker]: '',
    };
    for (;;) {
      const [id = ''] = await freeMachines(this.#client, 1, this.#settings, signal);
      try {
        await this.#client.create(OMNI_TYPES.machineSetNode, id, all, {}, signal);
        return id;
      } catch (error) {
        // Somebody took it: it is not free any more, and the next one is looked for.
        if (!hasCode(error, 'AlreadyExists')) throw error;
        const present = await this.#client.get(OMNI_TYPES.machineSetNode, id, signal);
        // It was us, and the answer was lost.
        if (present?.labels[LABELS.machineUID] === node.machineUID) return id;
      }
    }
  }

  /** The node's own deadline ends it. */
  #runs(id: string, signal: AbortSignal): Promise<void> {
    const options = {
      what: `machine ${id} runs`,
      timeoutMs: DAY_MS,
      pollMs: POLL_MS,
      clock: this.#clock,
      signal,
    };
    return waitUntil(options, async () => {
      const state = stateOfMachine(
        await this.#client.get(OMNI_TYPES.clusterMachineStatus, id, signal),
      );
      return state === this.readyState ? true : state;
    });
  }
}

function machineSet({ name }: ClusterIdentity, isControl: boolean): string {
  return `${name}-${isControl ? 'control-planes' : 'workers'}`;
}

function foundNode(node: OmniResource, status: OmniResource | undefined): FoundNode {
  const address = status?.spec['management_address'];
  return {
    id: node.id,
    name: node.labels[NAME_LABEL] ?? node.id,
    labels: node.labels,
    state: node.isTearingDown ? 'destroying' : stateOfMachine(status),
    addresses: typeof address === 'string' && address !== '' ? [address] : [],
  };
}

function hasAll(labels: Labels, filter: Labels): boolean {
  return Object.entries(filter).every(([key, value]) =>
    value === '' ? labels[key] !== undefined : labels[key] === value,
  );
}
