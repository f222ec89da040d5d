// Kinds that are kept and checked, and that nothing here acts on yet. Who creates one is told, so that nobody waits for
// what does not come. Take a kind out of the table together with what begins to act on it.
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { WriteContext } from './types.ts';

const NO_PODS = 'no Pods are made of it';
const NOT_ENFORCED = 'it is not enforced';
const NO_TRAFFIC = 'it carries no traffic';
const NO_DEVICES = 'no devices are allocated';
const NO_VOLUMES = 'no volumes are made or attached because of it';

/** By storage key: what does not happen. */
const inertKinds: Readonly<Record<string, string>> = {
  'apiregistration.k8s.io/apiservices': 'no requests are passed on to it',
  'apps/daemonsets': NO_PODS,
  'apps/deployments': NO_PODS,
  'apps/replicasets': NO_PODS,
  'apps/statefulsets': NO_PODS,
  'autoscaling/horizontalpodautoscalers': 'it scales nothing',
  'batch/cronjobs': 'no Jobs are made of it',
  'batch/jobs': NO_PODS,
  'core/persistentvolumes': 'no claim is bound to it',
  'core/replicationcontrollers': NO_PODS,
  'core/services': NO_TRAFFIC,
  'flowcontrol.apiserver.k8s.io/flowschemas': NOT_ENFORCED,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': NOT_ENFORCED,
  'networking.k8s.io/ingresses': NO_TRAFFIC,
  'networking.k8s.io/networkpolicies': NOT_ENFORCED,
  'networking.k8s.io/servicecidrs': 'no addresses are taken from it',
  'node.k8s.io/runtimeclasses': 'its handler is not used',
  'resource.k8s.io/deviceclasses': NO_DEVICES,
  'resource.k8s.io/devicetaintrules': NO_DEVICES,
  'resource.k8s.io/resourceclaims': NO_DEVICES,
  'resource.k8s.io/resourceclaimtemplates': NO_DEVICES,
  'resource.k8s.io/resourceslices': NO_DEVICES,
  'scheduling.k8s.io/priorityclasses': 'Pods do not make room for others',
  'storage.k8s.io/csidrivers': NO_VOLUMES,
  'storage.k8s.io/storageclasses': NO_VOLUMES,
  'storage.k8s.io/volumeattachments': NO_VOLUMES,
  'storage.k8s.io/volumeattributesclasses': NO_VOLUMES,
  'storagemigration.k8s.io/storageversionmigrations': 'nothing is migrated',
};

export function warnOfInertKind(
  { storageKey, kind }: Pick<ResourceDefinition, 'storageKey' | 'kind'>,
  context: Pick<WriteContext, 'warn'>,
): void {
  const what = Object.hasOwn(inertKinds, storageKey) ? inertKinds[storageKey] : undefined;
  if (what !== undefined) context.warn(`nothing here acts on this ${kind} yet: ${what}`);
}
