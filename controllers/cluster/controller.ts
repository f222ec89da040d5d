// Wires the cluster controller: what it watches, which Cluster a change belongs to, and the loop of the machines that distributions
// drive themselves.
import type { HostArtifacts } from '../binaries/host-artifact.ts';
import type { LimitGroups } from '../hosts/work-limits.ts';
import { openInfraProvider } from '../infra-provider/open-infra-provider.ts';
import type { ProvidedHosts } from '../infra-provider/provided-host.ts';
import type { InfraProvider } from '../infra-provider/types.ts';
import type { SimWorld } from '../infrastructure/sim/sim-world.ts';
import { DISTRIBUTION_LABEL, isDistributionDriven } from '../machine/rollout-permit.ts';
import type { CacheView } from '../machinery/cache.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { Manager } from '../machinery/manager.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { ARTIFACTS, CLUSTERS, INFRA_PROVIDERS, MACHINES, NODES } from '../machinery/resources.ts';
import { countPhases } from '../machinery/phase-metrics.ts';
import { readStatus } from './distributions/k0s/k0s-status.ts';
import { K0sOpener } from './distributions/k0s/open-k0s.ts';
import { ClusterKeyring } from './distributions/windlass/cluster-keys.ts';
import type { ClusterAuthorities } from './distributions/windlass/cluster-keys.ts';
import { openWindlass } from './distributions/windlass/open-windlass.ts';
import type { OpenedProvider } from './distributions/windlass/open-windlass.ts';
import { HostNotesReader } from './host-notes.ts';
import { MemberReconciler } from './member-reconciler.ts';
import type { NodeView } from './observed.ts';
import { ClusterReconciler } from './reconciler.ts';
import { CLUSTER_LABEL } from './types.ts';
import type { Cluster, Machine } from './types.ts';

interface ArtifactFacts {
  readonly digest?: string;
  readonly conditions?: readonly Condition[];
}

export interface ClusterControllerOptions {
  readonly artifacts: HostArtifacts;
  /** For pools whose machines a provider makes. */
  readonly hosts: ProvidedHosts;
  readonly limits: LimitGroups;
  /** Of this machine, for what is on its way to hosts. */
  readonly workFolder: string;
  /** Program and first arguments of windlass on this machine, for nodes that are processes of it. */
  readonly program?: readonly string[];
  /** Of that program. */
  readonly windlassVersion?: string | undefined;
  /** For clusters whose nodes are no processes of this machine; absent: whoever makes one hands over how they join. */
  readonly authorities?: ClusterAuthorities;
}

/** Something is under way elsewhere; a change of a Machine brings it back sooner. */
const AGAIN_MS = 15_000;
const SOON_MS = 2_000;
const TURN_MS = 500;
/** Hosts do not say when somebody changes them. */
const DRIFT_MS = 300_000;
/** Each may wait for a node to get empty. */
const MEMBERS_AT_A_TIME = 32;

export function addClusterController(manager: Manager, options: ClusterControllerOptions): void {
  const controllers = new ClusterControllers(manager, options);
  for (const loop of controllers.loops) manager.add(loop);
}

class ClusterControllers {
  readonly loops: readonly Controller[];
  readonly #manager: Manager;
  readonly #clusters: CacheView<Cluster>;
  readonly #machines: CacheView<Machine>;
  readonly #nodes: CacheView<NodeView>;
  readonly #simWorlds = new Map<string, SimWorld>();
  readonly #reconciler: ClusterReconciler;
  readonly #members: MemberReconciler;
  readonly #limits: LimitGroups;

  constructor(manager: Manager, options: ClusterControllerOptions) {
    this.#manager = manager;
    const { client, clock, ids, metrics, random } = manager;
    const clusters = manager.informer<Cluster>(CLUSTERS);
    const machines = manager.informer<Machine>(MACHINES, {
      indexers: { cluster: ({ metadata }) => clusterKeys(metadata.namespace, metadata.labels) },
    });
    const nodes = manager.informer<NodeView>(NODES);
    countPhases(metrics, {
      name: 'windlass_clusters',
      help: '[ALPHA] Clusters by phase.',
      phases: () => clusters.cache.list().map(({ status }) => status?.phase ?? ''),
    });
    [this.#clusters, this.#machines, this.#nodes] = [clusters.cache, machines.cache, nodes.cache];
    const events = manager.recorder('windlass-cluster-controller');
    this.#limits = options.limits;
    const k0s = new K0sOpener({ client, clock, ids, ...options });
    const notes = new HostNotesReader({
      clock,
      open: (machine, signal) =>
        // What a provider makes is made by whoever drives it, not by a look.
        machine.spec['connection'] === undefined || machine.spec['providerRef'] !== undefined
          ? Promise.resolve(undefined)
          : k0s.host(machine, signal),
      runningRole: async (host, signal) => (await readStatus(host, signal))?.role,
    });
    this.#reconciler = new ClusterReconciler({
      client,
      clock,
      events,
      notes: ({ spec }, own, signal) =>
        spec.distribution === 'K0s' ? notes.read(own, signal) : Promise.resolve(new Map()),
      infrastructure: { removeAll: (cluster, signal) => this.#removeAll(cluster, signal) },
    });
    const { authorities } = options;
    const windlass = {
      clock,
      metrics,
      random,
      program: options.program ?? [],
      windlassVersion: options.windlassVersion,
      keys: authorities && new ClusterKeyring({ client, clock, ids, authorities }),
      annotate: async (
        { metadata }: Machine,
        annotations: Readonly<Record<string, string>>,
        signal: AbortSignal,
      ) => {
        const { namespace = '', name } = metadata;
        const patch = { metadata: { annotations } };
        await client.patch(MACHINES, namespace, name, '', 'merge', patch, signal);
      },
      provider: (cluster: Cluster, signal: AbortSignal) => this.#provider(cluster, signal),
    };
    this.#members = new MemberReconciler({
      client,
      clock,
      events,
      open: (member, signal) =>
        member.cluster.spec.distribution === 'K0s'
          ? k0s.open(member, signal)
          : openWindlass(member, windlass, signal),
      // Of a Windlass cluster the provider's node is the machine itself.
      powerOff: async (machine, signal) => {
        if (isK0s(machine)) await k0s.powerOff(machine, signal);
      },
      removeHost: async (machine, signal) => {
        if (isK0s(machine)) await k0s.removeHost(machine, signal);
      },
    });
    const clusterLoop = this.#loop('cluster', 4, [clusters, machines, nodes], (key, signal) =>
      this.#reconcileCluster(key, signal),
    );
    const memberLoop = this.#loop(
      'cluster-member',
      MEMBERS_AT_A_TIME,
      [clusters, machines],
      (key, signal) => this.#reconcileMember(key, signal),
    );
    clusters.onChange(({ object }) => {
      clusterLoop.queue.add(keyOf(object));
    });
    machines.onChange(({ object, type }) => {
      for (const key of clusterKeys(object.metadata.namespace, object.metadata.labels)) {
        clusterLoop.queue.add(key);
        // Who had joined a controller that is gone looks for another one.
        if (type === 'Deleted')
          for (const peer of this.#machines.indexed('cluster', key))
            if (isDistributionDriven(peer)) memberLoop.queue.add(keyOf(peer));
      }
      if (isDistributionDriven(object)) memberLoop.queue.add(keyOf(object));
    });
    manager.informer<ApiObject>(ARTIFACTS).onChange((change) => {
      if (change.type === 'Updated' && isSameArtifact(change.previous, change.object)) return;
      const { name, namespace } = change.object.metadata;
      for (const machine of this.#machines.list(namespace))
        if (isDistributionDriven(machine) && isNamedBy(machine, name))
          memberLoop.queue.add(keyOf(machine));
    });
    nodes.onChange((change) => {
      // Heartbeats change a Node often; a rollout depends on these facts only.
      if (change.type === 'Updated' && factsOf(change.previous) === factsOf(change.object)) return;
      for (const machine of this.#machines.list())
        if (
          (machine.status?.nodeRef?.name ?? machine.metadata.name) === change.object.metadata.name
        )
          for (const key of clusterKeys(machine.metadata.namespace, machine.metadata.labels))
            clusterLoop.queue.add(key);
    });
    this.loops = [clusterLoop, memberLoop];
  }

  #loop(
    name: string,
    concurrency: number,
    waitFor: ConstructorParameters<typeof Controller>[0]['waitFor'],
    reconcile: ConstructorParameters<typeof Controller>[0]['reconcile'],
  ): Controller {
    const { clock, metrics, logger, random } = this.#manager;
    return new Controller({
      name,
      reconcile,
      waitFor,
      concurrency,
      clock,
      metrics,
      logger,
      random,
    });
  }

  async #reconcileCluster(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const cluster = this.#clusters.get(namespace, name);
    if (cluster === undefined) return DONE;
    const around = {
      machines: this.#machines.list(namespace),
      nodes: (node: string) => this.#nodes.get('', node),
    };
    const isUnderWay = await this.#reconciler.reconcile(cluster, around, signal);
    return isUnderWay ? { outcome: 'requeueAfter', delayMs: AGAIN_MS } : DONE;
  }

  async #reconcileMember(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const machine = this.#machines.get(namespace, name);
    if (machine === undefined || !isDistributionDriven(machine)) return DONE;
    const of = machine.metadata.labels?.[CLUSTER_LABEL] ?? '';
    const cluster = this.#clusters.get(namespace, of);
    const peers = this.#machines.indexed('cluster', `${namespace}/${of}`);
    const { operations } = this.#limits.of(`${namespace}/${of}`, cluster?.spec.concurrency ?? {});
    const again = await operations.tryRun(() =>
      this.#members.reconcile(machine, cluster, peers, signal),
    );
    // Whoever has no turn keeps none of the workers that others could use.
    if (again === undefined) return { outcome: 'requeueAfter', delayMs: TURN_MS };
    return { outcome: 'requeueAfter', delayMs: again === 'soon' ? SOON_MS : DRIFT_MS };
  }

  async #provider(
    { metadata, spec }: Cluster,
    signal: AbortSignal,
  ): Promise<OpenedProvider | undefined> {
    if (spec.providerRef === undefined) return undefined;
    const { client, clock, ids } = this.#manager;
    try {
      const object = await client.get<InfraProvider>(
        INFRA_PROVIDERS,
        metadata.namespace ?? '',
        spec.providerRef.name,
        signal,
      );
      const parts = { clock, ids, simWorlds: this.#simWorlds };
      const provider = await openInfraProvider(client, object, parts, signal);
      const { type, settings = {} } = object.spec;
      return {
        provider,
        stateDirectory: type === 'Local' ? settings['stateDirectory'] : undefined,
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Only what carries this cluster's full label; the provider sees to that. */
  async #removeAll(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    const opened = await this.#provider(cluster, signal);
    if (opened === undefined || !opened.provider.capabilities.includes('deleteNodes')) return [];
    const { name, uid } = cluster.metadata;
    const results = await opened.provider.deleteNodes({ name, uid }, signal);
    return results.flatMap(({ kind, name: what, outcome, error }) =>
      outcome === 'failed' ? [`${kind} ${what}: ${error?.message ?? 'failed'}`] : [],
    );
  }
}

function clusterKeys(
  namespace = '',
  labels: Readonly<Record<string, string>> = {},
): readonly string[] {
  const name = labels[CLUSTER_LABEL];
  return name === undefined ? [] : [`${namespace}/${name}`];
}

function isK0s({ metadata }: Machine): boolean {
  return metadata.labels?.[DISTRIBUTION_LABEL] === 'k0s';
}

function isSameArtifact(before: ApiObject, after: ApiObject): boolean {
  const facts = ({ metadata, status = {} }: ApiObject & { readonly status?: ArtifactFacts }) =>
    JSON.stringify([
      metadata.generation,
      status.digest,
      isConditionTrue(status.conditions, 'Ready'),
    ]);
  return facts(before) === facts(after);
}

/** In its artifacts or its files. */
function isNamedBy({ spec }: Machine, artifact: string): boolean {
  const { artifacts = [], files = [] } = spec as {
    readonly artifacts?: readonly { readonly name?: string }[];
    readonly files?: readonly { readonly artifact?: { readonly name?: string } }[];
  };
  return (
    artifacts.some(({ name }) => name === artifact) ||
    files.some((file) => file.artifact?.name === artifact)
  );
}

function factsOf({ metadata, spec, status }: NodeView): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return JSON.stringify([metadata.annotations, spec?.unschedulable, ready]);
}
