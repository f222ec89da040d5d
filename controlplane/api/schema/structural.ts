// Turns the OpenAPI v3 schema of a CustomResourceDefinition into a Schema, or says why it is not structural: what may
// lie where must follow from the schema alone (rules of apiextensions-apiserver). Rules in CEL are kept for api/cel.
import type { FieldError } from '../errors.ts';
import {
  forbiddenField,
  invalidField,
  requiredField,
  typeInvalidField,
  unsupportedField,
} from '../field-errors.ts';
import { applyDefaults } from './default.ts';
import { copyJson, isJsonObject } from './json-value.ts';
import { KeywordReader } from './keyword-reader.ts';
import { objectMetaSchema } from './object-meta.ts';
import { pruneUnknown } from './prune.ts';
import type { Property, Schema, SchemaType } from './schema.ts';
import { checkComplete, readJunctors } from './structural-junctors.ts';
import { checkListRules, readListRules } from './structural-lists.ts';
import { validateSchema } from './validate.ts';
import { present, readValueRules } from './value-rules.ts';
import type { ValueRules } from './value-rules.ts';

type Level = 'root' | 'field' | 'item';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const;
const PRESERVE = 'x-kubernetes-preserve-unknown-fields';
const EMBEDDED = 'x-kubernetes-embedded-resource';
const INT_OR_STRING = 'x-kubernetes-int-or-string';
const UNSUPPORTED = [
  '$ref',
  'definitions',
  'dependencies',
  'patternProperties',
  'additionalItems',
  'id',
];

/**
 * @param source `openAPIV3Schema` as parsed JSON
 * @param path of it, for errors: `spec.versions[0].schema.openAPIV3Schema`
 * @returns a schema with apiVersion, kind and metadata added, or everything that is wrong with `source`
 */
export function compileStructural(
  source: unknown,
  path: string,
): { readonly schema: Schema } | readonly FieldError[] {
  const errors: FieldError[] = [];
  const schema = compile(source, path, 'root', errors);
  return errors.length > 0 ? errors : { schema };
}

function compile(source: unknown, path: string, level: Level, errors: FieldError[]): Schema {
  if (!isJsonObject(source)) {
    errors.push(typeInvalidField(path, source, 'must be an object'));
    return { type: 'any' };
  }
  const reader = new KeywordReader(source, path, errors);
  for (const keyword of UNSUPPORTED) {
    if (reader.has(keyword)) {
      errors.push(forbiddenField(reader.at(keyword), `${keyword} is not supported`));
    }
  }
  const embedded = reader.boolean(EMBEDDED) === true;
  const type = readType(reader, level, embedded);
  const resource = level === 'root' || embedded;
  const rules: ValueRules = {
    ...present<ValueRules>({
      description: reader.string('description'),
      preserveUnknownFields: reader.boolean(PRESERVE),
      embeddedResource: embedded ? true : undefined,
      nullable: reader.boolean('nullable'),
    }),
    ...readValueRules(reader),
    ...readListRules(reader),
    ...readJunctors(reader, type === 'intOrString'),
    ...readChildren(reader, type, level, embedded),
  };
  const before = errors.length;
  checkComplete({ type, ...rules }, path, errors);
  checkListRules({ type, ...rules }, path, errors);
  if (resource) {
    checkResourceFields(rules.properties, reader, level);
    rules.properties = withResourceFields(rules.properties);
  }
  const schema: Schema = { type, ...rules };
  if (!reader.has('default')) return schema;
  // A default can be judged only against a schema that is sound itself.
  if (errors.length === before) checkDefault(schema, reader, level);
  return { ...schema, default: reader.raw('default') };
}

function readType(reader: KeywordReader, level: Level, embedded: boolean): SchemaType {
  const { errors } = reader;
  const at = reader.at('type');
  const type = reader.string('type') ?? '';
  const known = TYPES.find((item) => item === type);
  const preserves = reader.boolean(PRESERVE) === true;
  if (reader.raw(PRESERVE) === false) {
    errors.push(invalidField(reader.at(PRESERVE), false, 'must be true or undefined'));
  }
  if (type === 'null') {
    errors.push(forbiddenField(at, 'type cannot be set to null, use nullable as an alternative'));
  } else if (type !== '' && known === undefined) {
    errors.push(unsupportedField(at, type, TYPES));
  }
  if (embedded && type !== 'object') {
    const detail = `must be object if ${EMBEDDED} is true`;
    errors.push(type === '' ? requiredField(at, detail) : invalidField(at, type, detail));
  } else if (reader.boolean(INT_OR_STRING) === true) {
    if (type !== '') {
      errors.push(invalidField(at, type, `must be empty if ${INT_OR_STRING} is true`));
    }
    if (preserves) {
      errors.push(
        invalidField(reader.at(PRESERVE), true, `must be false if ${INT_OR_STRING} is true`),
      );
    }
    if (level === 'root') errors.push(requiredField(at, 'must not be empty at the root'));
    return 'intOrString';
  } else if (level === 'root' && type !== 'object') {
    errors.push(
      type === ''
        ? requiredField(at, 'must not be empty at the root')
        : invalidField(at, type, 'must be object at the root'),
    );
  } else if (type === '' && !preserves) {
    const where = level === 'item' ? 'array items' : 'object fields';
    errors.push(requiredField(at, `must not be empty for specified ${where}`));
  }
  if (preserves && type !== '' && type !== 'object' && type !== 'array') {
    errors.push(invalidField(at, type, `must be object if ${PRESERVE} is true`));
  }
  return known ?? 'any';
}

function readChildren(
  reader: KeywordReader,
  type: SchemaType,
  level: Level,
  embedded: boolean,
): ValueRules {
  const { errors } = reader;
  const children: ValueRules = {};
  const sources = reader.object('properties');
  if (sources !== undefined) {
    const properties = Object.create(null) as Record<string, Property>;
    for (const name of Object.keys(sources)) {
      const where = `${reader.at('properties')}[${name}]`;
      properties[name] = { schema: compile(sources[name], where, 'field', errors) };
    }
    children.properties = properties;
  }
  const additional = reader.raw('additionalProperties');
  if (additional !== undefined) {
    const at = reader.at('additionalProperties');
    if (level === 'root') {
      errors.push(forbiddenField(at, 'must not be used at the root'));
    } else if (embedded) {
      errors.push(forbiddenField(at, `must not be used if ${EMBEDDED} is set`));
    } else if (additional !== true && Object.keys(sources ?? {}).length > 0) {
      errors.push(forbiddenField(at, 'additionalProperties and properties are mutual exclusive'));
    } else if (additional === false) {
      errors.push(forbiddenField(at, 'additionalProperties cannot be set to false'));
    } else if (additional === true) {
      children.additionalProperties = { type: 'any', preserveUnknownFields: true };
    } else {
      children.additionalProperties = compile(additional, at, 'field', errors);
    }
  }
  const items = reader.raw('items');
  if (Array.isArray(items)) {
    errors.push(
      forbiddenField(reader.at('items'), 'items must be a schema object and not an array'),
    );
  } else if (items !== undefined) {
    children.items = compile(items, reader.at('items'), 'item', errors);
  } else if (type === 'array') {
    errors.push(requiredField(reader.at('items'), 'must be specified'));
  }
  return children;
}

/** apiVersion, kind and metadata are implied; a schema may repeat them, and restrict name and generateName. */
function checkResourceFields(
  properties: Readonly<Record<string, Property>> | undefined,
  reader: KeywordReader,
  level: Level,
): void {
  const { errors } = reader;
  for (const name of ['apiVersion', 'kind']) {
    const type = properties?.[name]?.schema.type;
    if (type !== undefined && type !== 'string') {
      errors.push(invalidField(`${reader.at('properties')}[${name}].type`, type, 'must be string'));
    }
  }
  const metadata = properties?.['metadata']?.schema;
  const at = `${reader.at('properties')}[metadata]`;
  if (metadata !== undefined && metadata.type !== 'object') {
    errors.push(invalidField(`${at}.type`, metadata.type, 'must be object'));
  }
  if (metadata !== undefined && level === 'root') {
    const other = Object.keys(metadata.properties ?? {}).some(
      (name) => name !== 'name' && name !== 'generateName',
    );
    if (other || metadata.additionalProperties !== undefined) {
      errors.push(
        forbiddenField(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      );
    }
  }
  if (level !== 'root' && properties === undefined && reader.raw(PRESERVE) !== true) {
    const detail = `must not be empty if ${EMBEDDED} is true without ${PRESERVE}`;
    errors.push(requiredField(reader.at('properties'), detail));
  }
}

const implied = {
  apiVersion:
    'The versioned schema of this object. Servers may convert recognized schemas and reject others.',
  kind: 'The kind of REST resource this object is, in CamelCase. Cannot be updated.',
} as const;

function withResourceFields(
  properties: Readonly<Record<string, Property>> | undefined,
): Readonly<Record<string, Property>> {
  const restricted = properties?.['metadata']?.schema;
  const all = Object.assign(Object.create(null), properties) as Record<string, Property>;
  for (const name of ['apiVersion', 'kind'] as const) {
    all[name] ??= { schema: { type: 'string', description: implied[name] } };
  }
  all['metadata'] = { schema: restrictedMetadata(restricted) };
  return all;
}

/** ObjectMeta with what the schema says about name and generateName. */
function restrictedMetadata(restricted: Schema | undefined): Schema {
  if (restricted?.properties === undefined) return objectMetaSchema;
  const properties: Record<string, Property> = { ...objectMetaSchema.properties };
  for (const name of ['name', 'generateName']) {
    const property = restricted.properties[name];
    if (property !== undefined) properties[name] = property;
  }
  return { ...objectMetaSchema, properties };
}

function checkDefault(schema: Schema, reader: KeywordReader, level: Level): void {
  const at = reader.at('default');
  if (level === 'root') {
    reader.errors.push(forbiddenField(at, 'must not be set at the root'));
    return;
  }
  const value = copyJson(reader.raw('default'));
  const dropped = pruneUnknown(schema, value);
  for (const path of dropped) {
    reader.errors.push(
      invalidField(`${at}.${path}`, reader.raw('default'), 'must not have unknown fields'),
    );
  }
  applyDefaults(schema, value);
  reader.errors.push(...validateSchema(schema, value, at));
}
