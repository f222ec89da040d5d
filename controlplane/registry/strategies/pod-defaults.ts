// Defaults of a Pod that depend on its other fields; the plain ones are in the schema.
import type { JSONObject } from '#controlplane/api/fields.ts';
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { canonicalizeAmounts } from './amounts.ts';

export function applyPodDefaults(pod: KubernetesObject): void {
  const spec = pod['spec'];
  if (!isObject(spec)) return;
  spec['enableServiceLinks'] ??= true;
  applyPodSpecDefaults(spec);
  for (const container of containersOf(spec)) defaultRunningContainer(container, spec);
}

/** What templates of Pods get too. */
export function applyTemplateDefaults(template: unknown): void {
  const spec = objectAt(template)['spec'];
  if (isObject(spec)) applyPodSpecDefaults(spec);
}

function applyPodSpecDefaults(spec: JSONObject): void {
  const account = stringAt(spec, 'serviceAccountName') || stringAt(spec, 'serviceAccount');
  if (account !== '') setAccount(spec, account);
  for (const container of containersOf(spec)) {
    container['imagePullPolicy'] ??= pullPolicyOf(stringAt(container, 'image'));
    canonicalizeAmounts(objectAt(container, 'resources', 'limits'));
    canonicalizeAmounts(objectAt(container, 'resources', 'requests'));
  }
  for (const volume of listAt(spec, 'volumes')) {
    // A volume that names no source is an empty directory.
    if (isObject(volume) && Object.keys(volume).length === 1) volume['emptyDir'] = {};
  }
}

/** What upstream's admission adds: unlike a default it is owned by nobody. */
export function admitPodSpec(pod: KubernetesObject): void {
  const spec = pod['spec'];
  if (!isObject(spec)) return;
  if (stringAt(spec, 'serviceAccountName') === '') setAccount(spec, 'default');
}

/** Under the old name of the field too, which clients still read. */
function setAccount(spec: JSONObject, account: string): void {
  spec['serviceAccountName'] = account;
  spec['serviceAccount'] = account;
}

function containersOf(spec: JSONObject): JSONObject[] {
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
  return lists.flatMap((list) => listAt(spec, list)).filter(isObject);
}

function defaultRunningContainer(container: JSONObject, spec: JSONObject): void {
  if (spec['hostNetwork'] === true) {
    for (const port of listAt(container, 'ports')) {
      if (isObject(port)) port['hostPort'] ??= port['containerPort'];
    }
  }
  const resources = objectAt(container, 'resources');
  const limits = objectAt(resources, 'limits');
  if (Object.keys(limits).length > 0) {
    resources['requests'] = { ...limits, ...objectAt(resources, 'requests') };
  }
}

/** `latest`, said or meant, is pulled every time; a fixed tag or digest once. */
function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const name = image.slice(image.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  const tag = colon < 0 ? 'latest' : name.slice(colon + 1);
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}
