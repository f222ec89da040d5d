// Everything that is checked of a finished object, in one order: metadata, schema, then the kind's own rules, which may
// rely on the types that the schema promised.
import type { FieldError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Trusted } from '#controlplane/api/schema/trusted.ts';
import { validateSchema } from '#controlplane/api/schema/validate.ts';
import { validateMetadata, validateMetadataUpdate } from './metadata.ts';
import { brokenRules } from './rules.ts';
import { checkNameOf } from './strategy-table.ts';
import type { Strategy } from './strategy.ts';

export function validateNew(
  definition: ResourceDefinition,
  strategy: Strategy,
  object: KubernetesObject,
): FieldError[] {
  const errors = validateMetadata(object.metadata, checkNameOf(strategy));
  errors.push(...schemaErrors(definition, strategy, object));
  errors.push(...brokenRules(definition, object, undefined, errors));
  if (errors.some(isOfType)) return errors;
  const own = [
    ...(strategy.validate?.(object) ?? []),
    ...(strategy.validateCreate?.(object) ?? []),
  ];
  return withOwn(errors, own);
}

/** @param trusted parts of `object` that its schema need not be asked about */
export function validateChange(
  definition: ResourceDefinition,
  strategy: Strategy,
  subresource: string,
  object: KubernetesObject,
  old: KubernetesObject,
  trusted?: Trusted,
): FieldError[] {
  const errors = validateMetadata(object.metadata, checkNameOf(strategy));
  errors.push(...validateMetadataUpdate(object.metadata, old.metadata));
  errors.push(...schemaErrors(definition, strategy, object, trusted));
  errors.push(...brokenRules(definition, object, old, errors));
  if (errors.some(isOfType)) return errors;
  return withOwn(errors, [
    ...(subresource === '' ? newlyBroken(strategy, object, old) : []),
    ...(strategy.validateUpdate?.(object, old, subresource) ?? []),
  ]);
}

/** An object that is older than a rule may break it, until it is changed there. */
function newlyBroken(
  strategy: Strategy,
  object: KubernetesObject,
  old: KubernetesObject,
): readonly FieldError[] {
  const errors = strategy.validate?.(object, old) ?? [];
  if (errors.length === 0) return errors;
  const before = new Set(strategy.validate?.(old, old).map(shown));
  return errors.filter((error) => !before.has(shown(error)));
}

function shown({ field, message }: FieldError): string {
  return `${field} ${message}`;
}

/** A kind's own rules rely on types, and on nothing else that a schema says. */
function isOfType({ reason }: FieldError): boolean {
  return reason === 'FieldValueTypeInvalid';
}

/** What the schema has told of a field, a rule need not tell again. */
function withOwn(errors: readonly FieldError[], own: readonly FieldError[]): FieldError[] {
  const toldOf = ({ field, reason, message }: FieldError): string =>
    `${field} ${reason === 'FieldValueInvalid' ? message : reason}`;
  const told = new Set(errors.map(toldOf));
  return [...errors, ...own.filter((error) => !told.has(toldOf(error)))];
}

function schemaErrors(
  definition: ResourceDefinition,
  strategy: Strategy,
  object: KubernetesObject,
  trusted?: Trusted,
): readonly FieldError[] {
  const errors = validateSchema(definition.schema, object, '', trusted);
  if (strategy.hidesValues !== true) return errors;
  return errors.map((error) => ({ ...error, message: withoutValue(error.message) }));
}

/** `Invalid value: "…": must be …` without the value and what repeats it. */
function withoutValue(message: string): string {
  const colon = message.indexOf(':');
  return colon < 0
    ? message
    : `${message.slice(0, colon)}: not shown here; check its type and form`;
}
