// StatefulSet: kept and checked as upstream does; only some of its spec may change.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, unsupportedField } from '#controlplane/api/field-errors.ts';
import {
  fieldAt,
  isObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
} from '#controlplane/api/fields.ts';
import { checkDNSLabel } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';
import { validateClaimSpec } from '../pod-rules/claim-rules.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateOwnSelector, validateTemplate } from './pod-template.ts';
import { validateCounts } from './replica-counts.ts';

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

function fixedPart(object: KubernetesObject): unknown {
  const spec = { ...objectAt(object, 'spec') };
  for (const field of MUTABLE) delete spec[field];
  return spec;
}

function validate(object: KubernetesObject): FieldError[] {
  const spec = objectAt(object, 'spec');
  const errors: FieldError[] = [];
  const serviceName = stringAt(spec, 'serviceName');
  const wrong = serviceName === '' ? undefined : checkDNSLabel(serviceName);
  if (wrong !== undefined) errors.push(invalidField('spec.serviceName', serviceName, wrong));
  errors.push(...validatePolicies(spec));
  const strategy = objectAt(spec, 'updateStrategy');
  if (strategy['type'] === 'OnDelete' && strategy['rollingUpdate'] !== undefined) {
    errors.push(
      invalidField(
        'spec.updateStrategy.rollingUpdate',
        strategy['rollingUpdate'],
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    );
  }
  errors.push(...validateOwnSelector(spec['selector'], 'spec.selector', 'statefulset'));
  errors.push(
    ...validateTemplate(spec['template'], {
      at: 'spec.template',
      alwaysRestartedBy: 'StatefulSet',
      selector: spec['selector'],
      volumes: listAt(spec, 'volumeClaimTemplates').map((claim) =>
        stringAt(claim, 'metadata', 'name'),
      ),
    }),
  );
  return errors;
}

function validatePolicies(spec: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const management = stringAt(spec, 'podManagementPolicy');
  if (!['', 'OrderedReady', 'Parallel'].includes(management)) {
    const why = "must be 'OrderedReady' or 'Parallel'";
    errors.push(invalidField('spec.podManagementPolicy', management, why));
  }
  const strategy = objectAt(spec, 'updateStrategy');
  if (!['', 'RollingUpdate', 'OnDelete'].includes(stringAt(strategy, 'type'))) {
    const why = "must be 'RollingUpdate' or 'OnDelete'";
    errors.push(invalidField('spec.updateStrategy', strategy, why));
  }
  for (const [path, field] of [
    [['updateStrategy', 'rollingUpdate', 'partition'], 'updateStrategy.rollingUpdate.partition'],
    [['ordinals', 'start'], 'ordinals.start'],
    [['replicas'], 'replicas'],
    [['minReadySeconds'], 'minReadySeconds'],
  ] as const) {
    const count = numberAt(spec, ...path);
    if (count < 0)
      errors.push(invalidField(`spec.${field}`, count, 'must be greater than or equal to 0'));
  }
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const at = `spec.persistentVolumeClaimRetentionPolicy.${when}`;
    const policy = fieldAt(spec, 'persistentVolumeClaimRetentionPolicy', when);
    if (policy !== undefined && policy !== 'Retain' && policy !== 'Delete')
      errors.push(unsupportedField(at, policy, ['Retain', 'Delete']));
  }
  for (const [index, claim] of listAt(spec, 'volumeClaimTemplates').entries())
    errors.push(
      ...validateClaimSpec(fieldAt(claim, 'spec'), `spec.volumeClaimTemplates[${index}].spec`),
    );
  return errors;
}

export const statefulSetStrategy: Strategy = {
  hasGeneration: true,
  checkName: checkDNSLabel,
  applyDefaults(object) {
    applyTemplateDefaults(fieldAt(object, 'spec', 'template'));
    for (const claim of listAt(object, 'spec', 'volumeClaimTemplates')) {
      if (!isObject(claim)) continue;
      claim['apiVersion'] = 'v1';
      claim['kind'] = 'PersistentVolumeClaim';
      claim['status'] = { phase: 'Pending', ...objectAt(claim, 'status') };
    }
  },
  validate,
  validateUpdate(object, old, subresource) {
    if (subresource === 'status')
      return validateCounts(object, [
        'readyReplicas',
        'currentReplicas',
        'updatedReplicas',
        'availableReplicas',
      ]);
    if (sameJSON(fixedPart(object), fixedPart(old))) return [];
    return [
      forbiddenField(
        'spec',
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    ];
  },
};
