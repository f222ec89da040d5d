// How many objects of a kind are in each phase, counted when somebody asks.
import type { MetricsRegistry } from '#platform/metrics.ts';

export interface PhaseMetricOptions {
  /** `windlass_machines` */
  readonly name: string;
  /** With its stability. */
  readonly help: string;
  /** The phases of all objects; '' where there is none yet. */
  readonly phases: () => Iterable<string>;
}

/** One series for each phase that was seen, 0 where nothing is in it any more. */
export function countPhases(
  registry: MetricsRegistry,
  { name, help, phases }: PhaseMetricOptions,
): void {
  const seen = new Set<string>();
  registry.gauge({
    name,
    help,
    labelNames: ['phase'],
    collect: (gauge) => {
      const counts = new Map([...seen].map((phase) => [phase, 0]));
      for (const phase of phases()) {
        const label = phase === '' ? 'Pending' : phase;
        seen.add(label);
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
      for (const [phase, count] of counts) gauge.set({ phase }, count);
    },
  });
}
