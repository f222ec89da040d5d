// Follows services and their instances through informers and tells what changes, for as long as the process runs.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { EVENTS, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { FromThread, ServiceSummary } from '../thread-messages.ts';
import { describeInstance, isReady, outcomeOf } from './rollout.ts';
import type { PodView, ServiceOutcome, ServiceView } from './rollout.ts';

const SERVICE_LABEL = 'windlass.dev/service';
/** Long enough for images and slow probes; the closing screen then comes in any case. */
const SETTLE_AT_LATEST_MS = 60_000;

export interface FollowOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly tell: (message: FromThread) => void;
}

type ServiceObject = ApiObject & ServiceView;
type EventObject = ApiObject & {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
  readonly involvedObject?: { readonly name?: string; readonly namespace?: string };
};

/** The services that `up` applied, by `namespace/name`. */
export class RolloutFollower {
  readonly #options: FollowOptions;
  readonly #followed = new Map<string, ServiceSummary>();
  readonly #services = new Map<string, ServiceObject>();
  /** By service, then by name. */
  readonly #pods = new Map<string, Map<string, ApiObject & PodView>>();
  /** What was told last. */
  readonly #told = new Map<string, string>();
  readonly #startedAt = new Map<string, number>();
  #settled = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Follows one more service. */
  follow(service: ServiceObject): void {
    const { namespace = 'default', name } = service.metadata;
    const ports = (service.spec?.ingress ?? []).flatMap(({ port }) => port ?? []);
    this.#followed.set(`${namespace}/${name}`, { namespace, name, ports });
  }

  /** Starts the informers; everything that was applied at start is known by then. Returns at once. */
  start(signal: AbortSignal): void {
    const { client, clock, logger, random } = this.#options;
    const shared = { client, clock, logger, random };
    const pods = new Informer<ApiObject & PodView>({
      ...shared,
      resource: PODS,
      selectors: { labelSelector: SERVICE_LABEL },
    });
    const services = new Informer<ServiceObject>({ ...shared, resource: SERVICES });
    pods.onChange((change) => this.#onPod(change.type === 'Deleted', change.object));
    services.onChange((change) => {
      if (change.type !== 'Deleted') this.#onService(change.object);
    });
    const events = new Informer<EventObject>({
      ...shared,
      resource: EVENTS,
      selectors: { fieldSelector: 'involvedObject.kind=Service,type=Warning' },
    });
    // Events have whole seconds; those of an earlier run are no news.
    const since = Math.floor(clock.now() / 1000) * 1000;
    events.onChange((change) => {
      if (change.type === 'Deleted') return;
      if (Date.parse(change.object.lastTimestamp ?? '') >= since) this.#onWarning(change.object);
    });
    void events.run(signal);
    void pods.run(signal);
    void services.run(signal);
    const cancel = clock.schedule(SETTLE_AT_LATEST_MS, () => this.#settle());
    signal.addEventListener('abort', cancel, { once: true });
    if (this.#followed.size === 0) this.#settle();
  }

  #onPod(isGone: boolean, pod: ApiObject & PodView): void {
    const { namespace = 'default', name, labels } = pod.metadata;
    const key = `${namespace}/${labels?.[SERVICE_LABEL] ?? ''}`;
    if (!this.#followed.has(key)) return;
    const pods = this.#pods.get(key) ?? new Map<string, ApiObject & PodView>();
    this.#pods.set(key, pods);
    if (isGone) pods.delete(name);
    else pods.set(name, pod);
    const state = isGone ? 'gone' : describeInstance(pod);
    this.#options.tell({ type: 'line', key: name, text: `  ${name}  ${state}` });
    this.#judge(key);
  }

  #onService(service: ServiceObject): void {
    const { namespace = 'default', name } = service.metadata;
    const key = `${namespace}/${name}`;
    if (!this.#followed.has(key)) return;
    this.#services.set(key, service);
    this.#judge(key);
  }

  #onWarning({ involvedObject, reason = '', message = '' }: EventObject): void {
    const key = `${involvedObject?.namespace ?? 'default'}/${involvedObject?.name ?? ''}`;
    const service = this.#followed.get(key);
    if (service === undefined) return;
    // What is not forwarded is nothing to send people to.
    if (reason.startsWith('Ingress')) this.#followed.set(key, { ...service, ports: [] });
    const text = `${service.name}: ${reason}: ${message}`;
    this.#options.tell({ type: 'line', key: `warning ${key} ${reason}`, text });
  }

  /** Tells when a service has become what its newest spec says, or cannot. */
  #judge(key: string): void {
    const { clock, tell } = this.#options;
    const outcome = this.#outcomeOf(key);
    if (outcome.state === 'rolling') {
      if (this.#told.get(key) !== 'rolling') this.#startedAt.set(key, clock.monotonic());
      this.#told.set(key, 'rolling');
      return;
    }
    const name = this.#followed.get(key)?.name ?? key;
    const seconds = (clock.monotonic() - (this.#startedAt.get(key) ?? clock.monotonic())) / 1000;
    const text =
      outcome.state === 'failed'
        ? `${name}: ${outcome.message}`
        : `${name}: ${outcome.ready} of ${outcome.desired} ready`;
    if (this.#told.get(key) === text) return;
    // At a start it may have been so before us: then there is no time to tell.
    const after = this.#told.get(key) === 'rolling' ? ` after ${seconds.toFixed(1)} s` : '';
    this.#told.set(key, text);
    tell({ type: 'line', key: `service ${key}`, text: `${text}${after}` });
    const isSettled = (one: string): boolean => this.#outcomeOf(one).state !== 'rolling';
    if ([...this.#followed.keys()].every(isSettled)) this.#settle();
  }

  /** The controller's view, held against the instances: after a restart of ours its view is that of before. */
  #outcomeOf(key: string): ServiceOutcome {
    const service = this.#services.get(key);
    const outcome: ServiceOutcome =
      service === undefined ? { state: 'rolling' } : outcomeOf(service);
    if (outcome.state !== 'ready') return outcome;
    const ready = [...(this.#pods.get(key)?.values() ?? [])].filter(isReady).length;
    return ready < outcome.desired ? { state: 'rolling' } : outcome;
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.tell({ type: 'settled', services: [...this.#followed.values()] });
  }
}
