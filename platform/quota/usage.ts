// What each object takes of the quotas of its namespace, and which names of a quota are about which kind. A kind is written as in
// `count/…`: `pods`, `deployments.apps`.
import type { Quantity } from '../quantity.ts';
import { parseAmounts, raiseAmounts, whole } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import { podUsage } from './pod-usage.ts';
import { OF_DEVICE_CLASS, RESOURCE_CLAIMS, resourceClaimUsage } from './device-usage.ts';
import type { QuotaClaim, QuotaPod, QuotaResourceClaim, QuotaService } from './quota-objects.ts';

/** Of these the content counts; of all others, that they are there. */
const BY_CONTENT = ['pods', 'persistentvolumeclaims', 'services', RESOURCE_CLAIMS] as const;
const COUNT = 'count/';
const STORAGE_CLASS = '.storageclass.storage.k8s.io/';
/** Kinds that may be counted under their own name too. */
const OLD_NAMES: ReadonlySet<string> = new Set([
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
]);

const OF_PODS =
  /^(pods|(requests\.|limits\.)?(cpu|memory|ephemeral-storage)|(requests\.)?hugepages-.+|requests\.[^/]+\/.+)$/;

export function countsContent(kind: string): boolean {
  return (BY_CONTENT as readonly string[]).includes(kind);
}

/** `pods`, `deployments.apps`. */
export function quotaKindOf(group: string, resource: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** The kind that a name of a quota is about; undefined when nobody counts it. */
export function kindCounted(name: string): string | undefined {
  if (name.startsWith(COUNT)) return name.slice(COUNT.length);
  if (OLD_NAMES.has(name)) return name;
  if (name.endsWith(OF_DEVICE_CLASS)) return RESOURCE_CLAIMS;
  if (name === 'services' || name.startsWith('services.')) return 'services';
  const ofClaims = name === 'persistentvolumeclaims' || name === 'requests.storage';
  if (ofClaims || name.includes(STORAGE_CLASS)) return 'persistentvolumeclaims';
  return OF_PODS.test(name) ? 'pods' : undefined;
}

/** @param now milliseconds since 1970 */
export function usageOf(kind: string, object: unknown, now: number): Amounts {
  switch (kind) {
    case 'pods':
      return podUsage(object as QuotaPod, now);
    case 'persistentvolumeclaims':
      return claimUsage(object as QuotaClaim);
    case 'services':
      return serviceUsage(object as QuotaService);
    case RESOURCE_CLAIMS:
      return resourceClaimUsage(object as QuotaResourceClaim);
    default:
      return onlyCounted(kind);
  }
}

const counted = new Map<string, Amounts>();

/** One object for all that weigh the same. */
function onlyCounted(kind: string): Amounts {
  let usage = counted.get(kind);
  if (usage === undefined) {
    const names = OLD_NAMES.has(kind) ? [`${COUNT}${kind}`, kind] : [`${COUNT}${kind}`];
    usage = new Map(names.map((name) => [name, whole(1)]));
    // Kinds are as many as somebody named in a quota.
    if (counted.size < 1_000) counted.set(kind, usage);
  }
  return usage;
}

function claimUsage({ metadata, spec, status }: QuotaClaim): Amounts {
  const one = whole(1);
  const usage = new Map<string, Quantity>([
    ['count/persistentvolumeclaims', one],
    ['persistentvolumeclaims', one],
  ]);
  const amounts = new Map(parseAmounts(spec?.resources?.requests));
  raiseAmounts(amounts, parseAmounts(status?.allocatedResources));
  const storage = amounts.get('storage');
  if (storage !== undefined) usage.set('requests.storage', storage);
  const old = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  const ofClass = old ?? spec?.storageClassName ?? '';
  if (ofClass === '') return usage;
  usage.set(`${ofClass}${STORAGE_CLASS}persistentvolumeclaims`, one);
  if (storage !== undefined) usage.set(`${ofClass}${STORAGE_CLASS}requests.storage`, storage);
  return usage;
}

function serviceUsage({ spec }: QuotaService): Amounts {
  const one = whole(1);
  const { type = 'ClusterIP', ports = [], allocateLoadBalancerNodePorts } = spec ?? {};
  const isBalanced = type === 'LoadBalancer';
  const chosen = ports.filter(({ nodePort = 0 }) => nodePort !== 0);
  const nodePorts =
    type === 'NodePort' || (isBalanced && allocateLoadBalancerNodePorts !== false)
      ? ports.length
      : isBalanced
        ? chosen.length
        : 0;
  return new Map([
    ['count/services', one],
    ['services', one],
    ['services.nodeports', whole(nodePorts)],
    ['services.loadbalancers', whole(isBalanced ? 1 : 0)],
  ]);
}
