// Deployment, ReplicaSet and DaemonSet: kept and checked as upstream does. Nothing here acts on them yet.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from '../strategy.ts';
import { sameJSON } from '../equality.ts';
import { isNothing, validateAmountOrPercent, validateShare } from './amount-or-percent.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateOwnSelector, validateTemplate } from './pod-template.ts';
import { validateCounts } from './replica-counts.ts';

/** The parameters of a rolling update, where that is the strategy. @param field `strategy` or `updateStrategy` */
function defaultRollingUpdate(
  object: KubernetesObject,
  field: string,
  defaults: Readonly<Record<string, unknown>>,
): void {
  const strategy = objectAt(object, 'spec')[field];
  if (!isObject(strategy) || strategy['type'] !== 'RollingUpdate') return;
  strategy['rollingUpdate'] = { ...defaults, ...objectAt(strategy, 'rollingUpdate') };
}

const IMMUTABLE = 'field is immutable';

export function validateFixedSelector(
  object: KubernetesObject,
  old: KubernetesObject,
): FieldError[] {
  const selector = fieldAt(object, 'spec', 'selector');
  return sameJSON(selector, fieldAt(old, 'spec', 'selector'))
    ? []
    : [invalidField('spec.selector', selector, IMMUTABLE)];
}

function validateWorkload(
  object: KubernetesObject,
  kind: string,
  controller: string,
): FieldError[] {
  const selector = fieldAt(object, 'spec', 'selector');
  return [
    ...validateOwnSelector(selector, 'spec.selector', kind),
    ...validateTemplate(fieldAt(object, 'spec', 'template'), {
      at: 'spec.template',
      alwaysRestartedBy: controller,
      selector,
    }),
  ];
}

function validateStrategy(object: KubernetesObject): FieldError[] {
  const strategy = objectAt(object, 'spec', 'strategy');
  const rolling = fieldAt(strategy, 'rollingUpdate');
  const at = 'spec.strategy.rollingUpdate';
  switch (strategy['type']) {
    case 'Recreate':
      return rolling === undefined
        ? []
        : [forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'")];
    case 'RollingUpdate': {
      const { maxSurge, maxUnavailable } = objectAt(rolling);
      const errors = [
        ...validateShare(maxUnavailable, `${at}.maxUnavailable`),
        ...validateAmountOrPercent(maxSurge, `${at}.maxSurge`),
      ];
      if (isNothing(maxUnavailable) && isNothing(maxSurge)) {
        const why = 'may not be 0 when `maxSurge` is 0';
        errors.push(invalidField(`${at}.maxUnavailable`, maxUnavailable, why));
      }
      return errors;
    }
    case undefined:
      return [];
    default:
      return [unsupportedField('spec.strategy', strategy, ['Recreate', 'RollingUpdate'])];
  }
}

function validateDeadline(object: KubernetesObject): FieldError[] {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = objectAt(object, 'spec');
  if (typeof deadline !== 'number' || deadline > Number(minReadySeconds)) return [];
  const why = 'must be greater than minReadySeconds';
  return [invalidField('spec.progressDeadlineSeconds', deadline, why)];
}

export const deploymentStrategy: Strategy = {
  hasGeneration: true,
  // Annotations are copied to the ReplicaSets, so a change of them is work too.
  counted: ({ metadata, spec }) => ({ spec, annotations: metadata.annotations ?? {} }),
  applyDefaults(object) {
    applyTemplateDefaults(fieldAt(object, 'spec', 'template'));
    defaultRollingUpdate(object, 'strategy', { maxUnavailable: '25%', maxSurge: '25%' });
  },
  validate: (object) => [
    ...validateWorkload(object, 'deployment', 'ReplicaSet'),
    ...validateStrategy(object),
    ...validateDeadline(object),
  ],
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateCounts(object, ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
      : validateFixedSelector(object, old),
};

export const replicaSetStrategy: Strategy = {
  hasGeneration: true,
  applyDefaults: (object) => applyTemplateDefaults(fieldAt(object, 'spec', 'template')),
  validate: (object) => validateWorkload(object, 'deployment', 'ReplicaSet'),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateCounts(object, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
      : validateFixedSelector(object, old),
};

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function countTemplate(object: KubernetesObject, count: number): void {
  const { metadata } = object;
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(count) };
}

export const daemonSetStrategy: Strategy = {
  hasGeneration: true,
  prepareForCreate: (object) => countTemplate(object, 1),
  applyDefaults(object) {
    applyTemplateDefaults(fieldAt(object, 'spec', 'template'));
    defaultRollingUpdate(object, 'updateStrategy', { maxSurge: 0, maxUnavailable: 1 });
  },
  // After the defaults: only then can the templates be compared.
  finishUpdate(object, old) {
    const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 1);
    const isNew = !sameJSON(fieldAt(object, 'spec', 'template'), fieldAt(old, 'spec', 'template'));
    countTemplate(object, isNew ? before + 1 : before);
  },
  validate(object) {
    const at = 'spec.updateStrategy.rollingUpdate';
    const { maxSurge, maxUnavailable } = objectAt(
      object,
      'spec',
      'updateStrategy',
      'rollingUpdate',
    );
    const errors = [
      ...validateWorkload(object, 'daemonset', 'DaemonSet'),
      ...validateShare(maxUnavailable, `${at}.maxUnavailable`),
      ...validateShare(maxSurge, `${at}.maxSurge`),
    ];
    const type = stringAt(object, 'spec', 'updateStrategy', 'type');
    if (type !== '' && type !== 'RollingUpdate' && type !== 'OnDelete') {
      const strategy = fieldAt(object, 'spec', 'updateStrategy');
      errors.push(unsupportedField('spec.updateStrategy', strategy, ['RollingUpdate', 'OnDelete']));
    }
    if (type !== 'RollingUpdate') return errors;
    const surge = !isNothing(maxSurge);
    const unavailable = !isNothing(maxUnavailable);
    if (surge && unavailable) {
      const why = 'may not be set when maxUnavailable is non-zero';
      errors.push(invalidField(`${at}.maxSurge`, maxSurge, why));
    } else if (!surge && !unavailable) {
      const why = 'cannot be 0 when maxSurge is 0';
      errors.push(requiredField(`${at}.maxUnavailable`, why));
    }
    return errors;
  },
  validateUpdate: (object, old, subresource) =>
    subresource === 'status' ? [] : validateFixedSelector(object, old),
};
