// POST pods/eviction: a deletion that may be refused to protect a service. Budgets are not kept yet: every eviction passes.
import { isObject, numberAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { fieldAt } from '#controlplane/api/fields.ts';
import { matchName } from './body.ts';
import { deleteObject } from './deletion.ts';
import type { Environment } from './environment.ts';
import type { DecodedObject, DeleteOptions, Target, WriteContext } from './types.ts';

export async function evictPod(
  env: Environment,
  target: Target,
  { object }: DecodedObject,
  context: WriteContext,
): Promise<void> {
  if (!isObject(object.metadata)) object.metadata = {};
  matchName(object, target.name);
  await deleteObject(env, target, deleteOptionsOf(object), context);
}

const POLICIES = ['Background', 'Foreground', 'Orphan'] as const;

function deleteOptionsOf(eviction: KubernetesObject): DeleteOptions {
  const options = fieldAt(eviction, 'deleteOptions');
  const uid = stringAt(options, 'preconditions', 'uid');
  const resourceVersion = stringAt(options, 'preconditions', 'resourceVersion');
  const policy = POLICIES.find((known) => known === stringAt(options, 'propagationPolicy'));
  const hasGrace = typeof fieldAt(options, 'gracePeriodSeconds') === 'number';
  return {
    ...(hasGrace ? { gracePeriodSeconds: numberAt(options, 'gracePeriodSeconds') } : {}),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    preconditions: {
      ...(uid === '' ? {} : { uid }),
      ...(resourceVersion === '' ? {} : { resourceVersion }),
    },
  };
}
