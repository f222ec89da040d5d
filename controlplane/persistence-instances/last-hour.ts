// How each instance was during the last hour, a look a minute: what a chart needs that has no Prometheus behind it. In memory only: it is
// of this server, and begins anew with it.
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { InstanceReport } from '#persistence/log.ts';

export const SAMPLE_SECONDS = 60;
const KEPT = 60;

export interface Sample {
  readonly time: string;
  readonly state: InstanceReport['state'];
  /** Seconds. */
  readonly meanPersistLatency: number;
  readonly lagSeconds: number;
  readonly lagRevisions: number;
}

export class LastHour {
  #samples: ReadonlyMap<string, readonly Sample[]> = new Map();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * Remembers how they are, unless that was less than a minute ago; forgets those that are there no more.
   *
   * @param at milliseconds on the monotonic clock
   * @param now milliseconds since the epoch
   */
  look(reports: readonly InstanceReport[], at: number, now: number): void {
    if (at - this.#lookedAt < SAMPLE_SECONDS * 1_000) return;
    this.#lookedAt = at;
    const time = formatTimestamp(now);
    this.#samples = new Map(
      reports.map(({ name, state, meanPersistLatency, lagSeconds, lagRevisions }) => [
        name,
        [
          ...this.of(name).slice(1 - KEPT),
          {
            time,
            state,
            meanPersistLatency: Number(meanPersistLatency.toPrecision(3)),
            lagSeconds: Number(lagSeconds.toPrecision(3)),
            lagRevisions,
          },
        ],
      ]),
    );
  }

  /** Oldest first. */
  of(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }
}
