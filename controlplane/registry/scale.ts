// The /scale subresource: an autoscaling/v1 Scale as a window on two counts and a selector of any scalable kind.
import { badRequest, conflict, invalid, notFound, unknownPath } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { isObject, objectAt } from '#controlplane/api/fields.ts';
import { formatLabelSelector, labelSelectorOf } from '#controlplane/api/selectors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ScaleDefinition } from '#controlplane/api/resource.ts';
import type { Environment } from './environment.ts';
import { decodeStored } from './objects.ts';
import { applyPatch } from './patch.ts';
import { reportProblems, strictPatchError } from './problems.ts';
import type { DecodedObject, PatchRequest, Target, WriteContext } from './types.ts';
import { changeObject } from './update.ts';

const REPLICAS_MAXIMUM = 2 ** 31 - 1;

export function readScale(env: Environment, target: Target): KubernetesObject {
  const { definition, namespace, name } = target;
  const stored = env.store.get(definition.storageKey, namespace, name);
  if (stored === undefined) throw notFound(definition, name);
  return scaleOf(scaleDefinition(target), decodeStored(stored, definition));
}

export function writeScale(
  env: Environment,
  target: Target,
  body: DecodedObject,
  context: WriteContext,
): Promise<KubernetesObject> {
  const wanted = acceptScale(target, body.object);
  return changeScale(env, target, () => wanted, context, isConditional(wanted));
}

export function patchScale(
  env: Environment,
  target: Target,
  request: PatchRequest,
  context: WriteContext,
): Promise<KubernetesObject> {
  reportProblems(request.problems, [], context, strictPatchError(target.definition, request.patch));
  const schemaless = { custom: true, schema: target.definition.schema };
  // kubectl sends merge patches here; a strategic merge of a Scale, which has no lists, is the same.
  const plain = request.type === 'strategic' ? { ...request, type: 'merge' as const } : request;
  const change = (scale: KubernetesObject): KubernetesObject =>
    acceptScale(target, applyPatch(schemaless, plain, scale));
  return changeScale(env, target, change, context, false);
}

async function changeScale(
  env: Environment,
  target: Target,
  change: (scale: KubernetesObject) => KubernetesObject,
  context: WriteContext,
  conditional: boolean,
): Promise<KubernetesObject> {
  const definition = scaleDefinition(target);
  const { stored } = await changeObject(
    env,
    target,
    '',
    {
      conditional,
      refusal: badRequest,
      apply(old) {
        const wanted = change(scaleOf(definition, old));
        if (
          isConditional(wanted) &&
          wanted.metadata.resourceVersion !== old.metadata.resourceVersion
        ) {
          throw conflict(target.definition, target.name);
        }
        const object = withReplicas(old, definition, replicasOf(target, wanted));
        const { uid } = wanted.metadata;
        if (uid === undefined || uid === '') return { object, problems: [] };
        return { object: { ...object, metadata: { ...object.metadata, uid } }, problems: [] };
      },
    },
    context,
  );
  return scaleOf(definition, decodeStored(stored, target.definition));
}

function isConditional(scale: KubernetesObject): boolean {
  const { resourceVersion = '' } = scale.metadata;
  return resourceVersion !== '' && resourceVersion !== '0';
}

function scaleDefinition({ definition }: Target): ScaleDefinition {
  if (definition.scale === undefined) throw unknownPath();
  return definition.scale;
}

function acceptScale(target: Target, value: unknown): KubernetesObject {
  if (!isObject(value)) throw badRequest('the body of the request is not a Scale');
  const scale = value as KubernetesObject;
  const { kind, apiVersion } = value;
  if (kind !== undefined && kind !== '' && kind !== 'Scale') {
    throw badRequest(`expected kind Scale, found ${JSON.stringify(kind)}`);
  }
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== 'autoscaling/v1') {
    throw badRequest(`expected apiVersion autoscaling/v1, found ${JSON.stringify(apiVersion)}`);
  }
  if (!isObject(scale.metadata)) scale.metadata = {};
  const { name = '', namespace = '' } = scale.metadata;
  if (name !== '' && name !== target.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
  if (namespace !== '' && namespace !== target.namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return scale;
}

/** @throws ApiError 422 unless spec.replicas is a whole number from 0 to 2^31-1; absent is 0, as in Go */
function replicasOf(target: Target, scale: KubernetesObject): number {
  const replicas = objectAt(scale, 'spec')['replicas'] ?? 0;
  const scaleKind = { group: 'autoscaling', kind: 'Scale' };
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas > REPLICAS_MAXIMUM) {
    throw invalid(scaleKind, target.name, [
      invalidField('spec.replicas', replicas, 'must be a whole number'),
    ]);
  }
  if (replicas < 0) {
    throw invalid(scaleKind, target.name, [
      invalidField('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  }
  return replicas;
}

function scaleOf(definition: ScaleDefinition, object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = selectorOf(definition, object);
  const spec = countAt(object, definition.specReplicasPath);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(
      JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp }),
    ) as KubernetesObject['metadata'],
    spec: spec === undefined ? {} : { replicas: spec },
    status: {
      replicas: countAt(object, definition.statusReplicasPath) ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** Paths have field names only: `.spec.replicas`; a CRD with any other is refused when it is written. */
function segmentsOf(path: string): string[] {
  return path.split('.').filter((segment) => segment !== '');
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const segment of segmentsOf(path)) value = objectAt(value)[segment];
  return value;
}

function countAt(object: unknown, path: string): number | undefined {
  const value = valueAt(object, path);
  return typeof value === 'number' ? value : undefined;
}

/** Custom kinds keep the selector as a string, apps as a LabelSelector, a ReplicationController as plain labels. */
function selectorOf(definition: ScaleDefinition, object: unknown): string {
  if (definition.labelSelectorPath === undefined) return '';
  const value = valueAt(object, definition.labelSelectorPath);
  if (typeof value === 'string') return value;
  if (!isObject(value)) return '';
  const isPlain = Object.values(value).every((label) => typeof label === 'string');
  return formatLabelSelector(
    labelSelectorOf(isPlain ? { matchLabels: value as Record<string, string> } : value),
  );
}

/** A copy of `object` with the count set; shares everything off the path. */
function withReplicas(
  object: KubernetesObject,
  { specReplicasPath }: ScaleDefinition,
  replicas: number,
): KubernetesObject {
  const set = (value: unknown, segments: readonly string[]): unknown => {
    const [segment, ...rest] = segments;
    return segment === undefined
      ? replicas
      : { ...objectAt(value), [segment]: set(objectAt(value)[segment], rest) };
  };
  return set(object, segmentsOf(specReplicasPath)) as KubernetesObject;
}
