// Bodies of requests to objects: by content type from JSON, YAML or protobuf, fitted to the schema, with what strict
// decoding has to say. Defaulting and validation come later, in the registry.
import { ApiError, badRequest, unsupportedMediaType } from '../errors.ts';
import { parseAPIVersion, type KubernetesObject } from '../object.ts';
import { builtinSchema } from './corpus.ts';
import { conform, MAX_PROBLEMS } from './decode-conform.ts';
import { parseJSONText } from './decode-json.ts';
import { parseYAML } from './decode-yaml.ts';
import { countKeys, findDuplicates, memberOrder } from './json-scan.ts';
import { decodeProtobuf } from './protobuf.ts';
import type { Schema } from './schema.ts';
import type { Trusted } from './trusted.ts';

/** An object and upstream's strict-decoding texts: `unknown field "spec.foo"`, `duplicate field "spec.x"`. */
export interface DecodedBody {
  readonly object: KubernetesObject;
  readonly problems: readonly string[];
}

export interface DecodedPatch {
  /** An array of operations for JSON patch, else an object; its shape is the patch type's business. */
  readonly patch: unknown;
  readonly problems: readonly string[];
}

type Encoding = 'json' | 'yaml' | 'protobuf';

const encodings: Readonly<Record<string, Encoding>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

/** Body types of PATCH requests and how they are written. */
export const patchEncodings: Readonly<Record<string, Encoding>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'json',
  'application/strategic-merge-patch+json': 'json',
  'application/apply-patch+yaml': 'yaml',
};

/**
 * Decodes the body of a create, update or delete request. Unknown fields are dropped from built-in objects.
 *
 * @param contentType the header as it came; none means JSON
 * @param schema of the kind that the URL names, of custom resources the structural one; undefined accepts any fields
 * @param kind that the URL names, for errors
 * @throws ApiError 400 for a malformed body or a wrong type, 415 for a content type that the kind does not accept
 */
export function decodeBody(
  body: Buffer,
  contentType: string | undefined,
  schema: Schema | undefined,
  kind = '',
): DecodedBody {
  // Custom resources have no protobuf form.
  const accepted = Object.keys(encodings).filter(
    (type) => encodings[type] !== 'protobuf' || schema?.component !== undefined,
  );
  const type = mediaType(contentType) ?? 'application/json';
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const encoding = encodings[type];
  if (encoding === 'protobuf') return fitProtobuf(body, kind);
  return fit(
    recognized(kind, () => parse(body, encoding ?? 'json')),
    schema,
  );
}

/** Puts before what keeps a body from being read what it should have been, as upstream does. What it was is not shown: it may be a Secret. */
function recognized<T>(kind: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (kind === '' || !(error instanceof ApiError) || error.code !== 400) throw error;
    const what = `the object provided is unrecognized (must be of type ${kind})`;
    throw badRequest(`${what}: ${error.message}`, error);
  }
}

/**
 * Decodes the body of a PATCH request.
 *
 * @throws ApiError 400 for a malformed body, 415 for a type that is no patch type
 */
export function parsePatchBody(body: Buffer, contentType: string | undefined): DecodedPatch {
  const encoding = own(patchEncodings, mediaType(contentType) ?? '');
  if (encoding === undefined) throw unsupportedMediaType(Object.keys(patchEncodings));
  const parsed = parse(body, encoding);
  const { keyCount } = conform(parsed.value, undefined);
  return { patch: parsed.value, problems: parsed.problems(keyCount, [], false) };
}

/**
 * Fits an object that did not come as a body, such as the result of a patch, to its schema: the rules of decodeBody().
 * Changes `object`; returns its unknown fields.
 *
 * @param trusted parts of it that need not be looked at
 */
export function conformObject(
  object: KubernetesObject,
  schema: Schema,
  trusted?: Trusted,
): readonly string[] {
  return explained(object, () => conform(object, schema, trusted).problems);
}

const anyObject: Schema = { type: 'object', preserveUnknownFields: true };

/** The same for the metadata alone, of a custom resource: what its own fields hold is for validation to say. */
export function conformMetadata(object: KubernetesObject): readonly string[] {
  return conformObject(object, anyObject);
}

interface Parsed {
  readonly value: unknown;
  /**
   * What is told of duplicate members and unknown fields, given how many members the parsed value has: by upstream's decoder of built-in
   * types in the order in which they stand in JSON, else duplicates first.
   */
  problems(keyCount: number, unknown: readonly string[], builtin: boolean): readonly string[];
}

function parse(body: Buffer, encoding: Encoding): Parsed {
  const text = body.toString('utf8');
  // client-go sends server-side apply as JSON under YAML's name, and JSON is quicker to read.
  if (encoding === 'json' || /^\s*[[{]/.test(text)) {
    try {
      return parseJSON(text);
    } catch (error) {
      if (encoding === 'json') throw error;
    }
  }
  const { value, duplicates } = parseYAML(text);
  return {
    value,
    problems: (_count, unknown) =>
      duplicates.length === 0
        ? unknown
        : [
            `yaml: unmarshal errors:\n  ${duplicates.slice(0, MAX_PROBLEMS).join('\n  ')}`,
            ...unknown,
          ],
  };
}

function parseJSON(text: string): Parsed {
  const value = parseJSONText(text);
  return {
    value,
    problems(keyCount, unknown, builtin) {
      if (countKeys(text) === keyCount) return unknown;
      const duplicates = findDuplicates(text, MAX_PROBLEMS);
      const all = [...duplicates.map(duplicateText), ...unknown];
      if (!builtin || unknown.length === 0) return all;
      const order = memberOrder(text, (path, again) =>
        again ? duplicateText(path) : unknownText(path),
      );
      return all.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    },
  };
}

function fit(parsed: Parsed, schema: Schema | undefined): DecodedBody {
  const object = asObject(parsed.value);
  const { problems, keyCount } = explained(object, () => conform(object, schema));
  const builtin = schema?.component !== undefined;
  return { object, problems: parsed.problems(keyCount, problems, builtin) };
}

/** What a Go client sends is fitted to its own kind; whether that is the kind of the URL is the registry's question. */
function fitProtobuf(body: Buffer, wanted: string): DecodedBody {
  const { apiVersion, kind, object: decoded } = recognized(wanted, () => decodeProtobuf(body));
  const { group, version } = parseAPIVersion(apiVersion);
  const object = asObject(decoded);
  explained(object, () => conform(object, builtinSchema(group, version, kind)));
  return { object, problems: [] };
}

function duplicateText(path: string): string {
  return `duplicate field ${JSON.stringify(path)}`;
}

function unknownText(path: string): string {
  return `unknown field ${JSON.stringify(path)}`;
}

/** Puts before an error of the decoder what it was about, as upstream does. */
function explained<T>(object: KubernetesObject, action: () => T): T {
  const { apiVersion, kind } = object;
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400 || typeof kind !== 'string') throw error;
    const { version } = parseAPIVersion(typeof apiVersion === 'string' ? apiVersion : '');
    throw badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`,
      error,
    );
  }
}

/** The parsed body as an object of the API. Absent apiVersion, kind and metadata stay absent: the registry decides. */
function asObject(value: unknown): KubernetesObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('the body of the request is not an object with apiVersion and kind');
  }
  return value as KubernetesObject;
}

/** `application/json` of `application/json; charset=utf-8`; undefined for none. */
function mediaType(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' ? undefined : type;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
