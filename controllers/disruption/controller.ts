// Keeps the status of PodDisruptionBudgets: how many Pods there should be, how many serve, how many may be evicted now. Evictions are
// granted by the server against that status; what it granted is in disruptedPods until the Pod is gone. A real cluster does this
// itself: there, this controller stays off.
import type { V1LabelSelector } from '@kubernetes/client-node';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { selectorMatches } from '../machinery/label-selector.ts';
import type { Manager } from '../machinery/manager.ts';
import { controllerOf } from '../machinery/owner-references.ts';
import type { OwnerReference } from '../machinery/owner-references.ts';
import { POD_DISRUPTION_BUDGETS, PODS, SERVICES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { count, disruptionsOf, isInstance, needsScale } from './judge.ts';
import type { BudgetPod, BudgetSpec, Counts, DisruptedPods } from './judge.ts';
import { BudgetMetrics } from './metrics.ts';
import { ScaleReader } from './scale-reader.ts';
import type { ScaledService } from './scale-reader.ts';

interface Budget extends ApiObject {
  readonly spec: BudgetSpec & { readonly selector?: V1LabelSelector };
  readonly status?: Partial<Counts> & {
    readonly observedGeneration?: number;
    readonly disruptedPods?: DisruptedPods;
    readonly conditions?: readonly Condition[];
  };
}

const CONDITION = 'DisruptionAllowed';

export function addDisruptionController(manager: Manager): void {
  manager.add(new DisruptionController(manager).loop);
}

class DisruptionController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #budgets: CacheView<Budget>;
  readonly #pods: CacheView<BudgetPod>;
  readonly #scales: ScaleReader;
  readonly #events: EventRecorder;
  readonly #metrics: BudgetMetrics;

  constructor(manager: Manager) {
    this.#manager = manager;
    const { clock, logger, metrics, random } = manager;
    const budgets = manager.informer<Budget>(POD_DISRUPTION_BUDGETS);
    const pods = manager.informer<BudgetPod>(PODS);
    const services = manager.informer<ScaledService>(SERVICES);
    this.#budgets = budgets.cache;
    this.#pods = pods.cache;
    this.#scales = new ScaleReader(manager.client, services.cache);
    this.#events = manager.recorder('windlass-disruption');
    this.#metrics = new BudgetMetrics(metrics);
    this.loop = new Controller({
      name: 'disruption',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [budgets, pods, services],
      clock,
      logger,
      metrics,
      random,
    });
    budgets.onChange(({ object }) => this.loop.queue.add(keyOf(object)));
    pods.onChange((change) => {
      this.#wake(change.object);
      // Labels that a Pod had may have been those of another budget.
      if (change.type === 'Updated') this.#wake(change.previous);
    });
    services.onChange(({ object }) => {
      if (this.#budgets.size === 0) return;
      const { namespace, uid } = object.metadata;
      const owned = this.#pods.list(namespace).filter((pod) => controllerOf(pod)?.uid === uid);
      for (const pod of owned) this.#wake(pod);
    });
  }

  #wake({ metadata: { namespace, labels = {} } }: ApiObject): void {
    if (this.#budgets.size === 0) return;
    for (const budget of this.#budgets.list(namespace))
      if (selectorMatches(budget.spec.selector, labels)) this.loop.queue.add(keyOf(budget));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const budget = this.#budgets.get(namespace, name);
    if (budget === undefined) {
      this.#metrics.remove(namespace, name);
      return DONE;
    }
    const pods = this.#pods
      .list(namespace)
      .filter((pod) => selectorMatches(budget.spec.selector, pod.metadata.labels ?? {}))
      .filter(isInstance);
    const { clock } = this.#manager;
    const granted = budget.status?.disruptedPods ?? {};
    const { disrupted, overdue, recheckMs } = disruptionsOf(granted, pods, clock.now());
    for (const pod of overdue)
      this.#events.record(
        PODS,
        pod,
        'Warning',
        'NotDeleted',
        `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`,
      );
    const scale = needsScale(budget.spec) ? await this.#scale(budget, pods, signal) : 0;
    await (typeof scale === 'number'
      ? this.#write(budget, count(budget.spec, scale, pods, disrupted), disrupted, signal)
      : this.#writeFailure(budget, scale.problem, signal));
    return recheckMs === undefined ? DONE : { outcome: 'requeueAfter', delayMs: recheckMs };
  }

  /** What the controllers of the Pods want together, each counted once; or why that cannot be known. */
  async #scale(
    budget: Budget,
    pods: readonly BudgetPod[],
    signal: AbortSignal,
  ): Promise<number | { readonly problem: string }> {
    const owners = new Map<string, OwnerReference>();
    let bare = 0;
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (owner === undefined) bare += 1;
      else owners.set(owner.uid, owner);
    }
    if (bare > 0)
      this.#events.record(
        POD_DISRUPTION_BUDGETS,
        budget,
        'Warning',
        'UnmanagedPods',
        'Pods selected by this PodDisruptionBudget have no controller that says how many there should be, and count as none; to account for them set ".spec.minAvailable" to a whole number',
      );
    let sum = 0;
    for (const owner of owners.values()) {
      const scale = await this.#scales.scaleOf(owner, budget.metadata.namespace ?? '', signal);
      if (scale === undefined)
        return { problem: `found no scale of ${owner.kind} ${owner.name} that controls its Pods` };
      sum += scale;
    }
    return sum;
  }

  async #write(
    budget: Budget,
    counts: Counts,
    disruptedPods: DisruptedPods,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = '', name, generation } = budget.metadata;
    this.#metrics.set(namespace, name, counts);
    const enough = counts.disruptionsAllowed > 0;
    await this.#writeStatus(
      budget,
      {
        ...counts,
        observedGeneration: generation,
        ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
      },
      {
        type: CONDITION,
        status: enough ? 'True' : 'False',
        reason: enough ? 'SufficientPods' : 'InsufficientPods',
        message: '',
      },
      signal,
    );
  }

  /** Nothing is known: nothing is allowed. The rest stays as it was last known. */
  async #writeFailure(budget: Budget, problem: string, signal: AbortSignal): Promise<void> {
    const { status, metadata } = budget;
    const before: Counts = {
      expectedPods: status?.expectedPods ?? 0,
      desiredHealthy: status?.desiredHealthy ?? 0,
      currentHealthy: status?.currentHealthy ?? 0,
      disruptionsAllowed: 0,
    };
    this.#metrics.set(metadata.namespace ?? '', metadata.name, before);
    const message = `Failed to calculate the number of expected pods: ${problem}`;
    if (status?.conditions?.find(({ type }) => type === CONDITION)?.message !== problem)
      this.#events.record(
        POD_DISRUPTION_BUDGETS,
        budget,
        'Warning',
        'CalculateExpectedPodCountFailed',
        message,
      );
    await this.#writeStatus(
      budget,
      {
        ...before,
        observedGeneration: metadata.generation,
        ...(status?.disruptedPods === undefined ? {} : { disruptedPods: status.disruptedPods }),
      },
      { type: CONDITION, status: 'False', reason: 'SyncFailed', message: problem },
      signal,
    );
  }

  /** On top of what was read: an eviction that was granted since is a conflict, and is counted the next time. */
  async #writeStatus(
    budget: Budget,
    fields: Omit<NonNullable<Budget['status']>, 'conditions' | 'observedGeneration'> & {
      readonly observedGeneration: number | undefined;
    },
    condition: Omit<Condition, 'lastTransitionTime'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#manager;
    const observed = budget.metadata.generation;
    const wanted =
      observed === undefined ? condition : { ...condition, observedGeneration: observed };
    const conditions = setConditions(
      budget.status?.conditions ?? [],
      [wanted],
      timestamp(clock.now()),
    );
    const status = { ...fields, conditions };
    if (sameStatus(status, budget.status ?? {})) return;
    await client.update(POD_DISRUPTION_BUDGETS, { ...budget, status }, 'status', signal);
  }
}

function sameStatus(a: object, b: object): boolean {
  const text = (status: object): string =>
    JSON.stringify(
      Object.entries(status).toSorted(([x], [y]) => (x < y ? -1 : 1)),
      inOrder,
    );
  return text(a) === text(b);
}

/** Objects with their fields in order: the server may send them in another. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1)));
}
