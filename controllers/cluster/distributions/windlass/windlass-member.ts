// A machine of a Windlass cluster: a node of its provider that runs our own control plane or agent.
import type { Clock } from '#platform/clock.ts';
import { windlassVersionOf } from '#platform/kubernetes-version.ts';
import { throwFirstFailure } from '../../../infrastructure/each-node.ts';
import type { NodeInfo, Provider } from '../../../infrastructure/provider.ts';
import type { Client } from '../../../machinery/client-types.ts';
import { cordonNode, findNode, uncordonNode } from '../../../machinery/cordon.ts';
import { drainNode } from '../../../machinery/drain-node.ts';
import type { DrainedNode } from '../../../machinery/drain-node.ts';
import type { DrainSettings } from '../../../machinery/drain-settings.ts';
import { ConnectionError, isNotFound, RequestError } from '../../../machinery/request-error.ts';
import { NODES } from '../../../machinery/resources.ts';
import type { Member, MemberDriver, Missing, Situation } from '../../member-driver.ts';
import type { NodeView } from '../../observed.ts';
import { isSameVersion } from '../../versions.ts';
import { OPTIONS_ANNOTATION } from '../../types.ts';
import { isController } from '../../wanted-machines.ts';
import { sharesState } from '../../shared-state.ts';
import {
  commandElsewhere,
  commandOf,
  controllersOf,
  environmentOf,
  PORT_ANNOTATION,
  portOffset,
  portOf,
} from './windlass-commands.ts';
import type { Joining, WindlassConfiguration } from './windlass-commands.ts';

export interface WindlassMemberOptions {
  readonly member: Member;
  readonly provider: Provider;
  readonly configuration: WindlassConfiguration;
  readonly clock: Clock;
  /** Of the API of this cluster, once that answers; undefined where it cannot be reached from here. */
  readonly clusterClient: (signal: AbortSignal) => Promise<(Client & AsyncDisposable) | undefined>;
  /** Of nodes that are machines of their own, and are handed how to join; throws NotYetError while there is no server to join. */
  readonly joining?: (signal: AbortSignal) => Promise<Joining>;
  /** Where nodes of the cluster may have joined, the place for the next one first; empty while that is not known. */
  readonly homes: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Keeps something of this node on its Machine, before it is made. */
  readonly remember: (annotation: string, value: string, signal: AbortSignal) => Promise<void>;
  /** Of the program that nodes run, where that is known beforehand. */
  readonly programVersion: string | undefined;
  /** Version of Windlass that the API server at this URL says it is; undefined when it does not say. */
  readonly versionOf: (url: string, signal: AbortSignal) => Promise<string | undefined>;
  /** Whether the API server at this URL says that it is ready. */
  readonly isReady: (url: string, signal: AbortSignal) => Promise<boolean>;
}

/** On the Machine of a worker: what `homes` calls the place where it joined. */
const HOME_ANNOTATION = 'windlass.dev/joined-at';

interface Identity {
  readonly name: string;
  readonly uid: string;
}

export class WindlassMember implements MemberDriver {
  readonly #options: WindlassMemberOptions;
  #installed: string | undefined;
  #home: string | undefined;
  #address = '127.0.0.1';
  #client: (Client & AsyncDisposable) | undefined;

  constructor(options: WindlassMemberOptions) {
    this.#options = options;
    this.#home = options.member.machine.metadata.annotations?.[HOME_ANNOTATION];
  }

  get nodeName(): string {
    return this.#options.member.machine.metadata.name;
  }

  get endpoint(): string | undefined {
    const { member, configuration } = this.#options;
    if (!isController(member.role) || configuration.program.length === 0) return undefined;
    return `https://${this.#address}:${portOf(member, configuration)}`;
  }

  async look(signal: AbortSignal): Promise<Situation> {
    const { member, provider } = this.#options;
    const node = await this.#find(signal);
    if (node === undefined) return { isInstalled: false, isRunning: false, differences: [] };
    [this.#address = '127.0.0.1'] = node.addresses ?? [];
    const { installedVersion, runningVersion } = member.machine.status ?? {};
    const isRunning = node.state === provider.readyState;
    const seen = isRunning ? await this.#seenVersion(signal) : undefined;
    const isAstray = await this.#isAstray(signal);
    // A server that is just starting says nothing; what it was the last time holds until it does.
    const running = seen ?? this.#installed ?? runningVersion ?? installedVersion;
    const installed = seen ?? this.#installed ?? installedVersion;
    return {
      isInstalled: true,
      isRunning,
      ...(installed === undefined ? {} : { installedVersion: installed }),
      ...(running === undefined ? {} : { runningVersion: running }),
      differences: [...this.#differences(), ...(isAstray ? ['server'] : [])],
    };
  }

  prepare(): Promise<void> {
    const { member, configuration, programVersion } = this.#options;
    commandOf(member, configuration);
    const { version } = member;
    if (programVersion !== undefined && !isSameVersion(version ?? programVersion, programVersion))
      throw new Error(
        `spec.version is ${version ?? ''}, and the program that nodes run is windlass ${programVersion}: name one of that version in spec.distributionOptions.configuration.program`,
      );
    return Promise.resolve();
  }

  async cordon(signal: AbortSignal): Promise<void> {
    await this.#withNode(
      ({ client, name }) => cordonNode(client, name, this.#mark, signal),
      signal,
    );
  }

  async drain(settings: DrainSettings, signal: AbortSignal): Promise<void> {
    await this.#withNode(async (node) => {
      // It hears of no eviction any more. It is made anew, and what was on it goes with it.
      if ((await this.#isAstray(signal)) && !(await isHeard(node, signal))) return;
      await drainNode(node, settings, signal);
    }, signal);
  }

  async uncordon(signal: AbortSignal): Promise<void> {
    await this.#withNode(
      ({ client, name }) => uncordonNode(client, name, this.#mark, signal),
      signal,
    );
  }

  async stop(signal: AbortSignal): Promise<void> {
    if ((await this.#find(signal)) === undefined) return;
    const { provider } = this.#options;
    throwFirstFailure(await provider.stopNodes(this.#cluster, signal, { nodes: [this.nodeName] }));
  }

  /** A worker keeps nothing that it does not get again: it is made anew. A controller keeps its state, and so its node; where the
   * provider can, that is told what to run from now on. */
  async install(signal: AbortSignal): Promise<void> {
    const { member, provider, configuration } = this.#options;
    const { metadata } = member.machine;
    // Before anything goes: who cannot join now stays what it is.
    const joining = await this.#options.joining?.(signal);
    const command =
      joining === undefined
        ? commandOf(member, configuration)
        : commandElsewhere(member, configuration, joining);
    const present = await this.#find(signal);
    if (present !== undefined && !isController(member.role))
      throwFirstFailure(
        await provider.deleteNodes(this.#cluster, signal, { nodes: [this.nodeName] }),
      );
    const [home = ''] = isController(member.role) ? [] : await this.#options.homes(signal);
    if (home !== '') {
      await this.#options.remember(HOME_ANNOTATION, home, signal);
      this.#home = home;
    }
    if (isController(member.role) && !configuration.isElsewhere)
      await this.#options.remember(PORT_ANNOTATION, String(portOffset(member)), signal);
    const request = {
      name: this.nodeName,
      machineUID: metadata.uid,
      pool: metadata.labels?.['windlass.dev/pool'] ?? '',
      role: member.role,
      ...(command === undefined ? {} : { command }),
      ...(joining === undefined ? {} : { environment: environmentOf(member, joining) }),
    };
    throwFirstFailure(await provider.createNodes(this.#cluster, [request], signal));
    // As long as what runs says nothing else.
    this.#installed = member.version;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { provider } = this.#options;
    throwFirstFailure(await provider.startNodes(this.#cluster, signal, { nodes: [this.nodeName] }));
  }

  async verify(version: 'wanted' | 'any', signal: AbortSignal): Promise<Missing | undefined> {
    const { member, provider, isReady } = this.#options;
    const node = await this.#find(signal);
    if (node === undefined) return { why: 'its node is not there' };
    if (node.state !== provider.readyState)
      return { why: `its node is ${node.state}`, hasEnded: true };
    [this.#address = '127.0.0.1'] = node.addresses ?? [];
    const { endpoint } = this;
    if (endpoint !== undefined && !(await isReady(endpoint, signal)))
      return (await this.#standsBy(signal))
        ? undefined
        : { why: `${endpoint}/readyz does not say ok yet` };
    if (version === 'wanted' && endpoint !== undefined)
      this.#compare(await this.#versionAt(endpoint, signal));
    if (member.role !== 'worker') return undefined;
    const context = await this.#node(signal);
    if (context === undefined) return undefined;
    let found: NodeView | undefined;
    try {
      found = await findNode<NodeView>(context.client, context.name, signal);
    } catch (error) {
      const why = whySilent(error);
      if (why === undefined) throw error;
      return { why };
    }
    if (!isReadyNode(found)) return { why: `node ${this.nodeName} is not ready` };
    if (version === 'wanted') this.#compare(agentVersion(found));
    return undefined;
  }

  /** There is one version of what a node runs: what was there before is gone. */
  rollBack(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async leave(signal: AbortSignal): Promise<void> {
    await this.#withNode(async ({ client, name }) => {
      try {
        await client.delete(NODES, '', name, {}, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }, signal);
  }

  async reset(signal: AbortSignal): Promise<void> {
    if ((await this.#find(signal)) === undefined) return;
    const { provider } = this.#options;
    throwFirstFailure(
      await provider.deleteNodes(this.#cluster, signal, { nodes: [this.nodeName] }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }

  /** With one place for their state one of them serves, and the others wait for it, silently. */
  async #standsBy(signal: AbortSignal): Promise<boolean> {
    const { member, configuration, provider, isReady } = this.#options;
    if (!sharesState(member.flags)) return false;
    const nodes = await provider.listNodes(this.#cluster, signal);
    for (const name of controllersOf(member)) {
      const peer = nodes.find((node) => node.name === name && node.isOwned);
      if (name === this.nodeName || peer?.state !== provider.readyState) continue;
      const [address = '127.0.0.1'] = peer.addresses ?? [];
      const url = `https://${address}:${portOf(member, configuration, name)}`;
      if (await isReady(url, signal)) return true;
    }
    return false;
  }

  /** The server that it joined is none of the cluster's any more. */
  async #isAstray(signal: AbortSignal): Promise<boolean> {
    if (this.#home === undefined || isController(this.#options.member.role)) return false;
    const homes = await this.#options.homes(signal);
    return homes.length > 0 && !homes.includes(this.#home);
  }

  get #cluster(): Identity {
    const { name, uid } = this.#options.member.cluster.metadata;
    return { name, uid };
  }

  /** @throws Error when what serves is of another version: waiting will not change that */
  #compare(seen: string | undefined): void {
    const { version } = this.#options.member;
    if (seen === undefined) return;
    this.#installed = seen;
    if (version !== undefined && !isSameVersion(seen, version))
      throw new Error(
        `windlass ${seen} runs, not ${version}: spec.distributionOptions.configuration.program is of another version`,
      );
  }

  #versionAt(endpoint: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#options.versionOf(endpoint, signal);
  }

  /** What runs says itself which version it is; undefined where it cannot be asked, or says nothing yet. */
  async #seenVersion(signal: AbortSignal): Promise<string | undefined> {
    const { endpoint } = this;
    // Whoever has it follows the authority of the cluster, also where nobody else talks to its API.
    this.#client ??= await this.#options.clusterClient(signal);
    if (endpoint !== undefined) return this.#versionAt(endpoint, signal);
    try {
      const node = await this.#node(signal);
      return node && agentVersion(await findNode<NodeView>(node.client, node.name, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (whySilent(error) !== undefined) return undefined;
      throw error;
    }
  }

  /** What a node is made with is remembered where it was last seen to be done. */
  #differences(): readonly string[] {
    const { machine } = this.#options.member;
    const { goalHash, phase } = machine.status ?? {};
    const target = machine.metadata.annotations?.['windlass.dev/cluster-target'];
    const wasDone = goalHash !== undefined && phase === 'Ready';
    return wasDone && goalHash !== target && this.#installed === undefined
      ? [machine.metadata.annotations?.[OPTIONS_ANNOTATION] === undefined ? 'template' : 'options']
      : [];
  }

  /** By the UID of the Machine: a node of the same name may be of another life. */
  async #find(signal: AbortSignal): Promise<NodeInfo | undefined> {
    const { member, provider } = this.#options;
    const nodes = await provider.listNodes(this.#cluster, signal);
    return nodes.find(
      ({ machineUID, isOwned }) => isOwned && machineUID === member.machine.metadata.uid,
    );
  }

  /** In whose name it cordons. */
  get #mark(): string {
    return `machine/${this.#options.member.machine.metadata.name}`;
  }

  async #node(signal: AbortSignal): Promise<DrainedNode | undefined> {
    const { member, clock, clusterClient } = this.#options;
    if (member.role === 'controller') return undefined;
    this.#client ??= await clusterClient(signal);
    return this.#client && { client: this.#client, clock, name: this.nodeName };
  }

  async #withNode(
    work: (node: DrainedNode) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const node = await this.#node(signal);
    if (node !== undefined) await work(node);
  }
}

/** Why the cluster's API says nothing now; undefined for any other error. */
function whySilent(error: unknown): string | undefined {
  // Its server is just starting, or on another port than the one before.
  if (error instanceof ConnectionError) return error.message;
  if (error instanceof RequestError && error.code === 401)
    return `the cluster does not know its controllers any more: what its Secret for joining holds is of before (${error.message})`;
  return undefined;
}

async function isHeard({ client, name }: DrainedNode, signal: AbortSignal): Promise<boolean> {
  const found = await findNode<NodeView>(client, name, signal);
  return isReadyNode(found);
}

function isReadyNode(node: NodeView | undefined): boolean {
  const conditions = node?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** As the agent of the node says it in its status. */
function agentVersion(node: NodeView | undefined): string | undefined {
  return windlassVersionOf(node?.status?.nodeInfo?.kubeletVersion ?? '');
}
