// The OpenAPI v2 (Swagger) document: all v3 documents in one, in the older form. What v2 has no word for (alternatives, null)
// is left out, as upstream does, so that clients with a v2 validator accept whatever the server accepts.
import type { JsonObject } from './json-value.ts';
import { isJsonObject } from './json-value.ts';

const V3_REFERENCE = '#/components/schemas/';
const V2_REFERENCE = '#/definitions/';
const DROPPED: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'nullable']);
/** Meaningless without a type. */
const OF_TYPE: ReadonlySet<string> = new Set([
  'type',
  'items',
  'properties',
  'additionalProperties',
]);

/** @param documents as openAPIv3Document() makes them; stay as they are */
export function openAPIv2Document(documents: readonly JsonObject[]): JsonObject {
  const paths: JsonObject = {};
  const definitions: JsonObject = {};
  for (const document of documents) {
    for (const [path, item] of entries(document['paths'])) paths[path] = pathItem(item);
    const components = isJsonObject(document['components']) ? document['components'] : {};
    for (const [name, schema] of entries(components['schemas'])) {
      definitions[name] = merged(definitions[name], definition(schema));
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Windlass', version: 'unversioned' },
    paths,
    definitions,
  };
}

function entries(value: unknown): [string, unknown][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

const KINDS = 'x-kubernetes-group-version-kind';

/** Of a kind whose fields nobody names, nothing but the kind is said: kubectl would take any word more for the whole. */
function definition(schema: unknown): JsonObject {
  if (!isJsonObject(schema) || schema[KINDS] === undefined || !isOpen(schema))
    return convert(schema);
  return { type: 'object', [KINDS]: schema[KINDS] };
}

function isOpen(schema: JsonObject): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

/** A type of several documents is the body of a kind in some of them. */
function merged(known: unknown, schema: JsonObject): JsonObject {
  if (!isJsonObject(known)) return schema;
  const kinds = [known[KINDS], schema[KINDS]].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  const unique = new Map(kinds.map((kind) => [JSON.stringify(kind), kind]));
  return unique.size === 0 ? schema : { ...schema, [KINDS]: [...unique.values()] };
}

function convert(value: unknown): JsonObject {
  if (!isJsonObject(value)) return {};
  if (typeof value['$ref'] === 'string') return { $ref: reference(value['$ref']) };
  const { allOf } = value;
  // v3 wraps a reference that has something beside it; v2 lets it stand there.
  const wrapped: unknown = Array.isArray(allOf) && allOf.length === 1 ? allOf[0] : undefined;
  const isWrapped = isJsonObject(wrapped) && typeof wrapped['$ref'] === 'string';
  const isAmbiguous = value['nullable'] === true;
  const converted: JsonObject = isWrapped ? convert(wrapped) : {};
  for (const [key, part] of Object.entries(value)) {
    if (DROPPED.has(key) || (isAmbiguous && OF_TYPE.has(key))) continue;
    if (isOpen(value) && (key === 'items' || key === 'properties')) continue;
    converted[key] = convertPart(key, part, value);
  }
  if (Array.isArray(converted['required']) && converted['required'].length === 0) {
    delete converted['required'];
  }
  if (Array.isArray(value['oneOf']) && value['type'] === undefined && !isCustomChoice(value)) {
    converted['type'] = 'string';
  }
  return converted;
}

/** `x-kubernetes-int-or-string` and alternatives of custom resources stay without a type. */
function isCustomChoice(value: JsonObject): boolean {
  return value['x-kubernetes-int-or-string'] === true || value['properties'] !== undefined;
}

function convertPart(key: string, part: unknown, owner: JsonObject): unknown {
  switch (key) {
    case 'properties':
      return Object.fromEntries(entries(part).map(([name, schema]) => [name, convert(schema)]));
    case 'items':
    case 'additionalProperties':
      return convert(part);
    case 'required': {
      // A field that may be null cannot be said to be there.
      const properties = isJsonObject(owner['properties']) ? owner['properties'] : {};
      const names = Array.isArray(part) ? (part as unknown[]) : [];
      return names.filter((name) => {
        const property = properties[String(name)];
        return !isJsonObject(property) || property['nullable'] !== true;
      });
    }
    default:
      return part;
  }
}

function reference(text: string): string {
  return text.startsWith(V3_REFERENCE) ? V2_REFERENCE + text.slice(V3_REFERENCE.length) : text;
}

function pathItem(value: unknown): JsonObject {
  return Object.fromEntries(
    entries(value).map(([key, part]) => [
      key,
      key === 'parameters' ? parameters(part) : operation(part),
    ]),
  );
}

function parameters(value: unknown): JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isJsonObject).map(({ schema, ...parameter }) => ({
    ...parameter,
    ...convert(schema),
  }));
}

function operation(value: unknown): JsonObject {
  if (!isJsonObject(value)) return {};
  const { requestBody, responses, parameters: query, ...rest } = value;
  const body = contentOf(requestBody);
  return {
    ...rest,
    ...(body === undefined ? {} : { consumes: body.types }),
    produces: ['application/json', 'application/yaml'],
    parameters: [
      ...parameters(query),
      ...(body === undefined ? [] : [{ name: 'body', in: 'body', schema: body.schema }]),
    ],
    responses: Object.fromEntries(
      entries(responses).map(([code, response]) => {
        const content = contentOf(response);
        const description = isJsonObject(response) ? response['description'] : '';
        return [
          code,
          { description, ...(content === undefined ? {} : { schema: content.schema }) },
        ];
      }),
    ),
  };
}

function contentOf(
  value: unknown,
): { readonly types: readonly string[]; readonly schema: JsonObject } | undefined {
  const content = isJsonObject(value) ? entries(value['content']) : [];
  const [first] = content;
  if (first === undefined || !isJsonObject(first[1])) return undefined;
  return { types: content.map(([type]) => type), schema: convert(first[1]['schema']) };
}
