// RuntimeClasses at the creation of Pods: what one adds to a Pod that names it, and who may not name one. The rules and words are
// upstream's.
import { forbidden } from '#controlplane/api/errors.ts';
import type { ApiError } from '#controlplane/api/errors.ts';
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { parseQuantity } from '#platform/quantity.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';

const RUNTIME_CLASSES = 'node.k8s.io/runtimeclasses';
const PODS = { group: '', resource: 'pods', kind: 'Pod' };

/** @throws ApiError Forbidden when the class is not there, or the Pod asks for something else than it says */
export function applyRuntimeClass(pod: KubernetesObject, env: Environment): void {
  const { spec } = pod;
  if (!isObject(spec)) return;
  const refused = (why: string): ApiError => forbidden(PODS, pod.metadata.name ?? '', why);
  const name = stringAt(spec, 'runtimeClassName');
  const runtimeClass = name === '' ? {} : runtimeClassOf(env, name);
  if (runtimeClass === undefined) throw refused(`pod rejected: RuntimeClass "${name}" not found`);
  const overhead = objectAt(runtimeClass, 'overhead', 'podFixed');
  if (Object.keys(overhead).length === 0) {
    if (spec['overhead'] !== undefined) {
      throw refused(
        'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
      );
    }
  } else if (spec['overhead'] === undefined) {
    spec['overhead'] = { ...overhead };
  } else if (!sameAmounts(objectAt(spec, 'overhead'), overhead)) {
    throw refused("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
  const scheduling = objectAt(runtimeClass, 'scheduling');
  const selector = objectAt(spec, 'nodeSelector');
  for (const [label, value] of Object.entries(objectAt(scheduling, 'nodeSelector'))) {
    const wanted = stringAt(selector, label);
    if (selector[label] === undefined || wanted === value) continue;
    throw refused(
      `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${String(value)}; pod.spec.nodeSelector[${label}] = ${wanted}`,
    );
  }
  addScheduling(spec, scheduling);
}

function runtimeClassOf({ store }: Environment, name: string): JSONObject | undefined {
  const stored = store.get(RUNTIME_CLASSES, '', name);
  return stored === undefined ? undefined : objectAt(JSON.parse(stored.bytes.toString()));
}

function sameAmounts(some: JSONObject, others: JSONObject): boolean {
  const names = Object.keys(some);
  if (names.length !== Object.keys(others).length) return false;
  return names.every((name) => sameAmount(some[name], others[name]));
}

function sameAmount(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  const [first, second] = [parseQuantity(one), parseQuantity(other)];
  return first !== undefined && first.nano === second?.nano;
}

function addScheduling(spec: JSONObject, scheduling: JSONObject): void {
  const selector = objectAt(scheduling, 'nodeSelector');
  if (Object.keys(selector).length > 0) {
    spec['nodeSelector'] = { ...objectAt(spec, 'nodeSelector'), ...selector };
  }
  const present = listAt(spec, 'tolerations');
  const missing = listAt(scheduling, 'tolerations').filter(
    (wanted) => !present.some((one) => sameJSON(one, wanted)),
  );
  if (missing.length > 0) spec['tolerations'] = [...present, ...missing];
}
