// A Provider out of a driver and a label scheme. Nothing is touched but what was just listed with all labels of ours, or what belongs
// to a foreign cluster that was adopted by its exact name.
import { backoffMs } from '#platform/backoff.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { getClusterStatusFromLister } from './cluster-status.ts';
import { eachNode } from './each-node.ts';
import type { NodeLimits } from './each-node.ts';
import { InvalidRequest, NoNodes, NotOwned, NotSupported, SkipAction } from './errors.ts';
import { NameTaken } from './infra-driver.ts';
import type { FoundNode, InfraDriver } from './infra-driver.ts';
import { LABELS, labelSchemeOf, nodeLabels } from './label-scheme.ts';
import type { Labels, LabelScheme } from './label-scheme.ts';
import { clusterNamesOf, inOrder } from './node-lists.ts';
import { actionable, isNodeOf } from './ownership.ts';
import type { Choice } from './ownership.ts';
import { clusterNameOf } from './provider.ts';
import type {
  Capability,
  ClusterIdentity,
  ClusterReference,
  ClusterStatus,
  NodeChoice,
  NodeInfo,
  NodeRequest,
  NodeResult,
  Provider,
} from './provider.ts';

const NAME_BACKOFF = { initialMs: 100, maximumMs: 2_000 };

export interface LabelledProviderOptions {
  readonly driver: InfraDriver;
  readonly clock: Clock;
  readonly limits: NodeLimits;
  /** One of `labelSchemeNames`; checked at the first call, so that a wrong one is an error of that. */
  readonly labelScheme: string;
  /** Names of foreign clusters that we may act on. */
  readonly adoptedClusters: readonly string[];
}

interface Listed {
  readonly info: NodeInfo;
  readonly found: FoundNode;
}

export class LabelledProvider implements Provider {
  readonly name: string;
  readonly readyState: string;
  readonly capabilities: readonly Capability[];
  readonly #options: LabelledProviderOptions;
  readonly #driver: InfraDriver;

  constructor(options: LabelledProviderOptions) {
    this.#options = options;
    this.#driver = options.driver;
    this.name = options.driver.name;
    this.readyState = options.driver.readyState;
    const isForeign = options.labelScheme !== 'windlass';
    this.capabilities = options.driver.capabilities.filter(
      (capability) => !isForeign || capability !== 'createNodes',
    );
  }

  isAvailable(): boolean {
    return this.#driver.isAvailable;
  }

  async listNodes(cluster: ClusterReference, signal: AbortSignal): Promise<readonly NodeInfo[]> {
    const listed = await this.#list(clusterFilter(this.#scheme(), cluster), signal);
    return inOrder(listed.map(({ info }) => info).filter((info) => isNodeOf(info, cluster)));
  }

  async listAllNodes(signal: AbortSignal): Promise<readonly NodeInfo[]> {
    return inOrder((await this.#list({}, signal)).map(({ info }) => info));
  }

  async listAllClusters(signal: AbortSignal): Promise<readonly string[]> {
    return clusterNamesOf(await this.listAllNodes(signal));
  }

  async nodesExist(cluster: ClusterReference, signal: AbortSignal): Promise<boolean> {
    return (await this.listNodes(cluster, signal)).length > 0;
  }

  async getClusterStatus(
    cluster: ClusterReference,
    signal: AbortSignal,
  ): Promise<ClusterStatus | null> {
    const counted = await getClusterStatusFromLister(this, cluster, this.readyState, signal);
    if (counted === null) return null;
    const known = await this.#driver.clusterStatus?.(clusterNameOf(cluster), signal);
    return { ...counted, ...known };
  }

  checkCredentials(signal: AbortSignal): Promise<void> {
    return this.#driver.checkCredentials(signal);
  }

  async createNodes(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    this.#mustHave('createNodes', 'create nodes');
    checkRequests(nodes);
    const labels = nodes.map((node) => nodeLabels(cluster, node));
    const wanted = nodes.map((node, index) => ({
      name: node.name,
      node,
      labels: labels[index] ?? {},
    }));
    const before = await this.#list({}, signal);
    const missing = nodes.filter((node) => machineOf(before, node) === undefined);
    if (missing.length > 0) await this.#driver.prepare(cluster, missing, signal);
    return eachNode(wanted, { ...this.#options, signal }, async ({ node, labels: own }, until) => {
      const present = machineOf(before, node);
      if (present === undefined) await this.#create(cluster, node, own, until);
      else await this.#adopt(cluster, node, present, until);
    });
  }

  /** As often as it takes until what has the name is seen: two that make the same node end with one. */
  async #create(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#driver.create(cluster, node, labels, signal);
        return;
      } catch (error) {
        if (!(error instanceof NameTaken)) throw error;
        if (error.labels !== undefined) this.#mustBeMachine(node, labels, error.labels);
      }
      const present = machineOf(await this.#list({}, signal), node);
      if (present !== undefined) return this.#adopt(cluster, node, present, signal);
      await sleep(this.#options.clock, backoffMs(attempt, NAME_BACKOFF, 0), signal);
    }
  }

  /** What lacks one of our labels is never listed, so that waiting for it would never end. @throws NotOwned */
  #mustBeMachine(node: NodeRequest, wanted: Labels, found: Labels): void {
    if (this.#scheme().nodeOf(found)?.machineUID === node.machineUID) return;
    const why =
      found[LABELS.machineUID] === node.machineUID
        ? `with the label of this machine, but without ${missingLabels(wanted, found).join(', ')}`
        : `without the label ${LABELS.machineUID}=${node.machineUID}`;
    throw new NotOwned(
      `${this.name} node ${JSON.stringify(node.name)}`,
      `something of that name is there ${why}`,
    );
  }

  async startNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice: NodeChoice = {},
  ): Promise<readonly NodeResult[]> {
    this.#mustHave('power', 'start nodes');
    return this.#act(cluster, choice, signal, async (node, own) => {
      if (node.state === this.readyState) throw new SkipAction('it runs');
      await this.#driver.start(node, own);
    });
  }

  async stopNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice: NodeChoice = {},
  ): Promise<readonly NodeResult[]> {
    this.#mustHave('power', 'stop nodes');
    return this.#act(cluster, choice, signal, async (node, own) => {
      if (this.#driver.stoppedStates.includes(node.state)) throw new SkipAction('it is stopped');
      await this.#driver.stop(node, own);
    });
  }

  async deleteNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice: NodeChoice = {},
  ): Promise<readonly NodeResult[]> {
    this.#mustHave('deleteNodes', 'delete nodes');
    const { targets, choice: chosen } = await this.#choose(cluster, choice, signal);
    const results = await eachNode(targets, { ...this.#options, signal }, (item, own) =>
      this.#driver.remove(item.found, own),
    );
    // What is gone already is as it should be.
    const gone = chosen.unknown.map(({ kind, name }): NodeResult => ({
      kind,
      name,
      outcome: 'skipped',
    }));
    const identity = identityOf(cluster, chosen.nodes);
    const isAll =
      choice.nodes === undefined && results.every(({ outcome }) => outcome !== 'failed');
    if (!isAll || identity === undefined) return [...results, ...gone];
    return [...results, ...gone, ...(await this.#driver.removeResources(identity, signal))];
  }

  /** @throws SkipAction when nothing is left to do. NotOwned when another cluster has it */
  async #adopt(
    cluster: ClusterIdentity,
    node: NodeRequest,
    { info, found }: Listed,
    signal: AbortSignal,
  ): Promise<void> {
    if (!isNodeOf(info, cluster))
      throw new NotOwned(
        `node ${info.name}`,
        `it has the UID of machine ${node.name} and is of cluster ${info.clusterName} (${info.clusterUID ?? ''})`,
      );
    await this.#driver.finish(found, node, signal);
  }

  async #act(
    cluster: ClusterReference,
    choice: NodeChoice,
    signal: AbortSignal,
    act: (node: FoundNode, signal: AbortSignal) => Promise<void>,
  ): Promise<readonly NodeResult[]> {
    const { targets, choice: chosen } = await this.#choose(cluster, choice, signal);
    if (targets.length === 0 && chosen.unknown.length === 0)
      throw new NoNodes(clusterNameOf(cluster));
    const results = await eachNode(targets, { ...this.#options, signal }, ({ found }, own) =>
      act(found, own),
    );
    return [...results, ...chosen.unknown];
  }

  async #choose(
    cluster: ClusterReference,
    choice: NodeChoice,
    signal: AbortSignal,
  ): Promise<{
    readonly targets: readonly (Listed & { readonly name: string })[];
    readonly choice: Choice;
  }> {
    const listed = await this.#list(clusterFilter(this.#scheme(), cluster), signal);
    const chosen = actionable(inOrder(listed.map(({ info }) => info)), cluster, choice);
    const foundOf = new Map(listed.map(({ info, found }) => [info, found]));
    const targets = chosen.nodes.flatMap((info) => {
      const found = foundOf.get(info);
      return found === undefined ? [] : [{ name: info.name, info, found }];
    });
    return { targets, choice: chosen };
  }

  async #list(filter: Labels, signal: AbortSignal): Promise<readonly Listed[]> {
    const scheme = this.#scheme();
    const found = await this.#driver.list({ [scheme.key]: '', ...filter }, signal);
    return found.flatMap((node) => {
      const info = this.#infoOf(node, scheme);
      return info === undefined ? [] : [{ info, found: node }];
    });
  }

  #infoOf(found: FoundNode, scheme: LabelScheme): NodeInfo | undefined {
    const labelled = scheme.nodeOf(found.labels);
    if (labelled === undefined) return undefined;
    const { addresses, serverType } = found;
    return {
      name: found.name,
      state: found.state,
      isOwned: !scheme.isForeign || this.#options.adoptedClusters.includes(labelled.clusterName),
      ...labelled,
      ...(addresses === undefined ? {} : { addresses }),
      ...(serverType === undefined ? {} : { serverType }),
    };
  }

  #scheme(): LabelScheme {
    return labelSchemeOf(this.#options.labelScheme);
  }

  #mustHave(capability: Capability, what: string): void {
    const scheme = this.#scheme();
    if (this.capabilities.includes(capability)) return;
    throw new NotSupported(
      this.name,
      scheme.isForeign ? `${what} of label scheme ${scheme.name}` : what,
    );
  }
}

function missingLabels(wanted: Labels, found: Labels): readonly string[] {
  return Object.keys(wanted).filter((key) => (found[key] ?? '') === '');
}

/** Only our own scheme names the label of the cluster; others filter by their key. */
function clusterFilter(scheme: LabelScheme, cluster: ClusterReference): Labels {
  const name = clusterNameOf(cluster);
  if (scheme.isForeign) return { [scheme.key]: name };
  return {
    [LABELS.cluster]: name,
    ...(typeof cluster === 'string' ? {} : { [LABELS.clusterUID]: cluster.uid }),
  };
}

function machineOf(listed: readonly Listed[], node: NodeRequest): Listed | undefined {
  return listed.find(({ info }) => info.machineUID === node.machineUID);
}

function checkRequests(nodes: readonly NodeRequest[]): void {
  for (const field of ['name', 'machineUID'] as const) {
    const values = nodes.map((node) => node[field]);
    const twice = values.find((value, index) => value === '' || values.indexOf(value) !== index);
    if (twice !== undefined)
      throw new InvalidRequest(`nodes: ${field} ${JSON.stringify(twice)} is empty or there twice`);
  }
}

/** Whose resources go with the nodes: by reference, or as the nodes say. */
function identityOf(
  cluster: ClusterReference,
  nodes: readonly NodeInfo[],
): ClusterIdentity | undefined {
  if (typeof cluster !== 'string') return cluster;
  const uid = nodes[0]?.clusterUID;
  return uid === undefined ? undefined : { name: cluster, uid };
}
