// A template of Pods in a controller of Pods: it must be a Pod that its own selector finds and that the controller can keep running.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, unsupportedField } from '#controlplane/api/field-errors.ts';
import { objectAt, stringAt } from '#controlplane/api/fields.ts';
import { labelSelectorOf, matchesLabels } from '#controlplane/api/selectors.ts';
import { checkLabelValue, checkQualifiedName } from '#controlplane/api/names.ts';
import { validateLabelSelector } from './label-selector.ts';
import { validatePodSpec } from './pod-validation.ts';

export interface TemplateRules {
  /** Where the template stands: `spec.template`. */
  readonly at: string;
  /** In messages: `ReplicaSet`. Absent: any restart policy will do. */
  readonly alwaysRestartedBy?: string;
  /** The LabelSelector that must match. */
  readonly selector?: unknown;
  /** Names of volumes that the controller adds. */
  readonly volumes?: readonly string[];
}

export function validateTemplate(template: unknown, rules: TemplateRules): FieldError[] {
  const { at, alwaysRestartedBy: controller } = rules;
  const spec = objectAt(template, 'spec');
  const errors = validateTemplateLabels(template, rules);
  errors.push(...validatePodSpec(withVolumes(spec, rules.volumes ?? []), `${at}.spec`));
  if (controller === undefined) return errors;
  const restartPolicy = stringAt(spec, 'restartPolicy');
  if (restartPolicy !== 'Always') {
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

function withVolumes(spec: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return spec;
  const { volumes, ...rest } = objectAt(spec);
  const own = Array.isArray(volumes) ? (volumes as unknown[]) : [];
  const added = names.filter((name) => !own.some((volume) => stringAt(volume, 'name') === name));
  return { ...rest, volumes: [...own, ...added.map((name) => ({ name }))] };
}

function validateTemplateLabels(template: unknown, { at, selector }: TemplateRules): FieldError[] {
  const field = `${at}.metadata.labels`;
  const labels = objectAt(template, 'metadata', 'labels') as Record<string, string>;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    const wrongKey = checkQualifiedName(key);
    if (wrongKey !== undefined) errors.push(invalidField(field, key, wrongKey));
    const wrongValue = checkLabelValue(value);
    if (wrongValue !== undefined) errors.push(invalidField(field, value, wrongValue));
  }
  if (selector === undefined || validateLabelSelector(selector, '').length > 0) return errors;
  if (!matchesLabels(labelSelectorOf(objectAt(selector)), labels)) {
    errors.push(invalidField(field, labels, '`selector` does not match template `labels`'));
  }
  return errors;
}

/** A LabelSelector that selects nothing in particular is a mistake in a controller. */
export function validateOwnSelector(selector: unknown, at: string, kind: string): FieldError[] {
  const errors = validateLabelSelector(selector, at);
  const { matchLabels, matchExpressions } = objectAt(selector);
  const size = Object.keys(objectAt(matchLabels)).length;
  if (size === 0 && (!Array.isArray(matchExpressions) || matchExpressions.length === 0)) {
    errors.push(invalidField(at, selector, `empty selector is invalid for ${kind}`));
  }
  return errors;
}
