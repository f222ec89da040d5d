// PodTemplate: a template of Pods that stands by itself.
import { fieldAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateTemplate } from './pod-template.ts';

export const podTemplateStrategy: Strategy = {
  hasGeneration: true,
  counted: ({ template }) => template,
  applyDefaults: (object) => applyTemplateDefaults(fieldAt(object, 'template')),
  validate: (object) => validateTemplate(fieldAt(object, 'template'), { at: 'template' }),
};
