// POST pods/binding: the scheduler's decision where a Pod runs. Made once; never changed.
import { conflict, invalid } from '#controlplane/api/errors.ts';
import { invalidField, requiredField, unsupportedField } from '#controlplane/api/field-errors.ts';
import { conditionOf, isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { Environment } from './environment.ts';
import { matchName } from './body.ts';
import { strictBodyError } from './problems.ts';
import type { DecodedObject, Target, WriteContext } from './types.ts';
import { changeObject } from './update.ts';

const bindingKind = { group: '', kind: 'Binding' };

/** @throws ApiError 422 for a bad target, 409 when the Pod is bound, terminating, or not the one with the given uid */
export async function bindPod(
  env: Environment,
  target: Target,
  body: DecodedObject,
  context: WriteContext,
): Promise<void> {
  const { object } = body;
  if (!isObject(object.metadata)) object.metadata = {};
  matchName(object, target.name);
  const node = targetNode(object, target.name);
  await changeObject(
    env,
    target,
    'binding',
    {
      conditional: false,
      ownership: 'kept',
      shown: 'nothing',
      refusal: strictBodyError(target.definition),
      apply: (old) => ({
        object: bound(env, target, old, object.metadata, node),
        problems: body.problems,
      }),
    },
    context,
  );
}

function targetNode(binding: KubernetesObject, name: string): string {
  const kind = stringAt(binding, 'target', 'kind');
  const node = stringAt(binding, 'target', 'name');
  if (kind !== '' && kind !== 'Node') {
    throw invalid(bindingKind, name, [unsupportedField('target.kind', kind, ['Node', '<empty>'])]);
  }
  if (node === '') throw invalid(bindingKind, name, [requiredField('target.name')]);
  return node;
}

function bound(
  env: Environment,
  { definition, name }: Target,
  old: KubernetesObject,
  binding: ObjectMeta,
  node: string,
): KubernetesObject {
  const spec = objectAt(old, 'spec');
  const present = stringAt(spec, 'nodeName');
  if (old.metadata.deletionTimestamp !== undefined) {
    throw conflict(definition, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (present !== '') {
    throw conflict(definition, name, `pod ${name} is already assigned to node "${present}"`);
  }
  if (listAt(spec, 'schedulingGates').length > 0) {
    throw invalid(definition, name, [
      invalidField('spec.schedulingGates', spec['schedulingGates'], 'a gated pod cannot be bound'),
    ]);
  }
  return {
    ...old,
    metadata: {
      ...old.metadata,
      ...(binding.uid === undefined ? {} : { uid: binding.uid }),
      ...(binding.annotations === undefined
        ? {}
        : { annotations: { ...old.metadata.annotations, ...binding.annotations } }),
    },
    spec: { ...spec, nodeName: node },
    status: { ...objectAt(old, 'status'), conditions: scheduledConditions(env, old) },
  };
}

function scheduledConditions(env: Environment, old: KubernetesObject): unknown[] {
  const others = listAt(old, 'status', 'conditions').filter(
    (condition) => stringAt(condition, 'type') !== 'PodScheduled',
  );
  const before = conditionOf(old, 'PodScheduled');
  const since =
    before['status'] === 'True' ? before['lastTransitionTime'] : formatTimestamp(env.clock.now());
  return [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: since }];
}
