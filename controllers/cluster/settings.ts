// A Cluster's spec with defaults filled in and durations read, or what is wrong with it. Pure.
import type { DrainSettings } from '../machinery/drain-settings.ts';
import { parseDuration } from '../machinery/duration.ts';
import type { Cluster, Pool, PowerState } from './types.ts';

export interface ClusterSettings {
  readonly distribution: 'Windlass' | 'K0s';
  readonly version: string | undefined;
  readonly pools: readonly Pool[];
  readonly powerState: PowerState;
  readonly maxUnavailable: number | string;
  readonly poolOrder: readonly string[];
  readonly drain: DrainSettings;
  readonly pauseAfter: number | undefined;
  readonly maxFailures: number;
  readonly isPaused: boolean;
  readonly retryToken: string | undefined;
  /** Machines worked on at a time; Infinity for no limit. */
  readonly operations: number;
  readonly isPlanOnly: boolean;
  readonly approvedPlanHash: string | undefined;
  readonly prune: boolean;
  readonly reset: { readonly machines: readonly string[]; readonly force: boolean };
  readonly flags: readonly string[];
}

const SHARE = /^(100|[1-9]?[0-9])%$/;

export function resolveSettings(cluster: Cluster): ClusterSettings | { readonly problem: string } {
  const { spec } = cluster;
  const { rollout = {}, concurrency = {} } = spec;
  const { maxUnavailable = '10%', drain = {} } = rollout;
  if (typeof maxUnavailable === 'number' ? maxUnavailable < 1 : !SHARE.test(maxUnavailable))
    return {
      problem: `spec.rollout.maxUnavailable must be a number from 1 or a share such as 25%, found ${JSON.stringify(maxUnavailable)}`,
    };
  const { timeout = '5m', gracePeriod = '2m' } = drain;
  for (const [field, value] of Object.entries({ timeout, gracePeriod }))
    if (parseDuration(value) === undefined)
      return {
        problem: `spec.rollout.drain.${field} must be a duration such as 90s, found ${JSON.stringify(value)}`,
      };
  const pools = spec.pools ?? [];
  const unknown = rollout.order?.find((name) => !pools.some((pool) => pool.name === name));
  if (unknown !== undefined)
    return { problem: `spec.rollout.order names ${JSON.stringify(unknown)}, which is no pool` };
  return {
    distribution: spec.distribution ?? 'Windlass',
    version: spec.version === '' ? undefined : spec.version,
    pools,
    powerState: spec.powerState ?? 'Running',
    maxUnavailable,
    poolOrder: rollout.order ?? [],
    drain: {
      enabled: drain.enabled ?? true,
      timeout,
      gracePeriod,
      onTimeout: drain.onTimeout ?? 'Fail',
      ...(drain.podSelector === undefined ? {} : { podSelector: drain.podSelector }),
    },
    pauseAfter: rollout.pauseAfter,
    maxFailures: rollout.maxFailures ?? 0,
    isPaused: rollout.paused ?? false,
    retryToken: rollout.retryToken,
    operations: concurrency.operations === 0 ? Infinity : (concurrency.operations ?? 30),
    isPlanOnly: spec.planOnly ?? false,
    approvedPlanHash: spec.approvedPlanHash,
    prune: spec.prune ?? true,
    reset: { machines: spec.reset?.machines ?? [], force: spec.reset?.force ?? false },
    flags: spec.distributionOptions?.flags ?? [],
  };
}

/** How many of `total` workers may be out of service: 25% of 20 are 5; at least one, or small pools would never change. */
export function disruptionBudget(maxUnavailable: number | string, total: number): number {
  if (typeof maxUnavailable === 'number') return Math.max(1, maxUnavailable);
  return Math.max(1, Math.floor((total * Number.parseInt(maxUnavailable, 10)) / 100));
}
