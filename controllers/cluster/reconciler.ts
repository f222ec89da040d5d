// One reconciliation of a Cluster: observe, plan, decide, write down what was decided, and only then do it. Needs nothing but the API,
// so that tests can put one in memory, with faults, in its place.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '../machinery/resources.ts';
import { applySteps } from './apply-steps.ts';
import { ignoredFields } from './ignored-fields.ts';
import { isOwnMachine } from './observed.ts';
import { planInput } from './plan-input.ts';
import type { Surroundings } from './plan-input.ts';
import { decideRollout } from './plan-rollout.ts';
import type { ClusterPlan, HostNotes, PlanInput, RolloutDecision } from './plan-types.ts';
import { planCluster } from './plan.ts';
import { resolveSettings } from './settings.ts';
import type { ClusterSettings } from './settings.ts';
import { clusterStatus, refusedStatus } from './status.ts';
import { newestVersion } from './targets.ts';
import { tearDown } from './tear-down.ts';
import type { Infrastructure } from './tear-down.ts';
import { CLUSTER_FINALIZER, ENDPOINT_ANNOTATION } from './types.ts';
import type { Cluster, ClusterStatus, Machine } from './types.ts';
import { writeStatus } from './write-status.ts';

export interface ReconcilerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  /** What the hosts of these Machines say of themselves. Absent: nobody asks them. */
  readonly notes?: (
    cluster: Cluster,
    machines: readonly Machine[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, HostNotes>>;
  /** Whether the API of the cluster answers; absent: nobody can tell. */
  readonly isApiReady?: (cluster: Cluster, signal: AbortSignal) => Promise<boolean>;
  readonly infrastructure?: Infrastructure;
}

interface Decided {
  readonly input: PlanInput;
  readonly plan: ClusterPlan;
  readonly decision: RolloutDecision;
  readonly status: ClusterStatus;
}

export class ClusterReconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** @returns whether to look again by itself: something is under way */
  async reconcile(cluster: Cluster, around: Surroundings, signal: AbortSignal): Promise<boolean> {
    const { client, clock, events } = this.#options;
    if (cluster.metadata.deletionTimestamp !== undefined)
      return tearDown({ ...this.#options, cluster, signal }, around.machines);
    if (await this.#ensureFinalizer(cluster, signal)) return false;
    const settings = resolveSettings(cluster);
    if ('problem' in settings) {
      const problem = { reason: 'InvalidSpec', message: settings.problem };
      await writeStatus(
        client,
        events,
        cluster,
        refusedStatus(cluster, problem, clock.now()),
        signal,
      );
      return false;
    }
    const seen = await this.#decide(cluster, settings, around, signal);
    if (!doesSomething(seen.decision)) {
      await writeStatus(client, events, cluster, seen.status, signal);
      return seen.plan.items.length > 0;
    }
    // Caches are late, and a budget must not be spent twice: what is done is decided on what the server itself says.
    await this.#decideAndDo(cluster, settings, around, signal);
    return true;
  }

  async #decideAndDo(
    { metadata }: Cluster,
    settings: ClusterSettings,
    { nodes }: Surroundings,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, events } = this.#options;
    const { name, namespace = '', uid, generation } = metadata;
    const cluster = await client.get<Cluster>(CLUSTERS, namespace, name, signal);
    if (cluster.metadata.uid !== uid || cluster.metadata.generation !== generation) return;
    const machines = (await client.list<Machine>(MACHINES, { namespace }, signal)).items;
    const { input, decision, status } = await this.#decide(
      cluster,
      settings,
      { machines, nodes },
      signal,
    );
    // First of all it is written down: whoever comes after a crash must know what was begun.
    await writeStatus(client, events, cluster, status, signal);
    await applySteps(decision, {
      client,
      cluster,
      input,
      machines: new Map(
        machines
          .filter((machine) => isOwnMachine(machine, cluster))
          .map((machine) => [machine.metadata.name, machine]),
      ),
      version: newestVersion(input.observed),
      tell: ({ item }) =>
        events.record(
          CLUSTERS,
          cluster,
          'Normal',
          EVENT_REASONS[item.action],
          `${item.machine}: ${item.reason}`,
        ),
      signal,
    });
  }

  async #decide(
    cluster: Cluster,
    settings: ClusterSettings,
    { machines, nodes }: Surroundings,
    signal: AbortSignal,
  ): Promise<Decided> {
    const own = machines.filter((machine) => isOwnMachine(machine, cluster));
    const draft = planInput(cluster, settings, { machines, nodes });
    const input = await this.#withAnswers(draft, cluster, own, signal);
    const plan = planCluster(input);
    const decision = decideRollout(plan, input);
    const status = clusterStatus({
      cluster,
      input,
      plan,
      decision,
      endpoint: endpointOf(own),
      ignoredFields: ignoredFields(cluster, input.rules),
      now: this.#options.clock.now(),
    });
    return { input, plan, decision, status };
  }

  /** Hosts are asked only when something is to be done to them: answers take time. */
  async #withAnswers(
    draft: PlanInput,
    cluster: Cluster,
    own: readonly Machine[],
    signal: AbortSignal,
  ): Promise<PlanInput> {
    const { notes, isApiReady } = this.#options;
    const isIdle = planCluster(draft).items.length === 0;
    if (isIdle || draft.settings.powerState === 'Stopped') return draft;
    return {
      ...draft,
      notes: notes === undefined ? draft.notes : await notes(cluster, own, signal),
      isApiReady: isApiReady === undefined ? true : await isApiReady(cluster, signal),
    };
  }

  async #ensureFinalizer(cluster: Cluster, signal: AbortSignal): Promise<boolean> {
    const { name, namespace = '', finalizers = [], resourceVersion } = cluster.metadata;
    if (finalizers.includes(CLUSTER_FINALIZER)) return false;
    const metadata = { resourceVersion, finalizers: [...finalizers, CLUSTER_FINALIZER] };
    try {
      await this.#options.client.patch(
        CLUSTERS,
        namespace,
        name,
        '',
        'merge',
        { metadata },
        signal,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return true;
  }
}

const EVENT_REASONS = {
  create: 'CreatingMachine',
  update: 'UpdatingMachine',
  configure: 'ConfiguringMachine',
  repair: 'RepairingMachine',
  recreate: 'ReplacingMachine',
  delete: 'RemovingMachine',
  start: 'StartingMachine',
  stop: 'StoppingMachine',
} as const;

function doesSomething({ steps, revoked, retried }: RolloutDecision): boolean {
  return steps.length + revoked.length + retried.length > 0;
}

function endpointOf(machines: readonly Machine[]): string | undefined {
  for (const { metadata } of machines) {
    const endpoint = metadata.annotations?.[ENDPOINT_ANNOTATION];
    if (endpoint !== undefined) return endpoint;
  }
  return undefined;
}
