// The /scale subresource: an autoscaling/v1 Scale as a window on two counts and a selector of any scalable kind.
import { badRequest, conflict, invalid, notFound, unknownPath } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { isObject, objectAt } from '#controlplane/api/fields.ts';
import { lazy } from '#controlplane/api/lazy.ts';
import { applyConfiguration } from '#controlplane/api/managed-fields/apply.ts';
import type { ManagedFieldsEntry } from '#controlplane/api/managed-fields/entry.ts';
import { LEAF } from '#controlplane/api/managed-fields/field-set.ts';
import {
  countPath,
  ownersAfterScale,
  ownersOfScale,
  SCALE_VERSION,
} from '#controlplane/api/managed-fields/scale-owners.ts';
import type { CountPath } from '#controlplane/api/managed-fields/scale-owners.ts';
import { untrackedBelow } from '#controlplane/api/managed-fields/untracked.ts';
import { ownersAfterUpdate } from '#controlplane/api/managed-fields/update.ts';
import type { Perspective } from '#controlplane/api/managed-fields/update.ts';
import { apiVersionOf } from '#controlplane/api/object.ts';
import { conformObject } from '#controlplane/api/schema/decode.ts';
import { builtinSchema } from '#controlplane/api/schema/corpus.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { formatLabelSelector, labelSelectorOf } from '#controlplane/api/selectors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ScaleDefinition } from '#controlplane/api/resource.ts';
import type { Environment } from './environment.ts';
import { decodeStored, needsConversion } from './objects.ts';
import { acceptConfiguration, strictApplyError } from './applied-configuration.ts';
import { definitionAt, managerOf, setEntries, storedEntries } from './field-owners.ts';
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
  const change = updated(env, () => wanted, context);
  return changeScale(env, target, change, context, isConditional(wanted));
}

export function patchScale(
  env: Environment,
  target: Target,
  request: PatchRequest,
  context: WriteContext,
): Promise<KubernetesObject> {
  if (request.type === 'apply') return applyScale(env, target, request, context);
  reportProblems(request.problems, [], context, strictPatchError(target.definition, request.patch));
  const schemaless = { custom: true, schema: target.definition.schema };
  // kubectl sends merge patches here; a strategic merge of a Scale, which has no lists, is the same.
  const plain = request.type === 'strategic' ? { ...request, type: 'merge' as const } : request;
  const change = (scale: KubernetesObject): KubernetesObject =>
    acceptScale(target, applyPatch(schemaless, plain, scale));
  return changeScale(env, target, updated(env, change, context), context, false);
}

function applyScale(
  env: Environment,
  target: Target,
  request: PatchRequest,
  context: WriteContext,
): Promise<KubernetesObject> {
  const config = acceptConfiguration(scaleKind(), target.namespace, request.patch);
  reportProblems(request.problems, [], context, strictApplyError);
  acceptScale(target, config);
  const change: ScaleChange = (scale, entries) => {
    const { object, entries: owners } = applyConfiguration(scalePerspective(), scale, entries, {
      object: config,
      manager: managerOf(env, context),
      force: request.force === true,
    });
    return { wanted: acceptScale(target, copyJson(object)), owners };
  };
  return changeScale(env, target, change, context, false);
}

/** The wanted Scale, and who owns what in it. */
type ScaleChange = (
  scale: KubernetesObject,
  entries: readonly ManagedFieldsEntry[],
) => { readonly wanted: KubernetesObject; readonly owners: readonly ManagedFieldsEntry[] };

/** A change that is no apply: owners that nobody recorded before are not recorded now. */
function updated(
  env: Environment,
  change: (scale: KubernetesObject) => KubernetesObject,
  context: WriteContext,
): ScaleChange {
  return (scale, entries) => {
    const wanted = change(scale);
    if (entries.length === 0) return { wanted, owners: entries };
    const manager = managerOf(env, context);
    return {
      wanted,
      owners: ownersAfterUpdate(scalePerspective(), entries, scale, wanted, manager),
    };
  };
}

const scaleKind = lazy(() => {
  const schema = builtinSchema('autoscaling', 'v1', 'Scale');
  if (schema === undefined) throw new Error('the schema corpus has no autoscaling/v1 Scale');
  return { group: 'autoscaling', version: 'v1', kind: 'Scale', schema };
});

const scalePerspective = lazy((): Perspective => {
  const { schema } = scaleKind();
  return {
    apiVersion: SCALE_VERSION,
    subresource: 'scale',
    schemaOf: (apiVersion) => (apiVersion === SCALE_VERSION ? schema : undefined),
    reset: LEAF,
    excluded: untrackedBelow,
  };
});

async function changeScale(
  env: Environment,
  target: Target,
  change: ScaleChange,
  context: WriteContext,
  conditional: boolean,
): Promise<KubernetesObject> {
  const definition = scaleDefinition(target);
  const apiVersion = apiVersionOf(target.definition.group, target.definition.version);
  const pathOf: CountPath = (version) => {
    const scale = definitionAt(env, target.definition, version)?.scale;
    return scale === undefined ? undefined : countPath(scale.specReplicasPath);
  };
  const { stored } = await changeObject(
    env,
    target,
    '',
    {
      conditional,
      ownership: 'given',
      shown: {
        subresource: 'scale',
        kind: scaleKind(),
        show: (object) => scaleOf(definition, object),
        take: (object, scale) =>
          withReplicas(object, definition, replicasOf(target, acceptScale(target, scale))),
        refine: (scale) => void conformObject(scale, scaleKind().schema),
      },
      refusal: badRequest,
      apply(old) {
        const entries = storedEntries(old.metadata);
        const before = ownersOfScale(entries, pathOf);
        const { wanted, owners } = change(scaleOf(definition, old), before);
        if (
          isConditional(wanted) &&
          wanted.metadata.resourceVersion !== old.metadata.resourceVersion
        ) {
          throw conflict(target.definition, target.name);
        }
        const scaled = withReplicas(old, definition, replicasOf(target, wanted));
        const { uid = '' } = wanted.metadata;
        const metadata = { ...old.metadata, ...(uid === '' ? {} : { uid }) };
        const object = { ...scaled, metadata };
        setEntries(object, ownersAfterScale(entries, owners, apiVersion, pathOf));
        return { object, problems: [] };
      },
    },
    context,
  );
  if (needsConversion(target.definition, stored)) {
    await env.conversions.show(target.definition, [stored], context.signal);
  }
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
