// Schemas as OpenAPI v3 publishes them: named types once under components, everything else in place, what OpenAPI has no
// word for as x-kubernetes extensions (kubectl builds strategic merge patches from them).
import type { JsonObject } from './json-value.ts';
import type { Property, Schema } from './schema.ts';

const COPIED = [
  'description',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'nullable',
  'pattern',
  'required',
] as const satisfies readonly (keyof Schema)[];

const EXTENSIONS = [
  ['preserveUnknownFields', 'x-kubernetes-preserve-unknown-fields'],
  ['embeddedResource', 'x-kubernetes-embedded-resource'],
  ['listType', 'x-kubernetes-list-type'],
  ['listMapKeys', 'x-kubernetes-list-map-keys'],
  ['mapType', 'x-kubernetes-map-type'],
  ['validations', 'x-kubernetes-validations'],
] as const satisfies readonly (readonly [keyof Schema, string])[];

/** Formats whose JSON is not what the format's name says to an OpenAPI reader. */
const PUBLISHED_FORMATS: Readonly<Record<string, string | undefined>> = {
  'micro-time': 'date-time',
  quantity: undefined,
  duration: undefined,
};

/** The components of one document, filled as types are met. */
export class OpenAPIComponents {
  readonly schemas: Record<string, JsonObject> = {};

  /** `{$ref}` for a named type, which is then among the components; else the schema itself. */
  refer(schema: Schema): JsonObject {
    const { component } = schema;
    if (component === undefined) return this.#inline(schema);
    if (this.schemas[component] === undefined) {
      // Types refer to themselves: the name must be known before its fields are walked.
      const made: JsonObject = {};
      this.schemas[component] = made;
      Object.assign(made, this.#inline(schema));
    }
    return { $ref: `#/components/schemas/${component}` };
  }

  /** Marks a component as the body of a kind: how kubectl finds the schema of an object. */
  markKind(component: string, group: string, version: string, kind: string): void {
    const schema = this.schemas[component];
    if (schema === undefined) return;
    const marks = (schema['x-kubernetes-group-version-kind'] ??= []) as JsonObject[];
    const isMarked = marks.some(
      (mark) => mark['group'] === group && mark['version'] === version && mark['kind'] === kind,
    );
    if (!isMarked) marks.push({ group, kind, version });
  }

  #inline(schema: Schema): JsonObject {
    const published: JsonObject = { ...typeOf(schema) };
    for (const key of COPIED) {
      if (schema[key] !== undefined && key !== 'format') published[key] = schema[key];
    }
    if (schema.default !== undefined) published['default'] = schema.default;
    for (const [key, extension] of EXTENSIONS) {
      if (schema[key] !== undefined) published[extension] = schema[key];
    }
    if (schema.properties !== undefined) {
      const properties: JsonObject = {};
      for (const name of Object.keys(schema.properties).toSorted()) {
        const property = schema.properties[name];
        if (property !== undefined) properties[name] = this.#property(property);
      }
      published['properties'] = properties;
    }
    if (schema.additionalProperties !== undefined) {
      published['additionalProperties'] = this.refer(schema.additionalProperties);
    }
    if (schema.items !== undefined) published['items'] = this.refer(schema.items);
    for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
      const list = schema[junctor];
      if (list !== undefined) published[junctor] = list.map((item) => this.#nested(item));
    }
    if (schema.not !== undefined) published['not'] = this.#nested(schema.not);
    return published;
  }

  /** Inside a junctor `nullable` only says that the outer schema decides. */
  #nested(schema: Schema): JsonObject {
    const published = this.#inline(schema);
    delete published['nullable'];
    return published;
  }

  #property(property: Property): JsonObject {
    const extras: JsonObject = {};
    if (property.patchStrategy !== undefined) {
      extras['x-kubernetes-patch-strategy'] = property.patchStrategy;
    }
    if (property.patchMergeKey !== undefined) {
      extras['x-kubernetes-patch-merge-key'] = property.patchMergeKey;
    }
    if (property.default !== undefined) extras['default'] = property.default;
    const schema = this.refer(property.schema);
    // OpenAPI 3.0 ignores what stands beside a $ref.
    if (Object.hasOwn(schema, '$ref')) {
      return Object.keys(extras).length === 0 ? schema : { allOf: [schema], ...extras };
    }
    return { ...schema, ...extras };
  }
}

function typeOf(schema: Schema): JsonObject {
  if (schema.type === 'intOrString') {
    // Built-in fields spell the choice out, custom resources use the extension.
    if (schema.component === undefined) return { 'x-kubernetes-int-or-string': true };
    return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  if (schema.format === 'quantity') return { oneOf: [{ type: 'string' }, { type: 'number' }] };
  if (schema.type === 'any') return {};
  const { format } = schema;
  if (format === undefined) return { type: schema.type };
  const isSpecial = schema.component !== undefined && Object.hasOwn(PUBLISHED_FORMATS, format);
  const published = isSpecial ? PUBLISHED_FORMATS[format] : format;
  return { type: schema.type, ...(published === undefined ? {} : { format: published }) };
}
