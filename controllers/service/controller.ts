// Wires the service controller: what it watches, which Service a change belongs to, and the order of one reconciliation: revision,
// plan, operations, status, history.
import type { CacheView } from '../machinery/cache.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { nodeFacts } from '../machinery/node-fit.ts';
import type { NodeObject } from '../machinery/node-fit.ts';
import { controllerOf, controllerUIDs } from '../machinery/owner-references.ts';
import { isNamespaceTerminating } from '../machinery/request-error.ts';
import { CONTROLLER_REVISIONS, NODES, PODS, SERVICES } from '../machinery/resources.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { execute } from './execute.ts';
import type { Pod } from './instance.ts';
import { planInput } from './plan-input.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput, RevisionFacts } from './plan-types.ts';
import { createRevision } from './create-revision.ts';
import { hashOf, obsoleteRevisions, revisionChange, revisionFacts } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import { resolveSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { refusedStatus, serviceStatus } from './status.ts';
import { FAILURE_ANNOTATION, SERVICE_LABEL } from './types.ts';
import type { Service, ServiceStatus } from './types.ts';

type Node = ApiObject & NodeObject;

/** The cache is behind; what it lacks will come, and this is for when it does not. */
const LOOK_AGAIN: ReconcileResult = { outcome: 'requeueAfter', delayMs: 250 };

export function addServiceController(manager: Manager): void {
  const controller = new ServiceController(manager);
  manager.add(controller.loop);
}

class ServiceController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #services: CacheView<Service>;
  readonly #pods: CacheView<Pod>;
  readonly #nodes: CacheView<Node>;
  readonly #revisions: CacheView<ControllerRevision>;
  readonly #events: EventRecorder;
  #watchingSince: number | undefined;

  constructor(manager: Manager) {
    this.#manager = manager;
    const services = manager.informer<Service>(SERVICES);
    const pods = manager.informer<Pod>(PODS, { indexers: { controller: controllerUIDs } });
    const nodes = manager.informer<Node>(NODES);
    const revisions = manager.informer<ControllerRevision>(CONTROLLER_REVISIONS, {
      indexers: { controller: controllerUIDs },
    });
    this.#services = services.cache;
    this.#pods = pods.cache;
    this.#nodes = nodes.cache;
    this.#revisions = revisions.cache;
    this.#events = manager.recorder('windlass-service-controller');
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'service',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [services, pods, nodes, revisions],
      concurrency: 4,
      clock,
      metrics,
      logger,
      random,
    });
    services.onChange(({ object }) => this.loop.queue.add(keyOf(object)));
    pods.onChange(({ object }) => this.#addOwner(object));
    revisions.onChange(({ object }) => this.#addOwner(object));
    nodes.onChange((change) => {
      // Heartbeats change a Node often; plans depend on these facts only.
      if (change.type === 'Updated') {
        const before = JSON.stringify(nodeFacts(change.previous));
        if (before === JSON.stringify(nodeFacts(change.object))) return;
      }
      for (const service of this.#services.list()) this.loop.queue.add(keyOf(service));
    });
  }

  #addOwner(object: ApiObject): void {
    const owner = controllerOf(object);
    if (owner?.kind !== SERVICES.kind || !owner.apiVersion.startsWith(`${SERVICES.group}/`)) return;
    this.loop.queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const service = this.#services.get(namespace, name);
    // What a deleted service leaves is the garbage collector's.
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return DONE;
    const now = this.#manager.clock.now();
    this.#watchingSince ??= now;
    const settings = resolveSettings(service);
    if ('problem' in settings) {
      await this.#writeStatus(service, refusedStatus(service, settings.problem, now), signal);
      return DONE;
    }
    const revisions = this.#revisions.indexed('controller', service.metadata.uid);
    const target = await this.#ensureRevision(service, revisions, now, signal);
    const facts = revisionFacts(target);
    if (facts === undefined) {
      throw new Error(`ControllerRevision ${target.metadata.name} holds no template`);
    }
    const all = [
      ...revisions.filter(({ metadata }) => metadata.uid !== target.metadata.uid),
      target,
    ];
    const input = this.#observe(service, settings, facts, all, now);
    const { plan, planned } = await this.#plan(service, target, input, signal);

    if (!(await this.#seesAll(service, plan, planned, signal))) return LOOK_AGAIN;
    const problem = await this.#execute(service, plan, planned, signal);
    await this.#writeStatus(
      service,
      serviceStatus(service, planned, plan, target.revision),
      signal,
    );
    if (problem !== undefined) throw problem;
    await this.#prune(service, settings, all, planned, signal);
    return plan.wakeInMs === undefined
      ? DONE
      : // Times on the wire have whole seconds: a little later is never too early.
        { outcome: 'requeueAfter', delayMs: plan.wakeInMs + 50 };
  }

  #observe(
    service: Service,
    settings: Settings,
    target: RevisionFacts,
    revisions: readonly ControllerRevision[],
    now: number,
  ): PlanInput {
    return planInput({
      settings,
      target,
      currentRevision: service.status?.currentRevision,
      revisions,
      pods: this.#pods.indexed('controller', service.metadata.uid),
      nodes: new Map(this.#nodes.list().map((node) => [node.metadata.name, nodeFacts(node)])),
      now,
      watchingSince: this.#watchingSince ?? now,
    });
  }

  async #ensureRevision(
    service: Service,
    existing: readonly ControllerRevision[],
    now: number,
    signal: AbortSignal,
  ): Promise<ControllerRevision> {
    const { client, logger } = this.#manager;
    const namespace = service.metadata.namespace ?? '';
    const change = revisionChange(service, existing, now);
    switch (change.change) {
      case 'none':
        return change.revision;
      case 'create':
        logger.info('Service has a new revision', { service: keyOf(service) });
        return createRevision(client, service, change.object, signal);
      case 'reactivate': {
        const { name } = change.revision.metadata;
        logger.info('Service returns to an earlier revision', {
          service: keyOf(service),
          revision: name,
        });
        return client.patch<ControllerRevision>(
          CONTROLLER_REVISIONS,
          namespace,
          name,
          '',
          'merge',
          change.patch,
          signal,
        );
      }
    }
  }

  /** Plans; a failure whose evidence the plan would remove is written down first, and planned with. */
  async #plan(
    service: Service,
    target: ControllerRevision,
    input: PlanInput,
    signal: AbortSignal,
  ): Promise<{ readonly plan: Plan; readonly planned: PlanInput }> {
    const plan = planService(input);
    if (plan.failure?.mark !== true) return { plan, planned: input };
    const { message } = plan.failure;
    await this.#manager.client.patch(
      CONTROLLER_REVISIONS,
      target.metadata.namespace ?? '',
      target.metadata.name,
      '',
      'merge',
      { metadata: { annotations: { [FAILURE_ANNOTATION]: message } } },
      signal,
    );
    this.#events.record(SERVICES, service, 'Warning', 'RolloutFailed', message);
    const planned = { ...input, target: { ...input.target, failure: message } };
    return { plan: planService(planned), planned };
  }

  /**
   * Before anything is made, the server itself is asked whether there are instances that the plan did not see: made by us a moment
   * ago, or by another controllers process. Together with names that follow from the decision, that keeps one decision one Pod.
   */
  async #seesAll(
    service: Service,
    plan: Plan,
    input: PlanInput,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!plan.operations.some(({ step }) => step === 'create')) return true;
    const { name, namespace = '', uid } = service.metadata;
    const labelSelector = `${SERVICE_LABEL}=${name}`;
    const selectors = { namespace, labelSelector, metadataOnly: true };
    const { items } = await this.#manager.client.list(PODS, selectors, signal);
    const seen = new Set(input.instances.map((instance) => instance.uid));
    return items.every((pod) => controllerOf(pod)?.uid !== uid || seen.has(pod.metadata.uid));
  }

  /** Carries out what the plan allows now. @returns the first error, after the other operations were tried */
  async #execute(
    service: Service,
    plan: Plan,
    input: PlanInput,
    signal: AbortSignal,
  ): Promise<unknown> {
    const context = {
      client: this.#manager.client,
      service,
      taken: new Set(input.instances.map(({ name }) => name)),
      templateOf: (revision: string) =>
        revision === input.target.hash ? input.target.template : input.templates.get(revision),
      signal,
    };
    let problem: unknown;
    for (const operation of plan.operations) {
      try {
        const step = await execute(operation, context);
        if (step === undefined) continue;
        this.#events.record(SERVICES, service, 'Normal', step.reason, step.message);
        this.#manager.logger.info(step.message, { service: keyOf(service), reason: step.reason });
      } catch (error) {
        if (signal.aborted) throw error;
        if (isNamespaceTerminating(error)) return undefined;
        const text = error instanceof Error ? error.message : String(error);
        this.#events.record(SERVICES, service, 'Warning', 'OperationFailed', text);
        problem ??= error;
      }
    }
    return problem;
  }

  async #writeStatus(service: Service, status: ServiceStatus, signal: AbortSignal): Promise<void> {
    if (canonical(service.status ?? {}) === canonical(status)) return;
    this.#announce(service, status);
    const { namespace = '', name, resourceVersion } = service.metadata;
    // A merge patch leaves alone what it does not name: what is gone must be named.
    const gone = Object.fromEntries(
      Object.keys(service.status ?? {})
        .filter((field) => !(field in status))
        .map((field) => [field, null]),
    );
    // Only on top of what was read: which revision is the proven one must never go back because somebody was late.
    const patch = { metadata: { resourceVersion }, status: { ...gone, ...status } };
    await this.#manager.client.patch(SERVICES, namespace, name, 'status', 'merge', patch, signal);
  }

  /** Events for what changed in the conditions. */
  #announce(service: Service, status: ServiceStatus): void {
    for (const condition of status.conditions ?? []) {
      if (condition.type !== 'Progressing') continue;
      const before = service.status?.conditions?.find(({ type }) => type === condition.type);
      if (before?.reason === condition.reason && before.message === condition.message) continue;
      if (condition.reason === 'RolledOut') {
        this.#events.record(SERVICES, service, 'Normal', 'RolledOut', condition.message);
      } else if (condition.status === 'False' && before?.reason !== condition.reason) {
        this.#events.record(SERVICES, service, 'Warning', condition.reason, condition.message);
      }
    }
  }

  async #prune(
    service: Service,
    settings: Settings,
    revisions: readonly ControllerRevision[],
    input: PlanInput,
    signal: AbortSignal,
  ): Promise<void> {
    const inUse = new Set([
      input.target.hash,
      ...(input.current === undefined ? [] : [input.current.hash]),
      ...input.instances.map(({ revision }) => revision),
    ]);
    for (const revision of obsoleteRevisions(revisions, inUse, settings.revisionHistoryLimit)) {
      const { namespace = '', name, uid } = revision.metadata;
      await this.#manager.client.delete(CONTROLLER_REVISIONS, namespace, name, { uid }, signal);
      this.#manager.logger.debug('Dropped an old revision', {
        service: keyOf(service),
        revision: hashOf(revision),
      });
    }
  }
}

/** Text that is the same for equal values, whatever order their fields came in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
