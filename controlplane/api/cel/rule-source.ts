// One entry of `x-kubernetes-validations` as users write it, and what is wrong with it apart from the expressions.
import type { FieldError } from '../errors.ts';
import {
  invalidField,
  requiredField,
  typeInvalidField,
  unsupportedField,
} from '../field-errors.ts';
import { fieldOf, isJsonObject } from '../schema/json-value.ts';

const REASONS = [
  'FieldValueInvalid',
  'FieldValueForbidden',
  'FieldValueRequired',
  'FieldValueDuplicate',
] as const;

export type RuleReason = (typeof REASONS)[number];

export interface RuleSource {
  readonly rule: string;
  readonly message: string | undefined;
  readonly messageExpression: string | undefined;
  readonly reason: RuleReason;
  /** `.spec.name`, below where the rule stands. */
  readonly fieldPath: string | undefined;
  readonly optionalOldSelf: boolean | undefined;
}

/** @param path of the entry: `….x-kubernetes-validations[0]` */
export function readRule(entry: unknown, path: string): RuleSource | readonly FieldError[] {
  if (!isJsonObject(entry)) return [typeInvalidField(path, entry, 'must be an object')];
  const errors: FieldError[] = [];
  const text = (name: string): string | undefined => {
    const value = fieldOf(entry, name) ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    errors.push(typeInvalidField(`${path}.${name}`, value, 'must be a string'));
    return undefined;
  };
  const rule = text('rule') ?? '';

  const message = text('message');
  const messageExpression = text('messageExpression');
  const reason = text('reason') ?? 'FieldValueInvalid';
  const fieldPath = text('fieldPath');
  const optionalOldSelf = fieldOf(entry, 'optionalOldSelf') ?? undefined;
  if (optionalOldSelf !== undefined && typeof optionalOldSelf !== 'boolean') {
    const at = `${path}.optionalOldSelf`;
    errors.push(typeInvalidField(at, optionalOldSelf, 'must be true or false'));
  }
  if (rule.trim() === '' && errors.length === 0) {
    errors.push(requiredField(`${path}.rule`, 'rule is not specified'));
  }
  if (message !== undefined && message.trim() === '') {
    const detail = 'message must be non-empty if specified';
    errors.push(invalidField(`${path}.message`, message, detail));
  } else if (message !== undefined && /[\r\n]/.test(message)) {
    errors.push(invalidField(`${path}.message`, message, 'message must not contain line breaks'));
  } else if (message === undefined && /[\r\n]/.test(rule.trim())) {
    const detail = 'message must be specified if rule contains line breaks';
    errors.push(requiredField(`${path}.message`, detail));
  }
  if (messageExpression?.trim() === '') {
    const detail = 'messageExpression must be non-empty if specified';
    errors.push(requiredField(`${path}.messageExpression`, detail));
  }
  const known = REASONS.find((name) => name === reason);
  if (known === undefined) errors.push(unsupportedField(`${path}.reason`, reason, REASONS));
  if (errors.length > 0) return errors;
  return {
    rule,
    message: message?.trim(),
    messageExpression,
    reason: known ?? 'FieldValueInvalid',
    fieldPath,
    optionalOldSelf: typeof optionalOldSelf === 'boolean' ? optionalOldSelf : undefined,
  };
}
