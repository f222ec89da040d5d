// A template of Pods in a controller of Pods: it must be a Pod that its own selector finds and that the controller can keep running.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { labelSelectorOf, matchesLabels } from '#controlplane/api/selectors.ts';
import { qualifiedNameProblems } from '#controlplane/api/names.ts';
import { validateLabels } from '../pod-rules/placement-rules.ts';
import { validatePodSpec } from '../pod-rules/pod-spec-rules.ts';
import { validateLabelSelector } from './label-selector.ts';

export interface TemplateRules {
  /** Where the template stands: `spec.template`. */
  readonly at: string;
  /** In messages: `ReplicaSet`. Absent: any restart policy will do. */
  readonly alwaysRestartedBy?: string;
  /** The LabelSelector that must match; undefined matches nothing. Absent: none is asked. */
  readonly selector?: unknown;
  /** Names of volumes that the controller adds. */
  readonly volumes?: readonly string[];
}

export function validateTemplate(template: unknown, rules: TemplateRules): FieldError[] {
  const { at, alwaysRestartedBy: controller } = rules;
  const spec = objectAt(template, 'spec');
  const errors = validateTemplateMetadata(template, rules);
  errors.push(...validatePodSpec(spec, `${at}.spec`, rules.volumes));
  if (listAt(spec, 'ephemeralContainers').length > 0) {
    const why = 'ephemeral containers not allowed in pod template';
    errors.push(forbiddenField(`${at}.spec.ephemeralContainers`, why));
  }
  if (controller === undefined) return errors;
  const restartPolicy = stringAt(spec, 'restartPolicy');
  if (restartPolicy !== 'Always' && restartPolicy !== '') {
    errors.push(unsupportedField(`${at}.spec.restartPolicy`, restartPolicy, ['Always']));
  }
  if (spec['activeDeadlineSeconds'] !== undefined) {
    errors.push(
      forbiddenField(
        `${at}.spec.activeDeadlineSeconds`,
        `activeDeadlineSeconds in ${controller} is not Supported`,
      ),
    );
  }
  return errors;
}

/** Upstream tells of labels and annotations as if they stood in the template itself. */
function validateTemplateMetadata(template: unknown, rules: TemplateRules): FieldError[] {
  const { at, selector } = rules;
  const labels = fieldAt(template, 'metadata', 'labels');
  const errors: FieldError[] = [...validateLabels(labels, `${at}.labels`)];
  for (const key of Object.keys(objectAt(template, 'metadata', 'annotations')))
    errors.push(
      ...invalidFields(`${at}.annotations`, key, qualifiedNameProblems(key.toLowerCase())),
    );
  if (!('selector' in rules) || validateLabelSelector(selector, '').length > 0) return errors;
  const found = objectAt(labels) as Record<string, string>;
  if (selector !== undefined && matchesLabels(labelSelectorOf(objectAt(selector)), found))
    return errors;
  const why = '`selector` does not match template `labels`';
  return [...errors, invalidField(`${at}.metadata.labels`, labels, why)];
}

/** A LabelSelector that selects nothing in particular, or cannot select, is a mistake in a controller. */
export function validateOwnSelector(selector: unknown, at: string, kind: string): FieldError[] {
  if (selector === undefined) return kind === 'daemonset' ? [] : [requiredField(at)];
  const errors = validateLabelSelector(selector, at);
  const isUnusable = errors.length > 0;
  const { matchLabels, matchExpressions } = objectAt(selector);
  const size = Object.keys(objectAt(matchLabels)).length;
  if (size === 0 && (!Array.isArray(matchExpressions) || matchExpressions.length === 0)) {
    errors.push(invalidField(at, selector, `empty selector is invalid for ${kind}`));
  }
  if (isUnusable && kind !== 'daemonset')
    errors.push(invalidField(at, selector, kind === 'statefulset' ? '' : 'invalid label selector'));
  return errors;
}
