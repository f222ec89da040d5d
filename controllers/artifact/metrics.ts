// What fetches cost and what the store holds. No label names an artifact: there may be any number.
import type { Counter, Gauge, MetricsRegistry } from '#platform/metrics.ts';
import type { FetchOutcome } from '../binaries/artifact-fetcher.ts';

export class ArtifactMetrics {
  readonly #fetches: Counter;
  readonly #bytes: Counter;
  readonly #failures: Counter;
  readonly #store: Gauge;
  readonly #entries: Gauge;

  constructor(registry: MetricsRegistry) {
    this.#fetches = registry.counter({
      name: 'windlass_artifact_fetches_total',
      help: '[ALPHA] Artifacts that were asked for, by result: hit, fetched, mismatch or failed',
      labelNames: ['result'],
    });
    this.#bytes = registry.counter({
      name: 'windlass_artifact_fetched_bytes_total',
      help: '[ALPHA] Bytes that came from sources of artifacts',
    });
    this.#failures = registry.counter({
      name: 'windlass_artifact_verify_failures_total',
      help: '[ALPHA] Bytes that had another digest than they should, by place: source or store',
      labelNames: ['place'],
    });
    this.#store = registry.gauge({
      name: 'windlass_artifact_store_bytes',
      help: '[ALPHA] Bytes in the store of artifacts',
    });
    this.#entries = registry.gauge({
      name: 'windlass_artifact_store_entries',
      help: '[ALPHA] Files in the store of artifacts',
    });
  }

  observe({ result, bytes }: FetchOutcome): void {
    this.#fetches.inc({ result });
    this.#bytes.inc({}, bytes);
    if (result === 'mismatch') this.#failures.inc({ place: 'source' });
  }

  damaged(): void {
    this.#failures.inc({ place: 'store' });
  }

  stored(entries: readonly { readonly size: number }[]): void {
    this.#entries.set({}, entries.length);
    this.#store.set(
      {},
      entries.reduce((sum, { size }) => sum + size, 0),
    );
  }
}
