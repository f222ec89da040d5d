// ReplicationController: the selector is plain labels, and those of the template where there is none.
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, objectAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateTemplate } from './pod-template.ts';
import { validateCounts } from './replica-counts.ts';

export const replicationControllerStrategy: Strategy = {
  hasGeneration: true,
  defaultPropagation: 'Orphan',
  applyDefaults(object) {
    const spec = objectAt(object, 'spec');
    const labels = objectAt(spec, 'template', 'metadata', 'labels');
    applyTemplateDefaults(spec['template']);
    if (Object.keys(labels).length === 0) return;
    if (Object.keys(objectAt(spec, 'selector')).length === 0) spec['selector'] = { ...labels };
    const own = object.metadata.labels ?? {};
    if (Object.keys(own).length === 0)
      object.metadata.labels = { ...(labels as Record<string, string>) };
  },
  validate(object) {
    const selector = objectAt(object, 'spec', 'selector');
    const template = fieldAt(object, 'spec', 'template');
    const errors =
      template === undefined
        ? []
        : validateTemplate(template, {
            at: 'spec.template',
            alwaysRestartedBy: 'ReplicationController',
            selector: { matchLabels: selector },
          });
    if (Object.keys(selector).length === 0) errors.unshift(requiredField('spec.selector'));
    const minimum = fieldAt(object, 'spec', 'minReadySeconds');
    if (typeof minimum === 'number' && minimum < 0) {
      const why = 'must be greater than or equal to 0';
      errors.push(invalidField('spec.minReadySeconds', minimum, why));
    }
    return errors;
  },
  validateUpdate: (object, _old, subresource) =>
    subresource === 'status'
      ? validateCounts(object, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
      : [],
};
