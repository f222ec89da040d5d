// Which fields of a Cluster's spec nothing acts on: said, so that nobody waits for them. Pure.
import type { DistributionRules } from './plan-types.ts';
import type { Cluster } from './types.ts';

/** Decided by the cluster, whatever a template says. */
const DECIDED = ['role', 'version', 'clusterRef', 'powerState'];
/** Fields of a Machine that templates may have. */
const KNOWN = [
  'providerRef',
  'connection',
  'artifacts',
  'files',
  'rootfs',
  'node',
  'preflight',
  'paused',
  'deletionPolicy',
  'settings',
];

/** Paths below spec, in order, each once. */
export function ignoredFields(
  { spec }: Cluster,
  { ignores }: DistributionRules,
): readonly string[] {
  const found = new Set<string>();
  for (const [index, { template = {}, hosts, name }] of (spec.pools ?? []).entries()) {
    for (const field of Object.keys(template))
      if (
        DECIDED.includes(field) ||
        !KNOWN.includes(field) ||
        // Machines with a root of ours have files whatever the distribution.
        (ignores.includes(`template.${field}`) &&
          !(field === 'files' && template['rootfs'] !== undefined))
      )
        found.add(`pools[${name || index}].template.${field}`);
    if (
      hosts !== undefined &&
      template['connection'] !== undefined &&
      hosts.every(({ connection }) => connection !== undefined)
    )
      found.add(`pools[${name}].template.connection`);
  }
  for (const field of ignores)
    if (!field.startsWith('template.') && Object.hasOwn(spec, field)) found.add(field);
  if (spec.approvedPlanHash !== undefined && spec.planOnly !== true) found.add('approvedPlanHash');
  return [...found].toSorted();
}
