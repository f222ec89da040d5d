// The OpenAPI v2 document as the protobuf message that clients in Go ask for (`openapi.v2.Document` of gnostic): kubectl's
// `explain --output=plaintext-openapiv2`, and those that learn from it how types are applied. Paths say what an operation takes.
import protobuf, { type Writer } from 'protobufjs/minimal.js';
import { isJsonObject } from './json-value.ts';
import type { JsonObject } from './json-value.ts';

/** @param document as openAPIv2Document() makes it */
export function openAPIv2Protobuf(document: JsonObject): Uint8Array {
  const info = isJsonObject(document['info']) ? document['info'] : {};
  const writer = protobuf.Writer.create();
  text(writer, 1, document['swagger']);
  message(writer, 2, () => {
    text(writer, 1, info['title']);
    text(writer, 2, info['version']);
  });
  message(writer, 8, () => {
    for (const [path, item] of entries(document['paths']))
      named(writer, 2, path, () => pathItem(writer, item));
  });
  message(writer, 9, () => {
    for (const [name, schema] of entries(document['definitions']))
      named(writer, 1, name, () => schemaFields(writer, schema));
  });
  return writer.finish();
}

const METHODS: Readonly<Record<string, number>> = {
  get: 2,
  put: 3,
  post: 4,
  delete: 5,
  options: 6,
  head: 7,
  patch: 8,
};

function pathItem(writer: Writer, item: unknown): void {
  for (const [method, operation] of entries(item)) {
    const number = METHODS[method];
    if (number !== undefined) message(writer, number, () => operationFields(writer, operation));
  }
}

function operationFields(writer: Writer, operation: unknown): void {
  if (!isJsonObject(operation)) return;
  for (const type of list(operation['produces'])) text(writer, 6, type);
  for (const type of list(operation['consumes'])) text(writer, 7, type);
  for (const parameter of list(operation['parameters'])) {
    if (!isJsonObject(parameter) || parameter['in'] !== 'query') continue;
    // ParametersItem, Parameter, NonBodyParameter, QueryParameterSubSchema.
    message(writer, 8, () =>
      message(writer, 1, () =>
        message(writer, 2, () =>
          message(writer, 3, () => {
            text(writer, 2, 'query');
            text(writer, 4, parameter['name']);
            text(writer, 6, parameter['type']);
          }),
        ),
      ),
    );
  }
  extensions(writer, 13, operation);
}

const TEXTS: Readonly<Record<string, number>> = {
  $ref: 1,
  format: 2,
  title: 3,
  description: 4,
  pattern: 13,
};
const DOUBLES: Readonly<Record<string, number>> = { multipleOf: 6, maximum: 7, minimum: 9 };
const BOOLEANS: Readonly<Record<string, number>> = {
  exclusiveMaximum: 8,
  exclusiveMinimum: 10,
  uniqueItems: 16,
};
const COUNTS: Readonly<Record<string, number>> = {
  maxLength: 11,
  minLength: 12,
  maxItems: 14,
  minItems: 15,
  maxProperties: 17,
  minProperties: 18,
};

function schemaFields(writer: Writer, schema: unknown): void {
  if (!isJsonObject(schema)) return;
  for (const [name, number] of Object.entries(TEXTS)) text(writer, number, schema[name]);
  if (schema['default'] !== undefined) any(writer, 5, schema['default']);
  for (const [name, number] of Object.entries(DOUBLES)) {
    const value = schema[name];
    if (typeof value === 'number') writer.uint32((number << 3) | 1).double(value);
  }
  for (const [name, number] of Object.entries(BOOLEANS)) {
    if (schema[name] === true) writer.uint32(number << 3).bool(true);
  }
  for (const [name, number] of Object.entries(COUNTS)) {
    const value = schema[name];
    if (typeof value === 'number') writer.uint32(number << 3).int64(value);
  }
  for (const name of list(schema['required'])) text(writer, 19, name);
  for (const value of list(schema['enum'])) any(writer, 20, value);
  const { additionalProperties, type, items, properties } = schema;
  if (isJsonObject(additionalProperties)) {
    message(writer, 21, () => message(writer, 1, () => schemaFields(writer, additionalProperties)));
  } else if (typeof additionalProperties === 'boolean') {
    message(writer, 21, () => writer.uint32(2 << 3).bool(additionalProperties));
  }
  if (typeof type === 'string') message(writer, 22, () => text(writer, 1, type));
  if (isJsonObject(items))
    message(writer, 23, () => message(writer, 1, () => schemaFields(writer, items)));
  if (isJsonObject(properties)) {
    message(writer, 25, () => {
      for (const [name, property] of entries(properties))
        named(writer, 1, name, () => schemaFields(writer, property));
    });
  }
  extensions(writer, 31, schema);
}

/** What begins with `x-`, as NamedAny. */
function extensions(writer: Writer, number: number, object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (name.startsWith('x-'))
      named(writer, number, name, () => text(writer, 2, JSON.stringify(value)));
  }
}

/** A value as YAML, of which JSON is a part. */
function any(writer: Writer, number: number, value: unknown): void {
  message(writer, number, () => text(writer, 2, JSON.stringify(value)));
}

function named(writer: Writer, number: number, name: string, value: () => unknown): void {
  message(writer, number, () => {
    text(writer, 1, name);
    message(writer, 2, value);
  });
}

function message(writer: Writer, number: number, fields: () => unknown): void {
  writer.uint32((number << 3) | 2).fork();
  fields();
  writer.ldelim();
}

function text(writer: Writer, number: number, value: unknown): void {
  if (typeof value === 'string') writer.uint32((number << 3) | 2).string(value);
}

function entries(value: unknown): [string, unknown][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
