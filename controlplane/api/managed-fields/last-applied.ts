// The annotation of kubectl's older apply, which keeps the last configuration in the object. Whoever goes on with
// `kubectl apply --server-side` must not be in conflict with that.
import { isJsonObject } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { checkConfiguration } from './check-configuration.ts';
import { compare } from './compare.ts';
import { configuredFields } from './configured.ts';
import { difference } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { encodeJson } from './path-element.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of all annotations together. */
const LIMIT_BYTES = 256 * 1024;

/** What the last configuration says and the object still has; undefined when there is none that can be used. */
export function fieldsOfLastApplied(
  schema: Schema,
  apiVersion: string,
  live: Readonly<JsonObject>,
): FieldSet | undefined {
  const text = annotationsOf(live)[LAST_APPLIED];
  if (typeof text !== 'string' || text === '') return undefined;
  const last = parse(text);
  if (!isJsonObject(last) || last['apiVersion'] !== apiVersion) return undefined;
  if (checkConfiguration(schema, last).length > 0) return undefined;
  const { added, modified, removed } = compare(schema, last, live);
  const fields = configuredFields(schema, last);
  return difference(difference(difference(fields, modified), added), removed);
}

/** Puts `config` into the annotation of an object that has one. Changes `object`. */
export function keepLastApplied(object: Readonly<JsonObject>, config: unknown): void {
  const annotations = annotationsOf(object);
  if (typeof annotations[LAST_APPLIED] !== 'string' || annotations[LAST_APPLIED] === '') return;
  annotations[LAST_APPLIED] = `${encodeJson(sorted(withoutAnnotation(config)))}\n`;
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > LIMIT_BYTES) Reflect.deleteProperty(annotations, LAST_APPLIED);
}

function annotationsOf(object: Readonly<JsonObject>): JsonObject {
  const { metadata } = object;
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  return isJsonObject(annotations) ? annotations : {};
}

function withoutAnnotation(config: unknown): unknown {
  if (!isJsonObject(config) || !isJsonObject(config['metadata'])) return config;
  const { annotations, ...metadata } = config['metadata'];
  if (!isJsonObject(annotations)) return config;
  const { [LAST_APPLIED]: _last, ...others } = annotations;
  const kept = Object.keys(others).length === 0 ? {} : { annotations: others };
  return { ...config, metadata: { ...metadata, ...kept } };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}
