// Checks a value against a schema and says what is wrong in upstream's words (kube-openapi validation as the API server
// turns it into field errors). Walks the value, so recursive schemas are fine. Rules in CEL are api/cel's.
import type { FieldError } from '../errors.ts';
import {
  invalidField,
  requiredField,
  typeInvalidField,
  unsupportedField,
} from '../field-errors.ts';
import { entryOf, equalJson, fieldOf, isJsonObject } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { checkListType } from './list-type.ts';
import type { Schema } from './schema.ts';
import type { Trusted } from './trusted.ts';
import { checkNumber, checkString, inBody } from './validate-scalar.ts';

/**
 * All that is wrong with `value`, in document order; empty when it is valid. Expects defaults to be applied and unknown
 * fields to be pruned: fields without a schema are not looked at.
 * @param path where the value is: '' for a whole object, else `spec.replicas`
 * @param trusted fields of the object, and fields of those, that need not be looked at
 */
export function validateSchema(
  schema: Schema,
  value: unknown,
  path: string,
  trusted?: Trusted,
): FieldError[] {
  const errors: FieldError[] = [];
  check(schema, value, path, errors, false, trusted);
  return errors;
}

/** Upstream prints an empty field path so. */
function shownPath(path: string): string {
  return path === '' ? '<nil>' : path;
}

function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function jsonTypeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isOfType(schema: Schema, actual: string): boolean {
  switch (schema.type) {
    case 'any':
      return true;
    case 'intOrString':
      return actual === 'integer' || actual === 'string';
    case 'number':
      return actual === 'number' || actual === 'integer';
    case 'string':
      // Quantities may be written as numbers: `cpu: 2`.
      if (schema.format !== 'quantity') return actual === 'string';
      return actual === 'string' || actual === 'integer' || actual === 'number';
    default:
      return actual === schema.type;
  }
}

/**
 * @param isMerged the field has a patch strategy: a list of a built-in type with rules of its own about repeated items
 * @param isRuled it is of a type whose fields rules look at
 */
function check(
  schema: Schema,
  value: unknown,
  path: string,
  errors: FieldError[],
  isMerged = false,
  trusted?: Trusted,
  isRuled?: boolean,
): void {
  if (value === null && schema.nullable === true) return;
  const actual = jsonTypeOf(value);
  if (!isOfType(schema, actual)) {
    const expected = schema.type === 'intOrString' ? 'integer,string' : schema.type;
    const at = shownPath(path);
    const detail = inBody(at, `must be of type ${expected}: ${JSON.stringify(actual)}`);
    errors.push(typeInvalidField(at, actual, detail));
    return;
  }
  if (isRuled === true) {
    checkRuled(schema, value, path, errors, trusted);
    return;
  }
  if (schema.allOf ?? schema.anyOf ?? schema.oneOf ?? schema.not) {
    checkJunctors(schema, value, path, errors);
  }
  if (typeof value === 'string') checkString(schema, value, shownPath(path), errors);
  else if (typeof value === 'number') checkNumber(schema, value, shownPath(path), errors);
  else if (Array.isArray(value)) {
    checkArray(schema, value, path, errors);
    if (!isMerged) checkListType(schema, value, path, errors);
  }
  if (schema.enum !== undefined && !schema.enum.some((allowed) => equalJson(allowed, value))) {
    const allowed = schema.enum.map((item) =>
      typeof item === 'string' ? item : JSON.stringify(item),
    );
    errors.push(unsupportedField(shownPath(path), value, allowed));
  }
  if (isJsonObject(value)) checkObject(schema, value, path, errors, trusted);
}

/** The value of a field that rules look at: only types are left to say, and what is in fields that no rule looks at. */
function checkRuled(
  schema: Schema,
  value: unknown,
  path: string,
  errors: FieldError[],
  trusted: Trusted | undefined,
): void {
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries())
      check(schema.items, item, `${path}[${index}]`, errors, true, trusted, true);
  } else if (isJsonObject(value)) checkObject(schema, value, path, errors, trusted);
}

function tooMany(path: string, actual: number, maximum: number): FieldError {
  const message = `Too many: ${actual}: must have at most ${maximum} items`;
  return { reason: 'FieldValueTooMany', field: path, message };
}

function checkArray(schema: Schema, list: readonly unknown[], path: string, errors: FieldError[]) {
  const { items, minItems, maxItems } = schema;
  const at = shownPath(path);
  if (maxItems !== undefined && list.length > maxItems) {
    errors.push(tooMany(at, list.length, maxItems));
    return;
  }
  if (minItems !== undefined && list.length < minItems) {
    errors.push(
      schema.isBuiltin === true
        ? requiredField(at)
        : invalidField(at, list.length, inBody(at, `should have at least ${minItems} items`)),
    );
  }
  if (items === undefined) return;
  for (const [index, item] of list.entries()) check(items, item, `${path}[${index}]`, errors);
}

function checkObject(
  schema: Schema,
  object: JsonObject,
  path: string,
  errors: FieldError[],
  trusted: Trusted | undefined,
): void {
  const { properties, additionalProperties, minProperties, maxProperties } = schema;
  const at = shownPath(path);
  if (minProperties !== undefined || maxProperties !== undefined) {
    const count = Object.keys(object).length;
    if (maxProperties !== undefined && count > maxProperties) {
      errors.push(tooMany(at, count, maxProperties));
      return;
    }
    if (minProperties !== undefined && count < minProperties) {
      const rest = `should have at least ${minProperties} properties`;
      errors.push(invalidField(at, count, inBody(at, rest)));
    }
  }
  for (const name of schema.ruled !== undefined ? [] : (schema.required ?? [])) {
    if (!Object.hasOwn(object, name)) errors.push(requiredField(childPath(path, name)));
  }
  if (schema.embeddedResource === true) checkEmbedded(object, path, errors);
  if (properties === undefined && additionalProperties === undefined) return;
  for (const key of Object.keys(object)) {
    const property = entryOf(properties, key);
    const known = property?.schema ?? additionalProperties;
    if (known === undefined) continue;
    const child = object[key];
    // What a strategy put together may have fields without a value: they are not stored.
    if (child === undefined || trusted?.has(child) === true) continue;
    const where = childPath(path, key);
    const isMerged = property?.patchStrategy !== undefined;
    check(known, child, where, errors, isMerged, trusted, schema.ruled === 'fields');
  }
}

/** An object inside an object must say what it is. */
function checkEmbedded(object: JsonObject, path: string, errors: FieldError[]): void {
  for (const name of ['apiVersion', 'kind']) {
    const value = fieldOf(object, name);
    if (value === undefined || value === '') {
      errors.push(requiredField(childPath(path, name), 'must not be empty'));
    }
  }
}

function failuresOf(schemas: readonly Schema[], value: unknown, path: string): FieldError[][] {
  return schemas.map((schema) => validateSchema(schema, value, path));
}

/** The alternative that came closest explains the failure best. */
function fewest(failures: readonly FieldError[][]): readonly FieldError[] {
  return failures.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function checkJunctors(schema: Schema, value: unknown, path: string, errors: FieldError[]): void {
  const at = shownPath(path);
  const fail = (rest: string): void => {
    errors.push(invalidField(at, '', `${JSON.stringify(path)} ${rest}`));
  };
  if (schema.anyOf !== undefined) {
    const failures = failuresOf(schema.anyOf, value, path);
    if (failures.every((found) => found.length > 0)) {
      fail('must validate at least one schema (anyOf)');
      errors.push(...fewest(failures));
    }
  }
  if (schema.oneOf !== undefined) {
    const failures = failuresOf(schema.oneOf, value, path);
    const valid = failures.filter((found) => found.length === 0).length;
    if (valid === 0) {
      fail('must validate one and only one schema (oneOf). Found none valid');
      errors.push(...fewest(failures));
    } else if (valid > 1) {
      fail(`must validate one and only one schema (oneOf). Found ${valid} valid alternatives`);
    }
  }
  if (schema.allOf !== undefined) {
    const failures = failuresOf(schema.allOf, value, path);
    const invalid = failures.filter((found) => found.length > 0);
    errors.push(...invalid.flat());
    if (invalid.length > 0) {
      const none = invalid.length === failures.length ? '. None validated' : '';
      fail(`must validate all the schemas (allOf)${none}`);
    }
  }
  if (schema.not !== undefined && validateSchema(schema.not, value, path).length === 0) {
    fail('must not validate the schema (not)');
  }
}
