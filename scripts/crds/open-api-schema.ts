// Writes a schema of the corpus as the OpenAPI v3 of a CustomResourceDefinition: references expanded, only keywords that structural
// schemas may have, and defaults only where a list key needs one. Everything else keeps its default where the Pod is made.
import type { Schema } from '#controlplane/api/schema/schema.ts';

export type OpenAPISchema = Readonly<Record<string, unknown>>;

/** Formats that a real API server knows; others say nothing to it. */
const FORMATS = new Set(['int32', 'int64', 'byte', 'date-time', 'double']);

const INT_OR_STRING = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
};

/** As apimachinery's resource.Quantity is published. */
const QUANTITY_PATTERN =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';

/** @throws Error naming the component when a type contains itself: it has no finite expansion */
export function openAPISchemaOf(schema: Schema, within: readonly string[] = []): OpenAPISchema {
  const { component } = schema;
  if (component !== undefined && within.includes(component)) {
    throw new Error(`Cannot expand ${component}: it contains itself`);
  }
  const inside = component === undefined ? within : [...within, component];
  if (schema.format === 'quantity') return { ...INT_OR_STRING, pattern: QUANTITY_PATTERN };
  switch (schema.type) {
    case 'intOrString':
      return INT_OR_STRING;
    case 'any':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    case 'object':
      return { ...structOf(schema, inside), ...rulesOf(schema) };
    case 'array':
      return { ...listOf(schema, inside), ...rulesOf(schema) };
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: schema.type, ...rulesOf(schema) };
  }
}

function structOf(schema: Schema, within: readonly string[]): OpenAPISchema {
  if (schema.additionalProperties !== undefined) {
    return {
      type: 'object',
      additionalProperties: openAPISchemaOf(schema.additionalProperties, within),
    };
  }
  const entries = Object.entries(schema.properties ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, property]) => [name, openAPISchemaOf(property.schema, within)] as const);
  const required = (schema.required ?? []).toSorted();
  return {
    type: 'object',
    ...(entries.length === 0 ? {} : { properties: Object.fromEntries(entries) }),
    ...(required.length === 0 ? {} : { required }),
    ...(schema.mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}

function listOf(schema: Schema, within: readonly string[]): OpenAPISchema {
  const { items = { type: 'any' }, listType, listMapKeys = [] } = schema;
  const itemSchema = openAPISchemaOf(items, within);
  if (listType !== 'map') {
    return {
      type: 'array',
      items: itemSchema,
      ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    };
  }
  return {
    type: 'array',
    items: withKeys(itemSchema, items, listMapKeys),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': listMapKeys,
  };
}

/** The keys of a list map must always be there: by a default where the type has one, else by being required. */
function withKeys(
  itemSchema: OpenAPISchema,
  items: Schema,
  keys: readonly string[],
): OpenAPISchema {
  const properties = { ...(itemSchema['properties'] as Record<string, OpenAPISchema>) };
  const required = new Set(items.required);
  for (const key of keys) {
    const value = items.properties?.[key]?.default;
    if (value === undefined || required.has(key)) required.add(key);
    else properties[key] = { ...properties[key], default: value };
  }
  return {
    ...itemSchema,
    properties,
    ...(required.size === 0 ? {} : { required: [...required].toSorted() }),
  };
}

function rulesOf(schema: Schema): OpenAPISchema {
  const { format, pattern, minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const rules = {
    format: format !== undefined && FORMATS.has(format) ? format : undefined,
    enum: schema.enum,
    pattern,
    minimum,
    maximum,
    minLength,
    maxLength,
    minItems,
    maxItems,
  };
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
}
