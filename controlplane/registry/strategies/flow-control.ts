// FlowSchema and PriorityLevelConfiguration: kept and checked; how requests share this server is not read from them yet.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';

const SUBJECTS: Readonly<Record<string, string>> = {
  User: 'user',
  Group: 'group',
  ServiceAccount: 'serviceAccount',
};

function validateSubject(subject: unknown, field: string): FieldError[] {
  const kind = stringAt(subject, 'kind');
  const errors: FieldError[] = [];
  for (const [other, part] of Object.entries(SUBJECTS)) {
    const isGiven = fieldAt(subject, part) !== undefined;
    if (other === kind && !isGiven) {
      errors.push(
        requiredField(`${field}.${part}`, `${part} is required when subject kind is '${kind}'`),
      );
    } else if (other !== kind && isGiven) {
      const why = `${part} is forbidden when subject kind is not '${other}'`;
      errors.push(forbiddenField(`${field}.${part}`, why));
    } else if (other === kind && stringAt(subject, part, 'name') === '') {
      errors.push(requiredField(`${field}.${part}.name`));
    }
  }
  return errors;
}

function validateRule(rule: unknown, field: string): FieldError[] {
  const subjects = listAt(rule, 'subjects');
  const errors = subjects.flatMap((subject, index) =>
    validateSubject(subject, `${field}.subjects[${index}]`),
  );
  if (subjects.length === 0) {
    errors.push(requiredField(`${field}.subjects`, 'subjects must contain at least one value'));
  }
  const resources = listAt(rule, 'resourceRules');
  if (resources.length === 0 && listAt(rule, 'nonResourceRules').length === 0) {
    const why = 'at least one of resourceRules and nonResourceRules has to be non-empty';
    errors.push(requiredField(field, why));
  }
  for (const [index, resource] of resources.entries()) {
    if (fieldAt(resource, 'clusterScope') === true || listAt(resource, 'namespaces').length > 0)
      continue;
    const why = 'resource rules that are not cluster scoped must supply at least one namespace';
    errors.push(requiredField(`${field}.resourceRules[${index}].namespaces`, why));
  }
  return errors;
}

export const flowSchemaStrategy: Strategy = {
  hasGeneration: true,
  validate(object) {
    const errors = listAt(object, 'spec', 'rules').flatMap((rule, index) =>
      validateRule(rule, `spec.rules[${index}]`),
    );
    const precedence = numberAt(object, 'spec', 'matchingPrecedence');
    if (precedence === 1 && object.metadata.name !== 'exempt') {
      const why = "only the schema named 'exempt' may have matchingPrecedence 1";
      errors.push(invalidField('spec.matchingPrecedence', precedence, why));
    }
    return errors;
  },
};

function validateLimited(limited: unknown): FieldError[] {
  const response = objectAt(limited, 'limitResponse');
  const field = 'spec.limited.limitResponse.queuing';
  const queuing = response['queuing'];
  if (response['type'] === 'Reject' && queuing !== undefined) {
    return [forbiddenField(field, 'must be nil if limited.limitResponse.type is not Limited')];
  }
  if (response['type'] !== 'Queue') return [];
  if (queuing === undefined) {
    return [requiredField(field, 'must not be empty if limited.limitResponse.type is Limited')];
  }
  const errors: FieldError[] = [];
  const hands = numberAt(queuing, 'handSize');
  const queues = numberAt(queuing, 'queues');
  if (hands > queues) {
    const why = `should not be greater than queues (${queues})`;
    errors.push(invalidField(`${field}.handSize`, hands, why));
  }
  return errors;
}

export const priorityLevelStrategy: Strategy = {
  hasGeneration: true,
  validate(object) {
    const spec = objectAt(object, 'spec');
    const isExempt = spec['type'] === 'Exempt';
    const errors: FieldError[] = [];
    if (isExempt !== (object.metadata.name === 'exempt')) {
      const why = "must be 'Exempt' if and only if `name` is 'exempt'";
      errors.push(invalidField('spec.type', spec['type'], why));
    }
    if (isExempt && spec['limited'] !== undefined) {
      errors.push(forbiddenField('spec.limited', 'must be nil if the type is not Limited'));
    }
    if (!isExempt && spec['exempt'] !== undefined) {
      errors.push(forbiddenField('spec.exempt', 'must be nil if the type is Limited'));
    }
    if (!isExempt && spec['limited'] === undefined) {
      errors.push(requiredField('spec.limited', 'must not be empty when type is Limited'));
    }
    return [...errors, ...validateLimited(spec['limited'])];
  },
};
