// Nodes as containers of a Docker Engine: a network for each cluster, volumes and ports for each node.
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import {
  codeOf,
  connectTo,
  DEFAULT_HOST,
  ignoreCodes,
  reasonOf,
} from '#controllers/runtimes/docker-connection.ts';
import { prepareImage } from '#controllers/runtimes/docker-image.ts';
import { InfrastructureError, NotOwned, ProviderUnavailable, SkipAction } from '../errors.ts';
import { NameTaken } from '../infra-driver.ts';
import type { FoundNode, InfraDriver } from '../infra-driver.ts';
import { isResourceOf, LABELS, resourceLabels } from '../label-scheme.ts';
import type { Labels } from '../label-scheme.ts';
import type { ClusterIdentity, NodeRequest, NodeResult } from '../provider.ts';
import { containerOptions, foundContainer, volumeName } from './container.ts';
import { dockerSettings, imageOf } from './settings.ts';
import type { DockerSettings } from './settings.ts';

export interface DockerDriverOptions {
  /** As in DOCKER_HOST; absent: the socket where the Engine usually listens. */
  readonly endpoint?: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

export class DockerDriver implements InfraDriver {
  readonly name = 'docker';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates = ['created', 'exited', 'dead'];
  readonly capabilities = [
    'createNodes',
    'deleteNodes',
    'power',
    'networks',
    'volumes',
    'ports',
    'foreign',
    'nodeNames',
  ] as const;
  readonly #docker: Docker;
  readonly #endpoint: string;
  readonly #clock: Clock;
  readonly #settings: Readonly<Record<string, string>>;

  /** @throws Error for an endpoint of unknown form. InvalidRequest for settings */
  constructor({ endpoint = DEFAULT_HOST, settings, clock }: DockerDriverOptions) {
    this.#docker = connectTo(endpoint);
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#clock = clock;
    dockerSettings(settings);
  }

  async list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]> {
    const label = Object.entries(filter).map(([key, value]) =>
      value === '' ? key : `${key}=${value}`,
    );
    const containers = await this.#ask(signal, () =>
      this.#docker.listContainers({ all: true, filters: { label }, abortSignal: signal }),
    );
    if (!Array.isArray(containers))
      throw new ProviderUnavailable(
        'docker',
        'answered with something that is no list: is it an Engine?',
      );
    return containers.map(foundContainer);
  }

  async prepare(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<void> {
    const images = new Map(
      nodes.map((node) => {
        const settings = this.#of(node);
        return [imageOf(node, settings), settings.pullPolicy] as const;
      }),
    );
    await this.#ensureNetwork(cluster, signal);
    for (const [image, pullPolicy] of images)
      await this.#ask(signal, () =>
        prepareImage(
          this.#docker,
          {
            image,
            pullPolicy,
            logins: () => Promise.resolve([]),
            pulling: () => undefined,
            progress: () => undefined,
          },
          this.#clock,
          signal,
        ),
      );
  }

  async create(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    const network = await this.#ensureNetwork(cluster, signal);
    for (const { name } of node.volumes ?? [])
      await this.#ensureVolume(cluster, node, name, signal);
    const options = containerOptions(node, labels, network, this.#of(node));
    const container = await this.#ask(signal, () => this.#docker.createContainer(options)).catch(
      async (error: unknown) => {
        if (codeOf(innerOf(error)) !== 409) throw error;
        throw new NameTaken(reasonOf(innerOf(error)), await this.#labelsOf(node.name, signal));
      },
    );
    await this.#ask(signal, () => container.start());
  }

  /** Undefined also while the Engine only reserves the name. */
  async #labelsOf(name: string, signal: AbortSignal): Promise<Labels | undefined> {
    const inspect = (): Promise<Docker.ContainerInspectInfo | undefined> =>
      this.#docker.getContainer(name).inspect().catch(ignoreCodes(404));
    return (await this.#ask(signal, inspect))?.Config.Labels;
  }

  async finish(node: FoundNode, _request: NodeRequest, signal: AbortSignal): Promise<void> {
    // One that ever ran is `exited`: this one was made by somebody who did not live to start it.
    if (node.state !== 'created') throw new SkipAction('it was started');
    await this.start(node, signal);
  }

  async start(node: FoundNode, signal: AbortSignal): Promise<void> {
    const container = this.#docker.getContainer(node.id);
    // A frozen one does not serve, and cannot be started.
    if (node.state === 'paused') await this.#ask(signal, () => container.unpause());
    else await this.#ask(signal, () => container.start().catch(ignoreCodes(304)));
  }

  async stop(node: FoundNode, signal: AbortSignal): Promise<void> {
    const container = this.#docker.getContainer(node.id);
    await this.#ask(signal, () => container.stop().catch(ignoreCodes(304)));
  }

  async remove(node: FoundNode, signal: AbortSignal): Promise<void> {
    const container = this.#docker.getContainer(node.id);
    // 409: somebody else is removing it; that it is gone is what counts.
    await this.#ask(signal, () =>
      container.remove({ force: true, v: true }).catch(ignoreCodes(404, 409)),
    );
    await this.#ask(signal, () => container.wait({ condition: 'removed' }).catch(ignoreCodes(404)));
    const machineUID = node.labels[LABELS.machineUID];
    if (machineUID === undefined) return;
    const { Volumes } = await this.#ask(signal, () =>
      this.#docker.listVolumes({
        filters: JSON.stringify({
          label: [`${LABELS.machineUID}=${machineUID}`, `${LABELS.resource}=volume`],
        }),
      }),
    );
    for (const { Name } of Volumes)
      await this.#ask(signal, () => this.#docker.getVolume(Name).remove().catch(ignoreCodes(404)));
  }

  /** Volumes of nodes that are gone first, then the network. */
  async removeResources(
    cluster: ClusterIdentity,
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    const label = [`${LABELS.cluster}=${cluster.name}`, `${LABELS.clusterUID}=${cluster.uid}`];
    const filters = JSON.stringify({ label });
    const { Volumes } = await this.#ask(signal, () => this.#docker.listVolumes({ filters }));
    const networks = await this.#ask(signal, () => this.#docker.listNetworks({ filters }));
    const results: NodeResult[] = [];
    const take = async (
      kind: 'volume' | 'network',
      name: string,
      act: () => Promise<unknown>,
    ): Promise<void> => {
      try {
        await this.#ask(signal, () => act().catch(ignoreCodes(404)));
        results.push({ kind, name, outcome: 'done' });
      } catch (error) {
        signal.throwIfAborted();
        results.push({ kind, name, outcome: 'failed', error: error as Error });
      }
    };
    for (const { Name, Labels: labels } of Volumes)
      if (isResourceOf(labels, cluster, 'volume'))
        await take('volume', Name, () => this.#docker.getVolume(Name).remove());
    for (const { Id, Name, Labels: labels } of networks)
      if (isResourceOf(labels ?? {}, cluster, 'network'))
        await take('network', Name, () => this.#docker.getNetwork(Id).remove());
    return results;
  }

  async checkCredentials(signal: AbortSignal): Promise<void> {
    await this.#ask(signal, () => this.#docker.ping());
  }

  #of(node: NodeRequest): DockerSettings {
    return dockerSettings({ ...this.#settings, ...node.settings });
  }

  /** Id of the cluster's network. Names need not be unique to the Engine: one of ours counts, another one of that name is in the way. */
  async #ensureNetwork(cluster: ClusterIdentity, signal: AbortSignal): Promise<string> {
    const name = networkName(cluster);
    const present = await this.#ownNetwork(cluster, name, signal);
    if (present !== undefined) return present;
    const { subnet } = dockerSettings(this.#settings);
    try {
      const network = await this.#ask(signal, () =>
        this.#docker.createNetwork({
          Name: name,
          Driver: 'bridge',
          Labels: { ...resourceLabels(cluster, 'network') },
          ...(subnet === undefined
            ? {}
            : { IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] } }),
        }),
      );
      return network.id;
    } catch (error) {
      if (codeOf(innerOf(error)) !== 409) throw error;
      // Somebody was faster.
      const other = await this.#ownNetwork(cluster, name, signal);
      if (other === undefined) throw error;
      return other;
    }
  }

  /** @throws NotOwned */
  async #ownNetwork(
    cluster: ClusterIdentity,
    name: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const filters = JSON.stringify({ name: [name] });
    // The Engine's filter takes part of a name for the name.
    const named = (await this.#ask(signal, () => this.#docker.listNetworks({ filters }))).filter(
      ({ Name }) => Name === name,
    );
    const ours = named.find(({ Labels: labels }) => isResourceOf(labels ?? {}, cluster, 'network'));
    if (ours === undefined && named.length > 0)
      throw new NotOwned(
        `Docker network ${name}`,
        `it lacks the label ${LABELS.clusterUID}=${cluster.uid}`,
      );
    return ours?.Id;
  }

  async #ensureVolume(
    cluster: ClusterIdentity,
    node: NodeRequest,
    volume: string,
    signal: AbortSignal,
  ): Promise<void> {
    const name = volumeName(node, volume);
    const labels = { ...resourceLabels(cluster, 'volume'), [LABELS.machineUID]: node.machineUID };
    // Of that name there is one at most; the Engine answers with the one that was there, as it is.
    const { Labels: found } = await this.#ask(signal, async () => {
      await this.#docker.createVolume({ Name: name, Labels: labels });
      return this.#docker.getVolume(name).inspect();
    });
    const isOurs = isResourceOf(found ?? {}, cluster, 'volume');
    if (!isOurs || found?.[LABELS.machineUID] !== node.machineUID)
      throw new NotOwned(
        `Docker volume ${name}`,
        `it lacks the label ${LABELS.machineUID}=${node.machineUID}`,
      );
  }

  /** The Engine's answer, in its own words where it refuses. */
  async #ask<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof InfrastructureError) throw error;
      const { code } = error as { readonly code?: unknown };
      if (codeOf(error) === undefined && typeof code === 'string')
        throw new ProviderUnavailable(
          'docker',
          `no Engine answers at ${this.#endpoint}: ${code}`,
          error,
        );
      throw new InfrastructureError(`docker: ${reasonOf(error)}`, { cause: error });
    }
  }
}

/** Clusters of one name in two namespaces have two networks. */
export function networkName(cluster: ClusterIdentity): string {
  return `windlass-${cluster.name}-${cluster.uid.slice(0, 8)}`;
}

function innerOf(error: unknown): unknown {
  return error instanceof InfrastructureError && error.cause !== undefined ? error.cause : error;
}
