// The series that requests are counted in, found once for each kind and manner of asking: every request ends here, and to put together,
// check and look up its labels four times cost as much as to find and send the object that it asks for.
import type { ResourceDefinition } from '../api/resource.ts';
import type { Counter, Histogram, Labels } from '#platform/metrics.ts';

/** What is observed of requests that are not long-running. */
export interface RequestHistograms {
  readonly duration: Histogram;
  readonly sliDuration: Histogram;
  readonly responseSizes: Histogram;
}

type Observed = ReturnType<Histogram['series']>;

interface ObservedSeries {
  readonly duration: Observed;
  readonly sliDuration: Observed;
  /** Of those that only read. */
  readonly responseSizes: Observed | undefined;
}

interface CodeCount {
  readonly labels: Labels;
  /** Since it was last handed over. */
  count: number;
}

/** Of requests that have all labels but the code in common. */
export class RequestSeries {
  readonly #labels: Labels;
  readonly #dryRun: string;
  readonly #histograms: RequestHistograms;
  /** Absent until the first is observed: long-running requests never are. */
  #observed: ObservedSeries | undefined;
  readonly #codes = new Map<number, CodeCount>();
  readonly #counts: RequestCounts;

  constructor(
    labels: Labels,
    dryRun: string,
    histograms: RequestHistograms,
    counts: RequestCounts,
  ) {
    this.#labels = labels;
    this.#dryRun = dryRun;
    this.#histograms = histograms;
    this.#counts = counts;
  }

  /** @param code 0: the client left before there was an answer */
  answered(code: number): void {
    let found = this.#codes.get(code);
    if (found === undefined) {
      const labels = { ...this.#labels, dry_run: this.#dryRun, code: String(code) };
      found = { labels, count: 0 };
      this.#codes.set(code, found);
    }
    this.#counts.add(found);
  }

  took(seconds: number, responseBytes: number): void {
    const { duration, sliDuration, responseSizes } = (this.#observed ??= this.#observe());
    duration.observe(seconds);
    sliDuration.observe(seconds);
    responseSizes?.observe(responseBytes);
  }

  #observe(): ObservedSeries {
    const labels = this.#labels;
    const { duration, sliDuration, responseSizes } = this.#histograms;
    const isRead = labels['verb'] === 'GET' || labels['verb'] === 'LIST';
    return {
      duration: duration.series({ ...labels, dry_run: this.#dryRun }),
      sliDuration: sliDuration.series(labels),
      responseSizes: isRead ? responseSizes.series(labels) : undefined,
    };
  }
}

/** Requests by code, until somebody reads the metrics. */
export class RequestCounts {
  #touched: CodeCount[] = [];

  add(counted: CodeCount): void {
    if (counted.count === 0) this.#touched.push(counted);
    counted.count += 1;
  }

  handOver(counter: Counter): void {
    for (const counted of this.#touched) {
      counter.inc(counted.labels, counted.count);
      counted.count = 0;
    }
    this.#touched = [];
  }
}

/** What is asked of no kind: paths beside the API, and kinds that are not served. */
const NO_KIND = {};

export class RequestSeriesTable {
  readonly #byKind = new WeakMap<object, Map<string, RequestSeries>>();

  /**
   * @param manner the labels that the kind does not say, as one text; of bounded variety
   * @param make called for what was not asked before
   */
  find(
    definition: ResourceDefinition | undefined,
    manner: string,
    make: () => RequestSeries,
  ): RequestSeries {
    const kind = definition ?? NO_KIND;
    let known = this.#byKind.get(kind);
    if (known === undefined) this.#byKind.set(kind, (known = new Map()));
    let series = known.get(manner);
    if (series === undefined) known.set(manner, (series = make()));
    return series;
  }
}
