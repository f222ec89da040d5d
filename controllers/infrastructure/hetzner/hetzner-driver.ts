// Nodes as servers of Hetzner Cloud, with a network, firewall and placement group for each cluster.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { SkipAction } from '../errors.ts';
import type { FoundNode, InfraDriver } from '../infra-driver.ts';
import { LABELS } from '../label-scheme.ts';
import type { Labels } from '../label-scheme.ts';
import type { ClusterIdentity, NodeRequest, NodeResult } from '../provider.ts';
import {
  attachFloatingIP,
  ensureFloatingIP,
  ensureResources,
  removeResources,
} from './cluster-resources.ts';
import { checkStock, createServer } from './create-server.ts';
import type { Server } from './create-server.ts';
import { HetznerClient } from './hetzner-client.ts';
import type { Action } from './hetzner-client.ts';
import { bootSource, filledIn, hetznerSettings, serverName } from './hetzner-settings.ts';
import type { HetznerSettings } from './hetzner-settings.ts';

export interface HetznerDriverOptions {
  readonly endpoint?: string;
  readonly token: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** On a server that is to boot from an ISO until it has. */
const BOOT_LABEL = 'windlass.dev/boot';
const POLL_MS = 2_000;

export class HetznerDriver implements InfraDriver {
  readonly name = 'hetzner';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates = ['off'];
  readonly capabilities = ['createNodes', 'deleteNodes', 'power', 'networks'] as const;
  readonly #client: HetznerClient;
  readonly #clock: Clock;
  readonly #raw: Readonly<Record<string, string>>;
  readonly #settings: HetznerSettings;

  /** @throws InvalidRequest for settings */
  constructor({ endpoint, token, settings, clock }: HetznerDriverOptions) {
    this.#client = new HetznerClient({
      token,
      clock,
      ...(endpoint === undefined ? {} : { endpoint }),
    });
    this.#clock = clock;
    this.#raw = settings;
    this.#settings = hetznerSettings(settings);
  }

  async list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]> {
    const terms = Object.entries(filter).map(([key, value]) =>
      value === '' ? key : `${key}=${value}`,
    );
    const query = `label_selector=${encodeURIComponent(terms.join(','))}`;
    const servers = await this.#client.list<Server>('/servers', 'servers', query, signal);
    return servers.map(foundServer);
  }

  async prepare(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const node of nodes) bootSource(this.#of(node), node);
    for (const { name } of nodes) serverName(name);
    await checkStock(this.#client, this.#settings, this.#clock, signal);
    await ensureResources(this.#client, cluster, this.#settings, signal);
  }

  async create(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    const settings = this.#of(node);
    const boot = bootSource(settings, node);
    const resources = await ensureResources(this.#client, cluster, settings, signal);
    const server = await createServer(
      this.#client,
      {
        ...settings,
        userData: filledIn(settings.userData, node.environment),
        ...resources,
        name: serverName(node.name),
        labels: 'iso' in boot ? { ...labels, [BOOT_LABEL]: 'pending' } : labels,
        boot,
      },
      this.#clock,
      signal,
    );
    if ('iso' in boot) await this.#bootFromISO(server.id, boot.iso, labels, signal);
    await this.#isListed(labels, signal);
    if (settings.hasFloatingIP && node.role.startsWith('controller')) {
      const floatingIP = await ensureFloatingIP(this.#client, cluster, settings, signal);
      if (floatingIP.server === null)
        await attachFloatingIP(this.#client, floatingIP, server.id, signal);
    }
  }

  async finish(found: FoundNode, node: NodeRequest, signal: AbortSignal): Promise<void> {
    const { [BOOT_LABEL]: pending, ...labels } = found.labels;
    const boot = bootSource(this.#of(node), node);
    if (pending === undefined || !('iso' in boot)) throw new SkipAction('it booted');
    await this.#bootFromISO(Number(found.id), boot.iso, labels, signal);
  }

  async start(node: FoundNode, signal: AbortSignal): Promise<void> {
    await this.#act(`/servers/${node.id}/actions/poweron`, signal);
    await this.#becomes(node, ['running'], signal);
  }

  /** Asked first; powered off when it does not hear. */
  async stop(node: FoundNode, signal: AbortSignal): Promise<void> {
    const powerOffAt = this.#clock.monotonic() + this.#settings.shutdownGraceMs;
    await this.#act(`/servers/${node.id}/actions/shutdown`, signal);
    let isOff = await this.#becomes(node, this.stoppedStates, signal, powerOffAt);
    if (!isOff) {
      await this.#act(`/servers/${node.id}/actions/poweroff`, signal);
      isOff = await this.#becomes(node, this.stoppedStates, signal);
    }
  }

  remove(node: FoundNode, signal: AbortSignal): Promise<void> {
    return this.#client.remove(`/servers/${node.id}`, signal);
  }

  removeResources(cluster: ClusterIdentity, signal: AbortSignal): Promise<readonly NodeResult[]> {
    return removeResources(this.#client, cluster, signal);
  }

  async checkCredentials(signal: AbortSignal): Promise<void> {
    await this.#client.ask('GET', '/servers?per_page=1', signal);
  }

  #of(node: NodeRequest): HetznerSettings {
    return hetznerSettings({ ...this.#raw, ...node.settings });
  }

  /** Each step may have been done by somebody who did not live to say so. */
  async #bootFromISO(id: number, iso: string, labels: Labels, signal: AbortSignal): Promise<void> {
    const { server } = await this.#client.ask<{ readonly server: Server }>(
      'GET',
      `/servers/${id}`,
      signal,
    );
    if (server.iso?.name !== iso)
      await this.#act(`/servers/${id}/actions/attach_iso`, signal, { iso });
    if (server.status === 'off') await this.#act(`/servers/${id}/actions/poweron`, signal);
    await this.#client.ask('PUT', `/servers/${id}`, signal, { labels });
  }

  async #act(path: string, signal: AbortSignal, body: object = {}): Promise<void> {
    const { action } = await this.#client.ask<{ readonly action: Action }>(
      'POST',
      path,
      signal,
      body,
    );
    await this.#client.finished([action], signal);
  }

  /** Lists lag behind: whoever asks after us shall see what we made. */
  async #isListed(labels: Labels, signal: AbortSignal): Promise<void> {
    const { [LABELS.machineUID]: machineUID = '' } = labels;
    const filter = { [LABELS.machineUID]: machineUID };
    while ((await this.list(filter, signal)).length === 0)
      await sleep(this.#clock, POLL_MS, signal);
  }

  /** False when it is not after `until`. */
  async #becomes(
    node: FoundNode,
    states: readonly string[],
    signal: AbortSignal,
    until = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    for (;;) {
      const { server } = await this.#client.ask<{ readonly server: Server }>(
        'GET',
        `/servers/${node.id}`,
        signal,
      );
      if (states.includes(server.status)) return true;
      if (this.#clock.monotonic() >= until) return false;
      await sleep(this.#clock, POLL_MS, signal);
    }
  }
}

function foundServer(server: Server): FoundNode {
  const { id, name, labels, status, public_net, private_net = [], server_type } = server;
  const address = public_net?.ipv4?.ip;
  return {
    id: String(id),
    name,
    labels,
    state: status,
    addresses: [...(address === undefined ? [] : [address]), ...private_net.map(({ ip }) => ip)],
    ...(server_type === undefined ? {} : { serverType: server_type.name }),
  };
}
