// The one home of prom-client. Components get a MetricsRegistry and make their families from it.
import * as prometheus from 'prom-client';
import { HistogramFamily } from './histogram.ts';
import type { Series } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}
export interface Gauge {
  set(labels: Labels, value: number): void;
  inc(labels?: Labels, by?: number): void;
  dec(labels?: Labels, by?: number): void;
  /** Forgets one labelled series, when the thing it measured is gone. */
  remove(labels: Labels): void;
}
export interface Histogram {
  /** @param value in the unit that the name ends in (`_seconds`, `_bytes`) */
  observe(labels: Labels, value: number): void;
  /** Of a family without `isKept`: for whoever observes under the same labels often. */
  series(labels: Labels): Pick<Series, 'observe'>;
}

export interface MetricOptions {
  /** Upstream's name where upstream has the same thing, else `windlass_…`; ends in its unit. */
  readonly name: string;
  /** Starts with the stability: `[ALPHA]`, `[BETA]` or `[STABLE]`. */
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Asked before each exposition: series of which it says no are forgotten, because what they measured is gone. */
  readonly isKept?: (labels: Labels) => boolean;
}

/** What is known of a family without any series of it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** A family maker and its text exposition. One per server and one per controllers thread. */
export class MetricsRegistry {
  readonly #registry = new prometheus.Registry();
  readonly #passing: (() => Promise<void> | void)[] = [];

  /** @param options.collect called before each exposition, for what is counted elsewhere */
  counter(options: MetricOptions & { readonly collect?: (counter: Counter) => void }): Counter {
    const { collect, ...rest } = options;
    const counter = new prometheus.Counter({
      ...this.#base(rest),
      ...(collect === undefined ? {} : { collect: () => collect(wrapped) }),
    });
    this.#watch(counter, rest);
    const wrapped: Counter = { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
    return wrapped;
  }

  gauge(options: MetricOptions & { readonly collect?: (gauge: Gauge) => void }): Gauge {
    const { collect, ...rest } = options;
    const gauge = new prometheus.Gauge({
      ...this.#base(rest),
      ...(collect === undefined ? {} : { collect: () => collect(wrapped) }),
    });
    this.#watch(gauge, rest);
    const wrapped: Gauge = {
      set: (labels, value) => gauge.set(labels, value),
      inc: (labels = {}, by = 1) => gauge.inc(labels, by),
      dec: (labels = {}, by = 1) => gauge.dec(labels, by),
      remove: (labels) => gauge.remove(labels),
    };
    return wrapped;
  }

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram {
    const { isKept, labelNames = [] } = options;
    const histogram = new HistogramFamily({ ...options, labelNames });
    // Its type names what only prom-client's own families have; what is read of a family is here.
    this.#registry.registerMetric(histogram as unknown as prometheus.Metric);
    if (isKept !== undefined) this.#passing.push(() => histogram.keep(isKept));
    return histogram;
  }

  /** CPU, memory, file descriptors and event loop lag of this process, under prom-client's standard names. */
  collectProcessMetrics(): void {
    prometheus.collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition text of all families. */
  async expose(): Promise<string> {
    for (const forget of this.#passing) await forget();
    return this.#registry.metrics();
  }

  /** All families that were made so far, by name. */
  describe(): readonly MetricFamily[] {
    return this.#registry
      .getMetricsAsArray()
      .map((family) => {
        // What every family has, and its type does not say.
        const { name, help, type, labelNames } = family as unknown as MetricFamily;
        return { name, help, type, labelNames: [...labelNames] };
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #watch(
    family: prometheus.Counter | prometheus.Gauge,
    { isKept, labelNames = [] }: MetricOptions,
  ): void {
    if (isKept === undefined) return;
    this.#passing.push(async () => {
      for (const { labels } of (await family.get()).values) {
        const set = labelNames.filter((name) => labels[name] !== undefined);
        const own = Object.fromEntries(set.map((name) => [name, String(labels[name])]));
        if (!isKept(own)) family.remove(own);
      }
    });
  }

  #base(options: MetricOptions): {
    name: string;
    help: string;
    labelNames: string[];
    registers: prometheus.Registry[];
  } {
    return {
      name: options.name,
      help: options.help,
      labelNames: [...(options.labelNames ?? [])],
      registers: [this.#registry],
    };
  }
}
