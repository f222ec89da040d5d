// Holds what the controllers of one process share: the client and one informer per kind. Controllers are built first, each asking
// for the informers it needs, then all run until the signal aborts.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { Indexers } from './cache.ts';
import type { ApiObject, ApiResource, Client, Selectors } from './client-types.ts';
import { EventRecorder } from './events.ts';
import { Informer } from './informer.ts';

export interface ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
}

/** Something that works until the signal aborts. */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface InformerRequest<T> {
  readonly selectors?: Selectors;
  readonly indexers?: Indexers<T>;
}

export class Manager implements ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
  /** Informers of different kinds; each is handed out only for the resource it was made for. */
  readonly #informers = new Map<string, Informer<ApiObject>>();
  readonly #recorders: EventRecorder[] = [];
  readonly #runnables: Runnable[] = [];

  constructor(options: ManagerOptions) {
    this.client = options.client;
    this.clock = options.clock;
    this.ids = options.ids;
    this.logger = options.logger;
    this.metrics = options.metrics;
    this.random = options.random;
  }

  /**
   * The shared informer of a kind. Indexers of later requests are added to those of earlier ones.
   *
   * T is the caller's word for what the server stores under `resource`.
   */
  informer<T extends ApiObject>(
    resource: ApiResource,
    request: InformerRequest<T> = {},
  ): Informer<T> {
    const { selectors = {}, indexers = {} } = request;
    const key = informerKey(resource, selectors);
    let informer = this.#informers.get(key) as Informer<T> | undefined;
    if (informer === undefined) {
      informer = new Informer<T>({ ...this.#shared(), resource, selectors });
      this.#informers.set(key, informer as unknown as Informer<ApiObject>);
    }
    informer.addIndexers(indexers);
    return informer;
  }

  /**
   * The informer that some controller has of all objects of a kind, for whoever needs no more than their metadata. Undefined when there
   * is none: nobody else pays for it.
   */
  existingInformer(resource: ApiResource): Informer<ApiObject> | undefined {
    return (
      this.#informers.get(informerKey(resource, {})) ??
      this.#informers.get(informerKey(resource, { metadataOnly: true }))
    );
  }

  /** An event recorder that speaks in the name of `component`. */
  recorder(component: string): EventRecorder {
    const recorder = new EventRecorder({ ...this.#shared(), ids: this.ids, component });
    this.#recorders.push(recorder);
    return recorder;
  }

  add(runnable: Runnable): void {
    this.#runnables.push(runnable);
  }

  /** Runs informers, recorders and everything added. Resolves after the signal aborted and all have ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...[...this.#informers.values()].map((informer) => informer.run(signal)),
      ...this.#recorders.map((recorder) => recorder.run(signal)),
      ...this.#runnables.map((runnable) => runnable.run(signal)),
    ]);
  }

  #shared(): {
    readonly client: Client;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly random: () => number;
  } {
    return {
      client: this.client,
      clock: this.clock,
      logger: this.logger,
      random: this.random,
    };
  }
}

function informerKey({ group, version, resource }: ApiResource, selectors: Selectors): string {
  return JSON.stringify([group, version, resource, selectors]);
}
