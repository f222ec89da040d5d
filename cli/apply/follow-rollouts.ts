// Follows services and their instances through informers and tells what changes, for as long as the process runs.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { EVENTS, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { FromThread, ServiceSummary } from '../thread-messages.ts';
import { ingressAddress, portOfWarning } from './ingress-address.ts';
import { lastWords } from './last-words.ts';
import { complaintOf, describeInstance, isFailing, isReady, outcomeOf } from './rollout.ts';
import type { IngressView, PodView, ServiceOutcome, ServiceView } from './rollout.ts';

const SERVICE_LABEL = 'windlass.dev/service';
/** Long enough for images and slow probes; the closing screen then comes in any case. */
const SETTLE_AT_LATEST_MS = 60_000;
/** An instance that is not ready after this time is explained, though it may still become so. */
const PATIENCE_MS = 10_000;

export interface FollowOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly tell: (message: FromThread) => void;
  /** The last lines of an instance's log. */
  readonly readLog: (pod: ApiObject & PodView, signal: AbortSignal) => Promise<string>;
}

interface Followed {
  readonly namespace: string;
  readonly name: string;
  readonly ingress: readonly IngressView[];
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
  readonly #followed = new Map<string, Followed>();
  readonly #services = new Map<string, ServiceObject>();
  /** By service, then by name. */
  readonly #pods = new Map<string, Map<string, ApiObject & PodView>>();
  /** What was told last. */
  readonly #told = new Map<string, string>();
  readonly #startedAt = new Map<string, number>();
  /** Text last told of an instance, by its name. */
  readonly #lines = new Map<string, string>();
  /** The generation whose trouble was explained: once is enough, three instances have the same. */
  readonly #explained = new Map<string, number>();
  readonly #patience = new Map<string, () => void>();
  /** By service, then by port: why it is not forwarded. */
  readonly #unforwarded = new Map<string, Map<number, string>>();
  #signal: AbortSignal = AbortSignal.abort();
  #settled = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Follows one more service. */
  follow(service: ServiceObject): void {
    const { namespace = 'default', name } = service.metadata;
    const ingress = service.spec?.ingress ?? [];
    this.#followed.set(`${namespace}/${name}`, { namespace, name, ingress });
  }

  /** Starts the informers; everything that was applied at start is known by then. Returns at once. */
  start(signal: AbortSignal): void {
    const { client, clock, logger, random } = this.#options;
    this.#signal = signal;
    const shared = { client, clock, logger, random };
    const pods = new Informer<ApiObject & PodView>({
      ...shared,
      resource: PODS,
      selectors: { labelSelector: SERVICE_LABEL },
    });
    const services = new Informer<ServiceObject>({ ...shared, resource: SERVICES });
    pods.onChange((change) => this.#onPod(change.type === 'Deleted', change.object));
    services.onChange((change) => {
      if (change.type === 'Deleted') this.#onDeleted(change.object);
      else this.#onService(change.object);
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
    this.#tellInstance(name, isGone ? 'gone' : describeInstance(pod));
    if (isGone) this.#lines.delete(name);
    else if (isFailing(pod)) this.#explain(key, pod);
    this.#judge(key);
  }

  #tellInstance(name: string, state: string): void {
    const text = `  ${name}  ${state}`;
    if (this.#lines.get(name) === text) return;
    this.#lines.set(name, text);
    this.#options.tell({ type: 'line', key: name, text });
  }

  #onDeleted({ metadata }: ServiceObject): void {
    const { namespace = 'default', name } = metadata;
    const key = `${namespace}/${name}`;
    if (!this.#followed.has(key)) return;
    this.#services.delete(key);
    this.#told.delete(key);
    this.#explained.delete(key);
    this.#endPatience(key);
    const text = `${name}: deleted; save its manifest to apply it again`;
    this.#options.tell({ type: 'say', text });
    this.#options.tell({ type: 'rest' });
  }

  /** Says once per generation why a rollout does not get on, and what to do. */
  #explain(key: string, pod: ApiObject & PodView): void {
    const followed = this.#followed.get(key);
    const generation = this.#services.get(key)?.metadata.generation;
    if (followed === undefined || generation === undefined) return;
    if (this.#explained.get(key) === generation) return;
    this.#explained.set(key, generation);
    const { tell, readLog } = this.#options;
    const { name } = pod.metadata;
    void readLog(pod, this.#signal)
      // An instance that never ran has no log; its state says why.
      .catch(() => '')
      .then((log) => {
        if (this.#signal.aborted) return;
        const state = isFailing(pod) ? describeInstance(pod) : complaintOf(pod);
        tell({ type: 'say', text: lastWords({ service: followed, pod: name, state, log }) });
        this.#settleIfStill();
      });
  }

  #endPatience(key: string): void {
    this.#patience.get(key)?.();
    this.#patience.delete(key);
  }

  #startPatience(key: string): void {
    this.#endPatience(key);
    const cancel = this.#options.clock.schedule(PATIENCE_MS, () => {
      this.#patience.delete(key);
      if (this.#signal.aborted) return;
      const pods = [...(this.#pods.get(key)?.values() ?? [])];
      const pod = pods.find((one) => one.metadata.deletionTimestamp === undefined && !isReady(one));
      if (pod !== undefined) this.#explain(key, pod);
    });
    this.#patience.set(key, cancel);
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
    const port = portOfWarning(message);
    if (reason.startsWith('Ingress')) {
      const troubles = this.#unforwarded.get(key) ?? new Map<number, string>();
      this.#unforwarded.set(key, troubles);
      // Words that name no port may mean each of them.
      const meant = port === undefined ? portsOf(service) : [port];
      for (const one of meant) troubles.set(one, message);
    }
    const text = `${service.name}: ${reason}: ${message}`;
    const line = `warning ${key} ${reason}`;
    // An event that is counted up once more is no news.
    if (this.#lines.get(line) === text) return;
    this.#lines.set(line, text);
    this.#options.tell({ type: 'line', key: line, text });
  }

  /** Tells when a service has become what its newest spec says, or cannot. */
  #judge(key: string): void {
    const { clock, tell } = this.#options;
    const outcome = this.#outcomeOf(key);
    if (outcome.state === 'rolling') {
      const rolling = `rolling ${this.#services.get(key)?.metadata.generation ?? ''}`;
      if (this.#told.get(key) !== rolling) {
        this.#startedAt.set(key, clock.monotonic());
        this.#startPatience(key);
      }
      this.#told.set(key, rolling);
      return;
    }
    this.#endPatience(key);
    const name = this.#followed.get(key)?.name ?? key;
    const seconds = (clock.monotonic() - (this.#startedAt.get(key) ?? clock.monotonic())) / 1000;
    const text =
      outcome.state === 'failed'
        ? `${name}: ${outcome.message}`
        : `${name}: ${outcome.ready} of ${outcome.desired} ready`;
    if (this.#told.get(key) === text) return;
    // At a start it may have been so before us: then there is no time to tell.
    const after = this.#told.get(key)?.startsWith('rolling')
      ? ` after ${seconds.toFixed(1)} s`
      : '';
    this.#told.set(key, text);
    tell({ type: 'line', key: `service ${key}`, text: `${text}${after}` });
    this.#settleIfStill();
  }

  /** When every service has become what it should be, or was said why not. */
  #settleIfStill(): void {
    const isStill = (key: string): boolean =>
      this.#outcomeOf(key).state !== 'rolling' || this.#isStuck(key);
    if (![...this.#followed.keys()].every(isStill)) return;
    if (this.#settled) this.#options.tell({ type: 'rest' });
    this.#settle();
  }

  #isStuck(key: string): boolean {
    return (
      this.#explained.has(key) &&
      this.#explained.get(key) === this.#services.get(key)?.metadata.generation
    );
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
    const services = [...this.#followed].map(([key, service]) => this.#summaryOf(key, service));
    this.#options.tell({ type: 'settled', services });
  }

  #summaryOf(key: string, service: Followed): ServiceSummary {
    const { namespace, name, ingress } = service;
    const unforwarded = this.#unforwarded.get(key);
    const isUp = [...(this.#pods.get(key)?.values() ?? [])].some(isReady);
    const troubles = portsOf(service).flatMap((port) => unforwarded?.get(port) ?? []);
    if (!isUp && this.#outcomeOf(key).state !== 'ready')
      troubles.unshift('none of its instances is ready, see above');
    return {
      namespace,
      name,
      addresses: isUp
        ? ingress.filter(({ port = 0 }) => unforwarded?.has(port) !== true).map(ingressAddress)
        : [],
      troubles,
    };
  }
}

function portsOf({ ingress }: Followed): readonly number[] {
  return [...new Set(ingress.flatMap(({ port }) => port ?? []))];
}
