// Mutating- and ValidatingWebhookConfiguration: what is called, when and how. Who calls them: controlplane/admission.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  invalidField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';
import { validateMatchConditions, validateRules } from './admission-rules.ts';
import { validateLabelSelector } from './label-selector.ts';

const REVIEW_VERSIONS: readonly unknown[] = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];

/** A webhook has a name of the Internet's kind, so that no two authors choose the same. */
function nameProblem(name: string): string | undefined {
  const wrong = checkDNSSubdomain(name);
  if (wrong !== undefined) return wrong;
  return name.split('.').length < 3
    ? 'should be a domain with at least three segments separated by dots'
    : undefined;
}

function validateClient(webhook: unknown, field: string): FieldError[] {
  const url = stringAt(webhook, 'clientConfig', 'url');
  const service = fieldAt(webhook, 'clientConfig', 'service');
  if ((url === '') === (service === undefined)) {
    return [requiredField(`${field}.clientConfig`, 'exactly one of url or service is required')];
  }
  if (url === '') {
    const path = stringAt(service, 'path');
    return path === '' || path.startsWith('/')
      ? []
      : [invalidField(`${field}.clientConfig.service.path`, path, "must start with a '/'")];
  }
  const at = `${field}.clientConfig.url`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'https:') {
    const why = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
    return [invalidField(at, url, why)];
  }
  const hidden = parsed.username !== '' || parsed.search !== '' || parsed.hash !== '';
  const why = 'user information, query parameters and fragments are not permitted in the URL';
  return hidden ? [invalidField(at, url, why)] : [];
}

function validateWebhook(webhook: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(webhook, 'name');
  const wrong = nameProblem(name);
  if (wrong !== undefined) errors.push(invalidField(`${field}.name`, name, wrong));
  const sideEffects = stringAt(webhook, 'sideEffects');
  if (!SIDE_EFFECTS.includes(sideEffects)) {
    errors.push(unsupportedField(`${field}.sideEffects`, sideEffects, SIDE_EFFECTS));
  }
  const versions = listAt(webhook, 'admissionReviewVersions');
  if (versions.length === 0) {
    const why = 'must specify one of v1, v1beta1';
    errors.push(requiredField(`${field}.admissionReviewVersions`, why));
  } else if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    const why = 'must include at least one of v1, v1beta1';
    errors.push(invalidField(`${field}.admissionReviewVersions`, versions, why));
  }
  const timeout = numberAt(webhook, 'timeoutSeconds');
  if (timeout < 1 || timeout > 30) {
    const why = 'the timeout value must be between 1 and 30 seconds';
    errors.push(invalidField(`${field}.timeoutSeconds`, timeout, why));
  }
  for (const selector of ['namespaceSelector', 'objectSelector']) {
    errors.push(...validateLabelSelector(fieldAt(webhook, selector), `${field}.${selector}`));
  }
  for (const [index, rule] of listAt(webhook, 'rules').entries()) {
    errors.push(...validateRules(rule, `${field}.rules[${index}]`));
  }
  errors.push(...validateMatchConditions(webhook, field));
  return [...errors, ...validateClient(webhook, field)];
}

export const webhookConfigurationStrategy: Strategy = {
  hasGeneration: true,
  needsResourceVersion: true,
  counted: ({ webhooks }) => webhooks,
  validate(object) {
    const names = new Set<string>();
    return listAt(object, 'webhooks').flatMap((webhook, index) => {
      const field = `webhooks[${index}]`;
      const errors = validateWebhook(webhook, field);
      const name = stringAt(webhook, 'name');
      if (names.has(name)) errors.push(duplicateField(`${field}.name`, name));
      names.add(name);
      return errors;
    });
  },
};
