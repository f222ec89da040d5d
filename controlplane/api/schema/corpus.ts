// The schemas of the built-in types, made on first use from the generated facts (corpus.json, by scripts/corpus) and our
// own tables of defaults and constraints. Schemas are shared and may be recursive: never change one.
import { builtinConstraints } from './builtin-constraints.ts';
import { builtinDefaults } from './builtin-defaults.ts';
import { parseRow, type CorpusField } from './corpus-row.ts';
import corpus from './corpus.json' with { type: 'json' };
import { ruledTypes } from './ruled-types.ts';
import type { Property, Schema } from './schema.ts';

const kinds: Readonly<Record<string, string>> = corpus.kinds;
const types: Readonly<Record<string, string>> = corpus.types;
const enums: Readonly<Record<string, readonly string[]>> = corpus.enums;
const structs: Readonly<Record<string, readonly string[]>> = corpus.structs;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const JSON_SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON';

/** Schemas of the words that corpus.json uses for types with a form of their own. */
const scalars: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  float64: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time', component: `${META}.Time` },
  microTime: { type: 'string', format: 'micro-time', component: `${META}.MicroTime` },
  quantity: {
    type: 'string',
    format: 'quantity',
    component: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  },
  intOrString: {
    type: 'intOrString',
    component: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  },
  raw: {
    type: 'any',
    preserveUnknownFields: true,
    component: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  },
  fieldsV1: { type: 'any', preserveUnknownFields: true, component: `${META}.FieldsV1` },
  json: { type: 'any', preserveUnknownFields: true, component: JSON_SCHEMA },
  schemaOrArray: {
    type: 'any',
    preserveUnknownFields: true,
    component: `${JSON_SCHEMA}SchemaPropsOrArray`,
  },
  schemaOrBool: {
    type: 'any',
    preserveUnknownFields: true,
    component: `${JSON_SCHEMA}SchemaPropsOrBool`,
  },
  schemaOrStrings: {
    type: 'any',
    preserveUnknownFields: true,
    component: `${JSON_SCHEMA}SchemaPropsOrStringArray`,
  },
};

/** Kinds that every group answers to, whatever group and version the body names. */
const everywhere = new Set([
  'DeleteOptions',
  'Status',
  'WatchEvent',
  'ListOptions',
  'GetOptions',
  'CreateOptions',
  'UpdateOptions',
  'PatchOptions',
]);

const fieldsByComponent = new Map<string, readonly CorpusField[]>();
const schemas = new Map<string, Schema>();

/** OpenAPI component name of a built-in kind: `io.k8s.api.core.v1.Pod`. */
export function componentOf(group: string, version: string, kind: string): string | undefined {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return (
    own(kinds, `${apiVersion} ${kind}`) ??
    (everywhere.has(kind) ? own(kinds, `v1 ${kind}`) : undefined)
  );
}

/** The schema of a built-in kind, or undefined when this server has no such type. */
export function builtinSchema(group: string, version: string, kind: string): Schema | undefined {
  const component = componentOf(group, version, kind);
  return component === undefined ? undefined : componentSchema(component);
}

/** The schema of a named type, e.g. `io.k8s.api.core.v1.PodSpec`. */
export function componentSchema(component: string): Schema | undefined {
  const known = schemas.get(component);
  if (known !== undefined || !Object.hasOwn(structs, component)) return known;
  // Lookups by names that clients send: no inherited properties.
  const properties = Object.create(null) as Record<string, Property>;
  const required = requiredOf(component);
  const ruled = ruledTypes.get(component);
  const schema: Schema = {
    type: 'object',
    component,
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(ruled === undefined ? {} : { ruled }),
    ...(own(types, component) === 'atomic' ? { mapType: 'atomic' as const } : {}),
  };
  schemas.set(component, schema); // before its fields: types may be recursive
  addProperties(component, properties);
  return schema;
}

/** The rows of a struct, for decoders. Empty for an unknown one. */
export function corpusFields(component: string): readonly CorpusField[] {
  let fields = fieldsByComponent.get(component);
  if (fields === undefined) {
    fields = (own(structs, component) ?? []).map(parseRow);
    fieldsByComponent.set(component, fields);
  }
  return fields;
}

/** Names of the required fields of a struct, inlined ones included. */
function requiredOf(component: string): string[] {
  const inlined = corpusFields(component).filter((field) => field.name === '+');
  return [
    ...(own(builtinConstraints, component)?.required ?? []),
    ...inlined.flatMap((field) => requiredOf(field.type)),
  ];
}

/** Adds a struct's own and inlined fields. */
function addProperties(component: string, properties: Record<string, Property>): void {
  const defaults = own(builtinDefaults, component) ?? {};
  const constraints = own(builtinConstraints, component)?.fields ?? {};
  for (const field of corpusFields(component)) {
    if (field.name === '+') {
      addProperties(field.type, properties);
      continue;
    }
    const defaultValue = own(defaults, field.name) ?? field.default;
    const constraint = own(constraints, field.name);
    const schema = fieldSchema(field);
    properties[field.name] = {
      schema: constraint === undefined ? schema : { ...schema, ...constraint, isBuiltin: true },
      ...(field.patch === undefined ? {} : { patchStrategy: field.patch }),
      ...(field.key === undefined ? {} : { patchMergeKey: field.key }),
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
      ...(field.omit && !field.pointer ? { omitZero: true } : {}),
      ...(field.omit ? {} : { zero: zeroOfField(field) }),
    };
  }
}

const zeros: Readonly<Record<string, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  float64: 0,
  quantity: '0',
  intOrString: 0,
};
const EMPTY_STRUCT = Object.freeze({});

/** What Go has in a field that nobody set and that is written all the same. */
function zeroOfField({ type, shapes, pointer }: CorpusField): unknown {
  if (pointer || shapes.length > 0) return null;
  const scalar = own(zeros, type);
  if (scalar !== undefined) return scalar;
  return own(scalars, type) === undefined ? EMPTY_STRUCT : null;
}

/** The schema of a field's value; shared with other fields wherever the field adds nothing. */
function fieldSchema(field: CorpusField): Schema {
  let schema = own(scalars, field.type) ?? componentSchema(field.type);
  if (schema === undefined) throw new Error(`Corpus names an unknown type '${field.type}'`);
  const values = field.enum === undefined ? undefined : own(enums, field.enum);
  if (values !== undefined) schema = { ...schema, enum: values };
  for (const shape of field.shapes.toReversed()) {
    schema =
      shape === 'map'
        ? { type: 'object', additionalProperties: schema }
        : { type: 'array', items: schema };
  }
  if (field.shapes.length > 0 && field.list !== undefined) {
    schema = { ...schema, listType: field.list as 'atomic' | 'set' | 'map' };
    if (field.keys !== undefined) schema = { ...schema, listMapKeys: field.keys };
  }
  if (field.mapType !== undefined && schema.type === 'object') {
    schema = { ...schema, mapType: field.mapType as 'granular' | 'atomic' };
  }
  return schema;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
