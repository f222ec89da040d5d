// How large values of a schema can be in a request, and how small: the numbers are those of upstream's model of schemas, and decide
// which rules a definition may have.
import type { Schema } from '../../schema/schema.ts';

/** The largest request, for this purpose for ever. */
const REQUEST_BYTES = 3 * 1024 * 1024;
const LONGEST_TIME = 32;
const DATE = 12;

/** Characters of a text, items of a list, entries of a map; 0 for what has no size. */
export function mostElements(schema: Schema): number {
  switch (schema.type) {
    case 'array':
      return (
        schema.maxItems ?? Math.floor((REQUEST_BYTES - 2) / (leastBytesOfItem(schema.items) + 1))
      );
    case 'object':
      if (!isMap(schema)) return 0;
      return (
        schema.maxProperties ??
        Math.floor((REQUEST_BYTES - 2) / (leastBytesOfItem(schema.additionalProperties) + 6))
      );
    case 'intOrString':
      return schema.maxLength === undefined ? REQUEST_BYTES - 2 : schema.maxLength * 4;
    case 'string':
      return mostCharacters(schema);
    default:
      return 0;
  }
}

function mostCharacters({ format, maxLength, enum: values }: Schema): number {
  switch (format) {
    case 'byte':
      return maxLength ?? REQUEST_BYTES - 2;
    case 'duration':
    case 'date-time':
      return LONGEST_TIME;
    case 'date':
      return DATE;
    default:
      break;
  }
  // A character may have four bytes.
  if (maxLength !== undefined) return maxLength * 4;
  if (values === undefined || values.length === 0) return REQUEST_BYTES - 2;
  const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0));
  return Math.max(...lengths);
}

export function isMap({ properties, additionalProperties }: Schema): boolean {
  return properties === undefined && additionalProperties !== undefined;
}

/** Bytes of JSON that a value of the schema has at least. */
function leastBytes(schema: Schema): number {
  switch (schema.type) {
    case 'boolean':
      return 4;
    case 'string':
      return leastBytesOfText(schema.format);
    case 'object':
      return leastBytesOfObject(schema);
    case 'array':
      return 2;
    default:
      return 1;
  }
}

function leastBytesOfText(format: string | undefined): number {
  switch (format) {
    case 'duration':
      return 3;
    case 'date':
      return DATE;
    case 'date-time':
      return 21;
    default:
      return 2;
  }
}

function leastBytesOfObject(schema: Schema): number {
  let bytes = 2;
  if (isMap(schema)) return bytes;
  for (const name of schema.required ?? []) {
    const property = schema.properties?.[name];
    // What has a default is filled in by the server.
    if (property === undefined || property.schema.type === 'any') continue;
    if (property.default !== undefined || property.schema.default !== undefined) continue;
    bytes += Buffer.byteLength(name) + leastBytes(property.schema) + 4;
  }
  return bytes;
}

function leastBytesOfItem(schema: Schema | undefined): number {
  return schema === undefined ? 1 : leastBytes(schema);
}

/** How often values of a schema can be in a request at most, each with a comma behind. */
export function mostInRequest(schema: Schema): number {
  return Math.floor(REQUEST_BYTES / (leastBytes(schema) + 1));
}

/** How often what is below a schema can be there for each value of it; undefined: nothing bounds it. */
export function mostBelow(schema: Schema): number | undefined {
  if (schema.type === 'array') return schema.maxItems;
  if (schema.type === 'object' && schema.additionalProperties !== undefined)
    return schema.maxProperties;
  return 1;
}
