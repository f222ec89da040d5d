// One family of histograms, counted in plain numbers: a request is observed three times, and prom-client's own histogram checks, hashes
// and copies the labels each time. Whoever observes often keeps the Series of its labels. Exposed through prom-client, in its order.

/** By name. */
type Labels = Readonly<Record<string, string>>;

/** What is observed under one set of labels. */
export class Series {
  readonly labels: Labels;
  sum = 0;
  count = 0;
  readonly #bounds: readonly number[];
  readonly #counts: number[];

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** @param value in the unit that the family's name ends in @throws TypeError for what is no finite number */
  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`Value is not a valid number: ${value}`);
    this.sum += value;
    this.count += 1;
    const bounds = this.#bounds;
    for (let at = 0; at < bounds.length; at += 1) {
      if (value > (bounds[at] ?? Infinity)) continue;
      this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      return;
    }
  }

  /** How many were at most each bound. */
  cumulative(): readonly (readonly [bound: number, count: number])[] {
    let below = 0;
    return this.#bounds.map((bound, at) => [bound, (below += this.#counts[at] ?? 0)] as const);
  }
}

/** As prom-client's registry reads it. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Labels;
  readonly value: number;
}

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

export class HistogramFamily {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor({ name, help, labelNames, buckets }: HistogramOptions) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#buckets = buckets;
    if (labelNames.length === 0) this.series({});
  }

  /** The one of these labels. @throws Error for a new one with a label that the family has not */
  series(labels: Labels): Series {
    const key = this.#keyOf(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      const unknown = Object.keys(labels).find((name) => !this.labelNames.includes(name));
      if (unknown !== undefined) throw new Error(`${this.name} has no label ${unknown}`);
      series = new Series({ ...labels }, this.#buckets);
      this.#series.set(key, series);
    }
    return series;
  }

  observe(labels: Labels, value: number): void {
    this.series(labels).observe(value);
  }

  /** Forgets series whose labels are kept no longer. Whoever still holds one of them observes for nobody. */
  keep(isKept: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#series) if (!isKept(labels)) this.#series.delete(key);
  }

  /** What prom-client asks of a metric. */
  get(): Promise<{ name: string; help: string; type: 'histogram'; values: readonly Sample[] }> {
    const values = [...this.#series.values()].flatMap((series) => this.#samplesOf(series));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, values });
  }

  #samplesOf(series: Series): Sample[] {
    const { labels: sharedLabels, sum, count } = series;
    const buckets = [...series.cumulative(), ['+Inf', count] as const];
    return [
      ...buckets.map(([le, value]) => {
        return { metricName: `${this.name}_bucket`, labels: { le }, sharedLabels, value };
      }),
      { metricName: `${this.name}_sum`, labels: {}, sharedLabels, value: sum },
      { metricName: `${this.name}_count`, labels: {}, sharedLabels, value: count },
    ];
  }

  #keyOf(labels: Labels): string {
    return JSON.stringify(this.labelNames.map((name) => labels[name]));
  }
}
