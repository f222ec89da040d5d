// Wires the service controller: what it watches, which Service a change belongs to, and the order of one reconciliation: revision,
// plan, operations, status, history.
import type { CacheView } from '../machinery/cache.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { DigestResolver, ImageAnswer } from '../machinery/digest-resolver.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { nodeImagesOf } from '../machinery/image-holders.ts';
import type { NodeWithImages } from '../machinery/image-holders.ts';
import type { Manager } from '../machinery/manager.ts';
import { OwnWrites } from '../machinery/own-writes.ts';
import { nodeFacts } from '../machinery/node-fit.ts';
import type { SchedulableNode } from '../machinery/node-fit.ts';
import { controllerOf, controllerUIDs } from '../machinery/owner-references.ts';
import { isRefused } from '../machinery/request-error.ts';
import {
  CONTROLLER_REVISIONS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  SECRETS,
  SERVICES,
} from '../machinery/resources.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import type { Claim } from './claims.ts';
import { executePlan } from './execute-plan.ts';
import { failureDetails } from './failure-details.ts';
import { roomOf } from './node-room.ts';
import type { Pod } from './instance.ts';
import { pinImages } from './pin-images.ts';
import { planInput } from './plan-input.ts';
import { planService } from './plan.ts';
import type { Operation, Plan, PlanInput, RevisionFacts } from './plan-types.ts';
import { createRevision } from './create-revision.ts';
import { pruneRevisions } from './prune-revisions.ts';
import { hasClaims } from './revision-data.ts';
import { hashOf, revisionChange, revisionFacts } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import { resolveSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { ServiceMetrics } from './service-metrics.ts';
import { refusedStatus, serviceStatus } from './status.ts';
import { FAILURE_ANNOTATION, REVISION_LABEL, SERVICE_LABEL } from './types.ts';
import type { Service, ServiceStatus } from './types.ts';
import { writeStatus } from './write-status.ts';

type Node = ApiObject & SchedulableNode & NodeWithImages;

/** The cache is behind; what it lacks will come, and this is for when it does not. */
const LOOK_AGAIN: ReconcileResult = { outcome: 'requeueAfter', delayMs: 250 };

/** @param resolver finds out which bytes images stand for; without it, each node decides for itself */
export function addServiceController(manager: Manager, resolver?: DigestResolver): void {
  const controller = new ServiceController(manager, resolver);
  manager.add(controller.loop);
}

class ServiceController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #services: CacheView<Service>;
  readonly #pods: CacheView<Pod>;
  readonly #nodes: CacheView<Node>;
  readonly #revisions: CacheView<ControllerRevision>;
  readonly #claims: CacheView<Claim>;
  /** Metadata only: their content is nobody's business here. */
  readonly #secrets: CacheView<ApiObject>;
  readonly #events: EventRecorder;
  readonly #resolver: DigestResolver | undefined;
  /** Statuses; the cache shows them a moment later. */
  readonly #written = new OwnWrites<Service>();
  #watchingSince: number | undefined;

  constructor(manager: Manager, resolver: DigestResolver | undefined) {
    this.#manager = manager;
    this.#resolver = resolver;
    const services = manager.informer<Service>(SERVICES);
    const pods = manager.informer<Pod>(PODS, {
      indexers: { controller: controllerUIDs, node: nodeNames },
    });
    const nodes = manager.informer<Node>(NODES);
    const revisions = manager.informer<ControllerRevision>(CONTROLLER_REVISIONS, {
      indexers: { controller: controllerUIDs },
    });
    const claims = manager.informer<Claim>(PERSISTENT_VOLUME_CLAIMS);
    const secrets = manager.informer<ApiObject>(SECRETS, { selectors: { metadataOnly: true } });
    this.#services = services.cache;
    this.#pods = pods.cache;
    this.#nodes = nodes.cache;
    this.#revisions = revisions.cache;
    this.#claims = claims.cache;
    this.#secrets = secrets.cache;
    this.#events = manager.recorder('windlass-service-controller');
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'service',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [services, pods, nodes, revisions, claims, secrets],
      concurrency: 4,
      clock,
      metrics,
      logger,
      random,
    });
    const counted = new ServiceMetrics(metrics, services.cache);
    services.onChange((change) => {
      const { object } = change;
      counted.changed(change);
      if (change.type === 'Deleted') this.#written.forget(object);
      this.loop.queue.add(keyOf(object));
      this.#addNeighbours(object, ({ spec }) => spec.dependsOn?.includes(object.metadata.name));
    });
    claims.onChange(({ object }) => this.#addNeighbours(object, ({ spec }) => hasClaims(spec)));
    secrets.onChange(({ object }) =>
      this.#addNeighbours(object, ({ spec }) =>
        spec.secrets?.some(({ name, secretName = name }) => secretName === object.metadata.name),
      ),
    );
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

  /** Services of the same namespace that a change of something else matters to. */
  #addNeighbours(object: ApiObject, isConcerned: (service: Service) => boolean | undefined): void {
    for (const service of this.#services.list()) {
      if (service.metadata.namespace !== object.metadata.namespace) continue;
      if (isConcerned(service) === true) this.loop.queue.add(keyOf(service));
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { client } = this.#manager;
    const { namespace, name } = parseKey(key);
    const cached = this.#services.get(namespace, name);
    const service = cached && this.#written.newest(cached);
    // What a deleted service leaves is the garbage collector's.
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return DONE;
    const now = this.#manager.clock.now();
    this.#watchingSince ??= now;
    const settings = resolveSettings(service);
    if ('problem' in settings) {
      const refused = refusedStatus(service, settings.problem, now);
      await this.#writeStatus(service, refused, signal);
      return DONE;
    }
    const revisions = this.#revisions.indexed('controller', service.metadata.uid);
    const described = await this.#ensureRevision(service, revisions, now, signal);
    const target = await this.#pinned(service, described, revisions, now, signal);
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
    // What the server will not do now or later is no business of events alone, which are gone after an hour.
    const troubles = isRefused(problem) ? [problem.message, ...plan.troubles] : plan.troubles;
    const status = serviceStatus(service, planned, { ...plan, troubles }, target.revision);
    await this.#writeStatus(service, status, signal);
    if (problem !== undefined) throw problem;
    await pruneRevisions(client, settings.revisionHistoryLimit, all, planned, signal);
    return plan.wakeInMs === undefined
      ? DONE
      : // Times on the wire have whole seconds: a little later is never too early.
        { outcome: 'requeueAfter', delayMs: plan.wakeInMs + 50 };
  }

  async #writeStatus(service: Service, status: ServiceStatus, signal: AbortSignal): Promise<void> {
    const { client } = this.#manager;
    const answer = await writeStatus(client, this.#events, service, status, signal);
    if (answer !== undefined) this.#written.remember(service, answer);
  }

  #observe(
    service: Service,
    settings: Settings,
    target: RevisionFacts,
    revisions: readonly ControllerRevision[],
    now: number,
  ): PlanInput {
    const { namespace } = service.metadata;
    const isNear = ({ metadata }: ApiObject): boolean => metadata.namespace === namespace;
    return planInput({
      service,
      settings,
      target,
      currentRevision: service.status?.currentRevision,
      revisions,
      pods: this.#pods.indexed('controller', service.metadata.uid),
      nodes: new Map(this.#nodes.list().map((node) => [node.metadata.name, nodeFacts(node)])),
      claims: this.#claims.list().filter(isNear),
      services: this.#services.list().filter(isNear),
      room: roomOf(
        (name) => this.#nodes.get('', name),
        (name) => this.#pods.indexed('node', name),
      ),
      now,
      watchingSince: this.#watchingSince ?? now,
    });
  }

  async #pinned(
    service: Service,
    revision: ControllerRevision,
    revisions: readonly ControllerRevision[],
    now: number,
    signal: AbortSignal,
  ): Promise<ControllerRevision> {
    const resolver = this.#resolver;
    if (resolver === undefined) return revision;
    const { client } = this.#manager;
    const hash = hashOf(revision);
    const pods = this.#pods.indexed('controller', service.metadata.uid);
    const tell = ({ image, reason, isMissing }: ImageAnswer): void => {
      const type = isMissing ? 'Warning' : 'Normal';
      const message = `Image ${image} is not pinned to a digest: ${reason}`;
      this.#events.record(SERVICES, service, type, 'ImageNotPinned', message);
    };
    const options = {
      client,
      resolver,
      service,
      revision,
      revisions,
      nodes: this.#nodes.list().map(nodeImagesOf),
      isInUse: pods.some(({ metadata }) => metadata.labels?.[REVISION_LABEL] === hash),
      now,
      tell,
    };
    return pinImages(options, signal);
  }

  #secretVersions({ metadata, spec }: Service): ReadonlyMap<string, string> {
    return new Map(
      (spec.secrets ?? []).flatMap(({ name, secretName = name }) => {
        const secret = this.#secrets.get(metadata.namespace ?? '', secretName);
        if (secret === undefined) return [];
        const { uid, resourceVersion } = secret.metadata;
        return [[secretName, `${uid}/${resourceVersion}`] as const];
      }),
    );
  }

  async #ensureRevision(
    service: Service,
    existing: readonly ControllerRevision[],
    now: number,
    signal: AbortSignal,
  ): Promise<ControllerRevision> {
    const { client, logger } = this.#manager;
    const namespace = service.metadata.namespace ?? '';
    const change = revisionChange(service, existing, now, this.#secretVersions(service));
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
    const { client } = this.#manager;
    const message = await failureDetails(client, service, plan.failure, signal);
    await client.patch(
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
    if (!plan.operations.some(makesPod)) return true;
    const { name, namespace = '', uid } = service.metadata;
    const labelSelector = `${SERVICE_LABEL}=${name}`;
    const selectors = { namespace, labelSelector, metadataOnly: true };
    const { items } = await this.#manager.client.list(PODS, selectors, signal);
    const seen = new Set([...input.instances, ...input.hooks].map(({ uid }) => uid));
    return items.every((pod) => controllerOf(pod)?.uid !== uid || seen.has(pod.metadata.uid));
  }

  /** Carries out what the plan allows now. @returns the first error, after the other operations were tried */
  #execute(service: Service, plan: Plan, input: PlanInput, signal: AbortSignal): Promise<unknown> {
    const context = {
      client: this.#manager.client,
      service,
      settings: input.settings,
      target: input.target.hash,
      taken: new Set([...input.instances, ...input.hooks].map(({ name }) => name)),
      revisionOf: (hash: string) => input.revisions.get(hash),
      claims: input.claims,
      files: new Map(),
      tried: new Map(),
      now: input.now,
      signal,
    };
    return executePlan(plan.operations, context, {
      step: ({ reason, message }) => {
        this.#events.record(SERVICES, service, 'Normal', reason, message);
        this.#manager.logger.info(message, { service: keyOf(service), reason });
      },
      failure: (message) =>
        this.#events.record(SERVICES, service, 'Warning', 'OperationFailed', message),
    });
  }
}

function makesPod({ op, step }: Operation): boolean {
  return (step === 'create' || step === 'restore') && op !== 'createVolume';
}

function nodeNames({ spec }: Pod): readonly string[] {
  return spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName];
}
