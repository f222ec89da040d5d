// Fits a parsed value to its schema the way upstream's decoder fits JSON to Go structs: unknown fields are reported and
// dropped; in built-in types null and meaningless zero values mean absence and a wrong type is an error.
// Values of custom resources keep nulls and wrong types: their validation says more (schema/validate.ts).
import { badRequest } from '../errors.ts';
import { componentSchema } from './corpus.ts';
import { decodeScalar, wrongType, zeroOf } from './decode-scalar.ts';
import type { Property, Schema } from './schema.ts';
import type { Trusted } from './trusted.ts';

/** Deeper documents are refused; nothing real comes near, and recursion stays far from the stack's end. */
export const MAX_DEPTH = 500;
/** Upstream stops counting there too. */
export const MAX_PROBLEMS = 100;

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** What one walk found. */
export interface Conformance {
  /** `unknown field "spec.foo"`, in document order, at most MAX_PROBLEMS. */
  readonly problems: readonly string[];
  /** Members of all objects in the value, to compare with the text's. */
  readonly keyCount: number;
}

/**
 * Walks `value`, the root of an object, and changes it in place.
 *
 * @param trusted parts of the value that need not be looked at; their members are not counted
 * @throws ApiError 400 for a wrong type inside a built-in type, a number that JSON cannot hold, or too deep a nesting
 */
export function conform(
  value: unknown,
  schema: Schema | undefined,
  trusted?: Trusted,
): Conformance {
  const walk = new Walk(trusted);
  if (schema === undefined) walk.any(value, 0);
  else {
    const root = schema.component === undefined ? withObjectFields(schema) : schema;
    walk.value(value, root, '', 0, schema.component !== undefined);
  }
  return walk;
}

class Walk implements Conformance {
  readonly problems: string[] = [];
  keyCount = 0;
  readonly #trusted: Trusted | undefined;
  /** The struct whose field is looked at. */
  #owner: Schema | undefined;

  constructor(trusted: Trusted | undefined) {
    this.#trusted = trusted;
  }

  /** Checks a value that is not null and all below it; returns what to put in its place. */
  value(value: unknown, schema: Schema, path: string, depth: number, builtin: boolean): unknown {
    if (this.#trusted?.has(value) === true) return value;
    switch (schema.type) {
      case 'object':
        if (!isRecord(value)) break;
        if (schema.properties !== undefined || schema.embeddedResource === true) {
          this.struct(value, schema, path, depth);
        } else if (schema.additionalProperties === undefined) this.any(value, depth);
        else this.map(value, schema.additionalProperties, path, depth, builtin);
        return value;
      case 'array':
        if (!Array.isArray(value)) break;
        if (schema.items === undefined) this.any(value, depth);
        else this.list(value, schema.items, path, depth, builtin);
        return value;
      case 'any':
        this.any(value, depth);
        return value;
      default:
        if (builtin) return decodeScalar(value, schema, path, this.#owner);
    }
    if (builtin) throw wrongType(value, schema, path, this.#owner);
    this.any(value, depth);
    return value;
  }

  private struct(
    object: Record<string, unknown>,
    declared: Schema,
    path: string,
    depth: number,
  ): void {
    if (depth > MAX_DEPTH) throw tooDeep();
    const schema = declared.embeddedResource === true ? withObjectFields(declared) : declared;
    const properties = schema.properties ?? {};
    const builtin = schema.component !== undefined;
    for (const key in object) {
      this.keyCount += 1;
      const value = object[key];
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (property === undefined) {
        this.member(object, key, schema, path, depth);
      } else if (value === null) {
        if (builtin) delete object[key];
      } else {
        const here = path === '' ? key : `${path}.${key}`;
        this.#owner = schema;
        const decoded = this.value(value, property.schema, here, depth + 1, builtin);
        if (builtin && isMeaningless(decoded, key, property, schema)) delete object[key];
        else if (decoded !== value) object[key] = decoded;
      }
    }
  }

  /** A member that is no known field. */
  private member(
    object: Record<string, unknown>,
    key: string,
    schema: Schema,
    path: string,
    depth: number,
  ): void {
    const here = path === '' ? key : `${path}.${key}`;
    const value = object[key];
    if (schema.additionalProperties !== undefined && value !== null) {
      this.value(value, schema.additionalProperties, here, depth + 1, false);
      return;
    }
    this.any(value, depth + 1);
    if (schema.preserveUnknownFields === true || schema.additionalProperties !== undefined) return;
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push(`unknown field ${JSON.stringify(here)}`);
    }
    delete object[key];
  }

  private map(
    object: Record<string, unknown>,
    items: Schema,
    path: string,
    depth: number,
    builtin: boolean,
  ): void {
    if (depth > MAX_DEPTH) throw tooDeep();
    const plainStrings = items.type === 'string' && items.format === undefined;
    for (const key in object) {
      this.keyCount += 1;
      const value = object[key];
      // The common case by far: labels, annotations, data.
      if (plainStrings && typeof value === 'string') continue;
      const decoded =
        value === null
          ? zeroOf(items, builtin)
          : this.value(value, items, `${path}.${key}`, depth + 1, builtin);
      // Defined, not assigned: a member may be called __proto__.
      if (decoded !== value) Object.defineProperty(object, key, { value: decoded });
    }
  }

  private list(
    list: unknown[],
    items: Schema,
    path: string,
    depth: number,
    builtin: boolean,
  ): void {
    if (depth > MAX_DEPTH) throw tooDeep();
    for (let i = 0; i < list.length; i += 1) {
      const value = list[i];
      list[i] =
        value === null
          ? zeroOf(items, builtin)
          : this.value(value, items, `${path}[${i}]`, depth + 1, builtin);
    }
  }

  /** Any JSON: only its bounds are checked. */
  any(value: unknown, depth: number): void {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw badRequest('the body of the request holds a number out of range');
    }
    if (typeof value !== 'object' || value === null) return;
    if (depth > MAX_DEPTH) throw tooDeep();
    if (Array.isArray(value)) {
      for (const item of value) this.any(item, depth + 1);
      return;
    }
    const object = value as Record<string, unknown>;
    for (const key in object) {
      this.keyCount += 1;
      this.any(object[key], depth + 1);
    }
  }
}

/** Whether upstream would not write the value back: an empty one of an optional field, or '' for a required one. */
function isMeaningless(value: unknown, key: string, property: Property, schema: Schema): boolean {
  if (value === '') return property.omitZero === true || schema.required?.includes(key) === true;
  if (property.omitZero !== true) return false;
  // An empty list of these asks to forget who set what.
  if (key === 'managedFields') return false;
  if (value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isRecord(value)) return false;
  for (const _ in value) return false;
  return true;
}

const extended = new WeakMap<Schema, Schema>();

/** A schema of a custom resource, with the three fields that each object has whatever its author declared. */
function withObjectFields(schema: Schema): Schema {
  let result = extended.get(schema);
  if (result === undefined) {
    const metadata = componentSchema(OBJECT_META);
    result = {
      ...schema,
      embeddedResource: false,
      properties: {
        ...schema.properties,
        apiVersion: { schema: { type: 'string' } },
        kind: { schema: { type: 'string' } },
        ...(metadata === undefined ? {} : { metadata: { schema: metadata } }),
      },
    };
    extended.set(schema, result);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tooDeep(): Error {
  return badRequest(`the body of the request is nested deeper than ${MAX_DEPTH} levels`);
}
