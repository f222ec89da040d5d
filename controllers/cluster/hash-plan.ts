// Hashes of what is planned: to approve a plan by, and to tell one rollout from the next. Pure.
import { safeHash } from '../machinery/safe-hash.ts';
import type { ClusterSettings } from './settings.ts';
import type { Cluster, PlanItem } from './types.ts';
import { canonical } from './wanted-machines.ts';

/** The same for plans that do the same things in the same order, whatever they give as reasons. */
export function hashPlan(items: readonly PlanItem[]): string {
  if (items.length === 0) return '';
  return safeHash(
    JSON.stringify(items.map(({ machine, action, target }) => [machine, action, target])),
    16,
  );
}

/** Of what machines become, not of how many there are: more machines are no new rollout. */
export function hashRevision({ spec }: Cluster, { version, pools }: ClusterSettings): string {
  const templates = pools.map(({ name, role, template = {} }) => [name, role, template]);
  return safeHash(
    canonical([version ?? '', templates, spec.providerRef ?? {}, spec.distributionOptions ?? {}]),
    12,
  );
}
