// CustomResourceDefinition: names are accepted and the kind established within the write itself; there is one process,
// so nobody has to be waited for. What follows from it is in crds.ts.
import { conditionOf, fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { validateCustomResourceDefinition } from '#controlplane/api/custom-resource.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import type { Environment } from '../environment.ts';
import type { Strategy } from '../strategy.ts';

export const CUSTOM_RESOURCE_DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Whether a CustomResourceDefinition made it. */
function isDefined({ custom, isVirtual }: ResourceDefinition): boolean {
  return custom && isVirtual !== true;
}

/** The first clash of names with another kind of the group. */
function namesVerdict(object: KubernetesObject, env: Environment): Verdict {
  const group = stringAt(object, 'spec', 'group');
  const names = objectAt(object, 'spec', 'names');
  const plural = stringAt(names, 'plural');
  const shortNames = listAt(names, 'shortNames').map(String);
  const others = env.scheme
    .definitions()
    .filter((other) => other.group === group && !(isDefined(other) && other.resource === plural));
  const taken = (name: string, of: (other: ResourceDefinition) => readonly string[]): boolean =>
    others.some((other) => of(other).includes(name));
  const resourceNames = (other: ResourceDefinition): readonly string[] => [
    other.resource,
    other.singular,
    ...other.shortNames,
  ];
  const kindNames = (other: ResourceDefinition): readonly string[] => [other.kind, other.listKind];
  const refuse = (reason: string, name: string): Verdict => ({
    status: 'False',
    reason,
    message: `"${name}" is already in use`,
  });
  if (taken(plural, resourceNames)) return refuse('PluralConflict', plural);
  const singular = stringAt(names, 'singular');
  if (taken(singular, resourceNames)) return refuse('SingularConflict', singular);
  const short = shortNames.find((name) => taken(name, resourceNames));
  if (short !== undefined) return refuse('ShortNamesConflict', short);
  const kind = stringAt(names, 'kind');
  if (taken(kind, kindNames)) return refuse('KindConflict', kind);
  const listKind = stringAt(names, 'listKind');
  if (taken(listKind, kindNames)) return refuse('ListKindConflict', listKind);
  return { status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
}

function setCondition(
  conditions: unknown[],
  old: KubernetesObject | undefined,
  type: string,
  verdict: Verdict,
  env: Environment,
): void {
  const before = conditionOf(old, type);
  const lastTransitionTime =
    before['status'] === verdict.status
      ? before['lastTransitionTime']
      : formatTimestamp(env.clock.now());
  conditions.push({ lastTransitionTime, ...verdict, type });
}

function setStatus(
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  env: Environment,
): void {
  const conditions: unknown[] = [];
  const names = namesVerdict(object, env);
  setCondition(conditions, old, 'NamesAccepted', names, env);
  // Once established always established: instances may exist.
  const wasEstablished = conditionOf(old, 'Established')['status'] === 'True';
  const established: Verdict =
    names.status === 'True' || wasEstablished
      ? {
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
      : { status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  setCondition(conditions, old, 'Established', established, env);
  if (object.metadata.deletionTimestamp !== undefined) {
    setCondition(
      conditions,
      old,
      'Terminating',
      {
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      },
      env,
    );
  }
  const storage = listAt(object, 'spec', 'versions').find(
    (version) => objectAt(version)['storage'] === true,
  );
  const storedVersions = new Set(listAt(old, 'status', 'storedVersions').map(String));
  if (storage !== undefined) storedVersions.add(stringAt(storage, 'name'));
  const acceptedNames =
    names.status === 'True'
      ? fieldAt(object, 'spec', 'names')
      : fieldAt(old, 'status', 'acceptedNames');
  object['status'] = {
    conditions,
    ...(acceptedNames === undefined ? {} : { acceptedNames }),
    storedVersions: [...storedVersions],
  };
}

function applyDefaults(object: KubernetesObject): void {
  const names = objectAt(object, 'spec', 'names');
  const kind = stringAt(names, 'kind');
  if (stringAt(names, 'singular') === '') names['singular'] = kind.toLowerCase();
  if (stringAt(names, 'listKind') === '') names['listKind'] = `${kind}List`;
  const spec = objectAt(object, 'spec');
  spec['conversion'] ??= { strategy: 'None' };
}

export const customResourceDefinitionStrategy: Strategy = {
  needsResourceVersion: true,
  hasGeneration: true,
  prepareForCreate(object, env) {
    applyDefaults(object);
    setStatus(object, undefined, env);
  },
  prepareForUpdate(object, old, subresource, env) {
    applyDefaults(object);
    if (subresource === '') setStatus(object, old, env);
  },
  applyDefaults,
  validate: validateCustomResourceDefinition,
  validateUpdate(object, old, subresource) {
    if (subresource !== '') return [];
    const errors = ['group', 'scope'].flatMap((field) => {
      const value = objectAt(object, 'spec')[field];
      return value === objectAt(old, 'spec')[field]
        ? []
        : [invalidField(`spec.${field}`, value, 'field is immutable')];
    });
    for (const field of ['plural', 'kind']) {
      const value = stringAt(object, 'spec', 'names', field);
      if (value !== stringAt(old, 'spec', 'names', field)) {
        errors.push(invalidField(`spec.names.${field}`, value, 'field is immutable'));
      }
    }
    const versions = listAt(object, 'spec', 'versions').map((version) => stringAt(version, 'name'));
    for (const [index, stored] of listAt(old, 'status', 'storedVersions').entries()) {
      if (versions.includes(String(stored))) continue;
      errors.push(
        invalidField(
          `status.storedVersions[${index}]`,
          stored,
          'must appear in spec.versions: objects may be stored in it',
        ),
      );
    }
    return errors;
  },
  prepareForDelete(object, env) {
    const { metadata } = object;
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
    setStatus(object, object, env);
  },
};
