// Job: a generated selector, and a template whose Pods come to an end.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';
import { validateLabelSelector } from './label-selector.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateTemplate } from './pod-template.ts';

const UNLIMITED = 2 ** 31 - 1;
const UID_LABEL = 'batch.kubernetes.io/controller-uid';
/** With and without the prefix, which older clients do not know. */
const NAME_LABELS = ['job-name', 'batch.kubernetes.io/job-name'];
const UID_LABELS = ['controller-uid', UID_LABEL];

/** The Pods of a Job are found by its uid, unless its author says otherwise. */
function generateSelector({ metadata, spec }: KubernetesObject): void {
  if (!isObject(spec) || spec['manualSelector'] === true) return;
  const template = objectAt(spec, 'template');
  const templateMeta = { ...objectAt(template, 'metadata') };
  templateMeta['labels'] = {
    ...Object.fromEntries(NAME_LABELS.map((label) => [label, metadata.name ?? ''])),
    ...Object.fromEntries(UID_LABELS.map((label) => [label, metadata.uid ?? ''])),
    ...objectAt(templateMeta, 'labels'),
  };
  template['metadata'] = templateMeta;
  const selector = objectAt(spec, 'selector');
  const matchLabels = { [UID_LABEL]: metadata.uid ?? '', ...objectAt(selector, 'matchLabels') };
  spec['selector'] = { ...selector, matchLabels };
}

function applyDefaults(object: KubernetesObject): void {
  const spec = object['spec'];
  if (!isObject(spec)) return;
  applyTemplateDefaults(spec['template']);
  if (spec['completions'] === undefined && spec['parallelism'] === undefined)
    spec['completions'] = 1;
  spec['parallelism'] ??= 1;
  spec['backoffLimit'] ??= spec['backoffLimitPerIndex'] === undefined ? 6 : UNLIMITED;
  spec['completionMode'] ??= 'NonIndexed';
  spec['suspend'] ??= false;
  spec['manualSelector'] ??= false;
  spec['podReplacementPolicy'] ??=
    spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed';
}

/** Rules of a JobSpec that hold in the template of a CronJob too. */
export function validateJobSpec(spec: unknown, at: string): FieldError[] {
  const { completions, completionMode, backoffLimitPerIndex, maxFailedIndexes, successPolicy } =
    objectAt(spec);
  const errors: FieldError[] = [];
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    const why = 'when maxFailedIndexes is specified';
    errors.push(requiredField(`${at}.backoffLimitPerIndex`, why));
  }
  if (completionMode === 'Indexed') {
    if (completions === undefined)
      errors.push(requiredField(`${at}.completions`, 'when completion mode is Indexed'));
    else if (Number(maxFailedIndexes ?? 0) > Number(completions)) {
      const why = 'must be less than or equal to completions';
      errors.push(invalidField(`${at}.maxFailedIndexes`, maxFailedIndexes, why));
    }
  } else {
    for (const [field, value] of Object.entries({
      backoffLimitPerIndex,
      maxFailedIndexes,
      successPolicy,
    })) {
      if (value === undefined) continue;
      errors.push(invalidField(`${at}.${field}`, value, 'requires indexed completion mode'));
    }
  }
  const field = `${at}.template.spec.restartPolicy`;
  const restartPolicy = stringAt(spec, 'template', 'spec', 'restartPolicy');
  if (restartPolicy === 'Always' || restartPolicy === '') {
    errors.push(requiredField(field, 'valid values: "OnFailure", "Never"'));
  } else if (fieldAt(spec, 'podFailurePolicy') !== undefined && restartPolicy !== 'Never') {
    const why = 'only "Never" is supported when podFailurePolicy is specified';
    errors.push(invalidField(field, restartPolicy, why));
  }
  return errors;
}

const FIXED = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

/** While a Job is suspended and has not run, a queue may still decide where and with how much its Pods will run. */
function mayChangeTemplate(old: KubernetesObject): boolean {
  return (
    fieldAt(old, 'spec', 'suspend') === true && fieldAt(old, 'status', 'startTime') === undefined
  );
}

function validateUpdate(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  const before = objectAt(old, 'spec');
  const spec = objectAt(object, 'spec');
  const errors: FieldError[] = [];
  const fixed = (field: string): void => {
    if (!sameJSON(spec[field], before[field]))
      errors.push(invalidField(`spec.${field}`, spec[field], 'field is immutable'));
  };
  // An indexed Job may grow and shrink together with its parallelism.
  const isElastic =
    spec['completionMode'] === 'Indexed' && spec['completions'] === spec['parallelism'];
  if (!isElastic) fixed('completions');
  if (!mayChangeTemplate(old)) fixed('template');
  for (const field of FIXED) fixed(field);
  return errors;
}

export const jobStrategy: Strategy = {
  hasGeneration: true,
  defaultPropagation: 'Orphan',
  prepareForCreate: generateSelector,
  applyDefaults(object) {
    applyDefaults(object);
    const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels');
    const own = object.metadata.labels ?? {};
    if (Object.keys(own).length > 0 || Object.keys(labels).length === 0) return;
    object.metadata.labels = { ...(labels as Record<string, string>) };
  },
  validate(object) {
    const spec = objectAt(object, 'spec');
    const selector = spec['selector'];
    return [
      ...validateJobSpec(spec, 'spec'),
      ...validateTemplate(spec['template'], { at: 'spec.template', selector }),
      ...(selector === undefined ? [requiredField('spec.selector')] : []),
      ...validateLabelSelector(selector, 'spec.selector'),
    ];
  },
  validateUpdate: (object, old, subresource) =>
    subresource === '' ? validateUpdate(object, old) : [],
};
