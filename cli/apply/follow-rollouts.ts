// Follows services and their instances through informers and tells what changes, for as long as the process runs.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { PODS, SERVICES } from '#controllers/machinery/resources.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { FromThread, ServiceSummary } from '../thread-messages.ts';
import { describeInstance, outcomeOf } from './rollout.ts';
import type { PodView, ServiceView } from './rollout.ts';

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

/** The services that `up` applied, by `namespace/name`. */
export class RolloutFollower {
  readonly #options: FollowOptions;
  readonly #followed = new Map<string, ServiceSummary>();
  readonly #outcomes = new Map<string, string>();
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
    void pods.run(signal);
    void services.run(signal);
    const cancel = clock.schedule(SETTLE_AT_LATEST_MS, () => this.#settle());
    signal.addEventListener('abort', cancel, { once: true });
    if (this.#followed.size === 0) this.#settle();
  }

  #onPod(isGone: boolean, pod: ApiObject & PodView): void {
    const { namespace = 'default', name, labels } = pod.metadata;
    if (!this.#followed.has(`${namespace}/${labels?.[SERVICE_LABEL] ?? ''}`)) return;
    const state = isGone ? 'gone' : describeInstance(pod);
    this.#options.tell({ type: 'line', key: name, text: `  ${name}  ${state}` });
  }

  #onService(service: ServiceObject): void {
    const { namespace = 'default', name, generation = 1 } = service.metadata;
    const key = `${namespace}/${name}`;
    if (!this.#followed.has(key)) return;
    const { clock, tell } = this.#options;
    const outcome = outcomeOf(service);
    const before = this.#outcomes.get(key);
    const now = `${outcome.state} ${generation}`;
    if (before === now) return;
    this.#outcomes.set(key, now);
    switch (outcome.state) {
      case 'rolling':
        if (before === undefined || before.startsWith('ready'))
          this.#startedAt.set(key, clock.monotonic());
        return;
      case 'ready': {
        const started = this.#startedAt.get(key);
        const seconds =
          started === undefined
            ? ''
            : ` after ${((clock.monotonic() - started) / 1000).toFixed(1)} s`;
        tell({
          type: 'line',
          key: `service ${key}`,
          text: `${name}: ${outcome.ready} of ${outcome.replicas} ready${seconds}`,
        });
        break;
      }
      case 'degraded':
        tell({ type: 'line', key: `service ${key}`, text: `${name}: ${outcome.message}` });
    }
    const all = [...this.#followed.keys()];
    if (all.every((one) => /^(ready|degraded)/.test(this.#outcomes.get(one) ?? ''))) this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.tell({ type: 'settled', services: [...this.#followed.values()] });
  }
}
