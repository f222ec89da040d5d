// What x-kubernetes-list-type, -list-map-keys and -map-type may say: sets hold values that can be compared, map lists
// name fields of their items that are always there.
import type { FieldError } from '../errors.ts';
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../field-errors.ts';
import { entryOf } from './json-value.ts';
import type { KeywordReader } from './keyword-reader.ts';
import type { Schema } from './schema.ts';
import { present } from './value-rules.ts';
import type { ValueRules } from './value-rules.ts';

const LIST_TYPES = ['atomic', 'map', 'set'] as const;
const MAP_TYPES = ['atomic', 'granular'] as const;
const LIST_TYPE = 'x-kubernetes-list-type';
const MAP_KEYS = 'x-kubernetes-list-map-keys';
const MAP_TYPE = 'x-kubernetes-map-type';

function oneOf<T extends string>(
  reader: KeywordReader,
  keyword: string,
  allowed: readonly T[],
  type: string,
): T | undefined {
  const value = reader.string(keyword);
  if (value === undefined) return undefined;
  const known = allowed.find((item) => item === value);
  if (known === undefined) reader.errors.push(unsupportedField(reader.at(keyword), value, allowed));
  const actual = reader.raw('type');
  if (actual !== type) {
    const detail = `must be ${type} if ${keyword} is specified`;
    const at = reader.at('type');
    reader.errors.push(
      actual === undefined ? requiredField(at, detail) : invalidField(at, actual, detail),
    );
  }
  return known;
}

export function readListRules(reader: KeywordReader): ValueRules {
  return present<ValueRules>({
    listType: oneOf(reader, LIST_TYPE, LIST_TYPES, 'array'),
    listMapKeys: reader.strings(MAP_KEYS),
    mapType: oneOf(reader, MAP_TYPE, MAP_TYPES, 'object'),
  });
}

/** The rules that need the compiled items. */
export function checkListRules(schema: Schema, path: string, errors: FieldError[]): void {
  const { listType, listMapKeys, items } = schema;
  if (listType !== 'map') {
    if ((listMapKeys ?? []).length > 0) {
      errors.push(
        forbiddenField(`${path}.${MAP_KEYS}`, `must be undefined if ${LIST_TYPE} is not map`),
      );
    }
  } else if (listMapKeys === undefined || listMapKeys.length === 0) {
    errors.push(requiredField(`${path}.${MAP_KEYS}`, `must not be empty if ${LIST_TYPE} is map`));
  } else if (items !== undefined) {
    checkMapItems(items, listMapKeys, path, errors);
  }
  if (listType === 'set' && items !== undefined) checkSetItems(items, path, errors);
}

function isScalar(schema: Schema): boolean {
  return !['object', 'array', 'any'].includes(schema.type);
}

function checkMapItems(
  items: Schema,
  keys: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (items.type !== 'object') {
    const detail = `must be object if parent array's ${LIST_TYPE} is map`;
    errors.push(invalidField(`${path}.items.type`, items.type, detail));
    return;
  }
  const seen = new Set<string>();
  for (const [at, key] of keys.entries()) {
    const where = `${path}.${MAP_KEYS}[${at}]`;
    const property = entryOf(items.properties, key);
    if (property === undefined) {
      errors.push(invalidField(where, key, 'entries must all be names of item properties'));
      continue;
    }
    if (seen.has(key)) errors.push(invalidField(where, key, 'must not repeat an earlier entry'));
    seen.add(key);
    const field = `${path}.items.properties[${key}]`;
    if (!isScalar(property.schema)) {
      const detail = `must be a scalar type if parent array's ${LIST_TYPE} is map`;
      errors.push(invalidField(`${field}.type`, property.schema.type, detail));
    }
    const always = items.required?.includes(key) === true || property.schema.default !== undefined;
    if (!always) {
      errors.push(
        requiredField(
          `${field}.default`,
          `this property is in ${MAP_KEYS}, so it must have a default or be a required property`,
        ),
      );
    }
  }
}

function checkSetItems(items: Schema, path: string, errors: FieldError[]): void {
  if (items.nullable === true) {
    const detail = `cannot be nullable when ${LIST_TYPE} is set`;
    errors.push(forbiddenField(`${path}.items.nullable`, detail));
  }
  if (items.type === 'object' && items.mapType !== 'atomic') {
    const detail = `must be atomic as item of a list with ${LIST_TYPE}=set`;
    errors.push(invalidField(`${path}.items.${MAP_TYPE}`, items.mapType ?? 'granular', detail));
  }
  if (items.type === 'array' && (items.listType ?? 'atomic') !== 'atomic') {
    const detail = `must be atomic as item of a list with ${LIST_TYPE}=set`;
    errors.push(invalidField(`${path}.items.${LIST_TYPE}`, items.listType, detail));
  }
}
