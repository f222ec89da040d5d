// The quality-of-service class of a Pod: Guaranteed when every container limits CPU and memory and asks for exactly
// that much, BestEffort when nobody asks for anything, else Burstable.
import { listAt, objectAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { parseQuantity } from '#platform/quantity.ts';

const RESOURCES = ['cpu', 'memory'] as const;

export function qosClassOf(pod: KubernetesObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [
    ...listAt(pod, 'spec', 'initContainers'),
    ...listAt(pod, 'spec', 'containers'),
  ];
  let asked = false;
  let guaranteed = containers.length > 0;
  for (const container of containers) {
    for (const resource of RESOURCES) {
      const limit = nano(objectAt(container, 'resources', 'limits')[resource]);
      const request = nano(objectAt(container, 'resources', 'requests')[resource]) ?? limit;
      if (limit !== undefined || request !== undefined) asked = true;
      if (limit === undefined || limit !== request) guaranteed = false;
    }
  }
  if (!asked) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Undefined for absent and zero amounts. */
function nano(value: unknown): bigint | undefined {
  const quantity = typeof value === 'string' ? parseQuantity(value) : undefined;
  return quantity === undefined || quantity.nano === 0n ? undefined : quantity.nano;
}
