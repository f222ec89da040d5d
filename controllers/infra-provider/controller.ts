// Asks each InfraProvider at a steady pace whether it answers and what it has, and says so in its status. It changes nothing outside:
// clusters and machines do.
import { systemIds } from '#platform/id.ts';
import type { SimWorld } from '../infrastructure/sim/sim-world.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import { Deadline } from '../machinery/deadline.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { CLUSTERS, INFRA_PROVIDERS, MACHINES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { isPassing, judge } from './judge.ts';
import type { Answer } from './judge.ts';
import { ProviderMetrics } from './metrics.ts';
import { openInfraProvider } from './open-infra-provider.ts';
import type { InfraProvider, InfraProviderStatus } from './types.ts';

/** Between two looks at the same infrastructure, and up to a quarter more so that they do not come all at once. */
const RESYNC_MS = 60_000;
/** For one look. */
const ASK_TIMEOUT_MS = 45_000;

export function addInfraProviderController(manager: Manager): void {
  manager.add(new InfraProviderController(manager).loop);
}

class InfraProviderController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #providers: CacheView<InfraProvider>;
  /** Whose nodes are none of an orphan: Clusters, and Machines that are clusters by themselves. */
  readonly #owners: readonly CacheView<ApiObject>[];
  readonly #events: EventRecorder;
  readonly #metrics: ProviderMetrics;
  readonly #simWorlds = new Map<string, SimWorld>();

  constructor(manager: Manager) {
    this.#manager = manager;
    const { clock, logger, metrics, random } = manager;
    const providers = manager.informer<InfraProvider>(INFRA_PROVIDERS);
    const clusters = manager.informer<ApiObject>(CLUSTERS);
    const machines = manager.informer<ApiObject>(MACHINES);
    this.#providers = providers.cache;
    this.#owners = [clusters.cache, machines.cache];
    this.#events = manager.recorder('windlass-infra-provider');
    this.#metrics = new ProviderMetrics(metrics);
    this.loop = new Controller({
      name: 'infra-provider',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [providers, clusters, machines],
      concurrency: 4,
      clock,
      logger,
      metrics,
      random,
    });
    providers.onChange((change) => {
      // Our own writes of the status are no reason to ask again.
      const isOwn =
        change.type === 'Updated' &&
        change.previous.metadata.generation === change.object.metadata.generation;
      if (!isOwn) this.loop.queue.add(keyOf(change.object));
    });
    // Orphans are nodes of Clusters that are not there.
    clusters.onChange(({ type }) => {
      if (type === 'Updated') return;
      for (const provider of this.#providers.list()) this.loop.queue.add(keyOf(provider));
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const provider = this.#providers.get(namespace, name);
    if (provider === undefined) {
      this.#metrics.remove(namespace, name);
      this.#simWorlds.delete(key);
      return DONE;
    }
    const { clock, random } = this.#manager;
    const answer = await this.#ask(provider, signal);
    const owners = this.#owners.flatMap((cache) => cache.list());
    const uids = new Set(owners.map(({ metadata }) => metadata.uid));
    const before = provider.status ?? {};
    const { generation } = provider.metadata;
    const status = judge(answer, uids, before, generation, timestamp(clock.now()));
    this.#metrics.set(namespace, name, status);
    this.#tell(provider, status);
    await this.#write(provider, status, signal);
    if ('error' in answer && !isPassing(answer.error)) return DONE;
    return { outcome: 'requeueAfter', delayMs: Math.round(RESYNC_MS * (1 + random() / 4)) };
  }

  async #ask(object: InfraProvider, signal: AbortSignal): Promise<Answer> {
    const { client, clock } = this.#manager;
    const message = `no answer within ${ASK_TIMEOUT_MS / 1000} s`;
    const deadline = new Deadline(clock, ASK_TIMEOUT_MS, message, signal);
    try {
      const parts = { clock, ids: systemIds, simWorlds: this.#simWorlds };
      const provider = await openInfraProvider(client, object, parts, deadline.signal);
      await provider.checkCredentials(deadline.signal);
      const nodes = await provider.listAllNodes(deadline.signal);
      return { nodes, readyState: provider.readyState, capabilities: provider.capabilities };
    } catch (error) {
      signal.throwIfAborted();
      return { error };
    } finally {
      deadline.end();
    }
  }

  /** An event for each condition that changed its mind, and for orphans that were not there. */
  #tell(provider: InfraProvider, { conditions = [], orphans = [] }: InfraProviderStatus): void {
    for (const { type, status, reason, message } of conditions) {
      const before = provider.status?.conditions?.find((condition) => condition.type === type);
      if (type === 'Ready' || before?.status === status || status === 'Unknown') continue;
      if (before === undefined && status === 'True') continue;
      const kind = status === 'True' ? 'Normal' : 'Warning';
      this.#events.record(INFRA_PROVIDERS, provider, kind, reason, `${type}: ${message}`);
    }
    const known = new Set(provider.status?.orphans?.map(({ name }) => name));
    const found = orphans.filter(({ name }) => !known.has(name));
    if (found.length === 0) return;
    const names = found.slice(0, 10).map(({ name, cluster }) => `${name} of cluster ${cluster}`);
    const rest = found.length > 10 ? ` and ${found.length - 10} more` : '';
    this.#events.record(
      INFRA_PROVIDERS,
      provider,
      'Warning',
      'OrphansFound',
      `Nodes whose Cluster is not there: ${names.join(', ')}${rest}. They are left alone.`,
    );
  }

  async #write(
    provider: InfraProvider,
    status: InfraProviderStatus,
    signal: AbortSignal,
  ): Promise<void> {
    if (JSON.stringify(inOrder(status)) === JSON.stringify(inOrder(provider.status ?? {}))) return;
    const { namespace = '', name } = provider.metadata;
    const { client } = this.#manager;
    await client.patch(INFRA_PROVIDERS, namespace, name, 'status', 'merge', { status }, signal);
  }
}

/** Fields in order: the server may send them in another. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, inOrder(entry)]));
}
