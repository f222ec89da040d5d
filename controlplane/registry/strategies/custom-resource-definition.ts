// CustomResourceDefinition: names are accepted and the kind established within the write itself; there is one process,
// so nobody has to be waited for. What follows from it is in crds.ts.
import { conditionOf, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { validateCustomResourceDefinition } from '#controlplane/api/custom-resource.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import type { Environment } from '../environment.ts';
import type { Strategy } from '../strategy.ts';
import { approvalProblem, approvalVerdict } from './api-approval.ts';
import { acceptNames } from './custom-resource-names.ts';
import type { Verdict } from './custom-resource-names.ts';

export const CUSTOM_RESOURCE_DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

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
  const { names, verdict } = acceptNames(object, old, env);
  setCondition(conditions, old, 'NamesAccepted', verdict, env);
  // Once established always established: instances may exist.
  const wasEstablished = conditionOf(old, 'Established')['status'] === 'True';
  const established: Verdict =
    verdict.status === 'True' || wasEstablished
      ? {
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
      : { status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  setCondition(conditions, old, 'Established', established, env);
  const approval = approvalVerdict(object);
  if (approval !== undefined) {
    setCondition(conditions, old, 'KubernetesAPIApprovalPolicyConformant', approval, env);
  }
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
  object['status'] = { conditions, acceptedNames: names, storedVersions: [...storedVersions] };
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
  validateCreate: (object) => approvalProblem(object, undefined),
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
    return [...errors, ...approvalProblem(object, old)];
  },
  prepareForDelete(object, env) {
    const { metadata } = object;
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
    setStatus(object, object, env);
  },
};
