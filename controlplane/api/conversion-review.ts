// ConversionReview v1: what a webhook is asked that converts custom resources between their versions, and what of its answer is
// believed: the right objects in the right version, of whose metadata only labels and annotations may differ. Messages are those of
// upstream's apiextensions conversion.
import { isObject, stringAt } from './fields.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';
import type { KubernetesObject } from './object.ts';
import { apiVersionOf, parseAPIVersion } from './object.ts';
import { copyJson } from './schema/json-value.ts';

const REVIEW = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview' } as const;
const MAXIMUM_ANNOTATION_BYTES = 256 * 1024;

/** How a conversion failed, in the words of upstream's metric. */
export type ConversionFailure =
  | 'conversion_webhook_call_failure'
  | 'conversion_webhook_malformed_response_failure'
  | 'conversion_webhook_partial_response_failure'
  | 'conversion_webhook_invalid_converted_object_failure';

/** The webhook did not convert; `message` names the kind and says why. */
export class ConversionError extends Error {
  readonly failure: ConversionFailure;

  constructor(failure: ConversionFailure, message: string) {
    super(message);
    this.name = 'ConversionError';
    this.failure = failure;
  }
}

export interface Conversion {
  readonly uid: string;
  /** Of one kind and version, which is not `desiredAPIVersion`. */
  readonly objects: readonly KubernetesObject[];
  readonly desiredAPIVersion: string;
}

export function conversionReview({ uid, objects, desiredAPIVersion }: Conversion): unknown {
  return { ...REVIEW, request: { uid, desiredAPIVersion, objects } };
}

/** `conversion webhook for stable.example.com/v1, Kind=CronTab`: how every message begins. */
export function conversionSubject({ objects }: Pick<Conversion, 'objects'>): string {
  const [first] = objects;
  return `conversion webhook for ${first?.apiVersion ?? ''}, Kind=${first?.kind ?? ''}`;
}

/**
 * The converted objects, in the order of those that were asked about.
 *
 * @param answer parsed JSON
 * @throws ConversionError
 */
export function convertedObjects(conversion: Conversion, answer: unknown): KubernetesObject[] {
  const subject = conversionSubject(conversion);
  const { objects, desiredAPIVersion } = conversion;
  const converted = answeredObjects(conversion, answer, subject);
  if (converted.length !== objects.length) {
    throw new ConversionError(
      'conversion_webhook_partial_response_failure',
      `${subject} returned ${converted.length} objects, expected ${objects.length}`,
    );
  }
  return objects.map((original, index) => {
    const invalid = (why: string): ConversionError =>
      new ConversionError(
        'conversion_webhook_invalid_converted_object_failure',
        `${subject} returned invalid ${why}`,
      );
    const object = converted[index];
    if (!isObject(object) || stringAt(object, 'kind') === '') {
      throw invalid(`object at index ${index}: Object 'Kind' is missing`);
    }
    checkIdentity(original, object, index, desiredAPIVersion, invalid);
    const metadata = restoredMetadata(original, object, invalid);
    return { ...object, metadata } as KubernetesObject;
  });
}

function answeredObjects(
  { uid }: Conversion,
  answer: unknown,
  subject: string,
): readonly unknown[] {
  const failed = (why: string): ConversionError =>
    new ConversionError(
      'conversion_webhook_malformed_response_failure',
      `${subject} failed: ${why}`,
    );
  const kind = stringAt(answer, 'kind');
  const apiVersion = stringAt(answer, 'apiVersion');
  if (kind !== REVIEW.kind || apiVersion !== REVIEW.apiVersion) {
    const { group, version } = parseAPIVersion(apiVersion);
    if (kind !== '' && kind !== REVIEW.kind) {
      // So Go's decoder speaks of what it does not know.
      throw new ConversionError(
        'conversion_webhook_call_failure',
        `${subject} failed: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
      );
    }
    throw failed(
      `expected webhook response of ${REVIEW.apiVersion}, Kind=${REVIEW.kind}, got ${group}/${version}, Kind=${kind}`,
    );
  }
  const response = isObject(answer) ? answer['response'] : undefined;
  if (!isObject(response)) throw failed('no response provided');
  const given = stringAt(response, 'uid');
  if (given !== uid) {
    throw failed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`);
  }
  const status = stringAt(response, 'result', 'status');
  if (status !== 'Success') {
    const message = stringAt(response, 'result', 'message');
    throw failed(
      message === '' ? `response.result.status was '${status}', not 'Success'` : message,
    );
  }
  const objects = response['convertedObjects'] ?? [];
  if (!Array.isArray(objects)) throw failed('response.convertedObjects is not a list');
  return objects;
}

function checkIdentity(
  original: KubernetesObject,
  object: Readonly<Record<string, unknown>>,
  index: number,
  desiredAPIVersion: string,
  invalid: (why: string) => ConversionError,
): void {
  const apiVersion = stringAt(object, 'apiVersion');
  if (apiVersion !== desiredAPIVersion) {
    const { group, version } = parseAPIVersion(apiVersion);
    throw invalid(
      `object at index ${index}: invalid groupVersion (expected ${desiredAPIVersion}, received ${apiVersionOf(group, version)})`,
    );
  }
  const kind = stringAt(object, 'kind');
  if (kind !== original.kind) {
    throw invalid(
      `object at index ${index}: invalid kind (expected ${original.kind}, received ${kind})`,
    );
  }
  for (const [field, word] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const before = stringAt(original.metadata, field);
    const after = stringAt(object, 'metadata', field);
    if (before !== after)
      throw invalid(`object: must have the same ${word}: ${before} != ${after}`);
  }
}

/** The original's metadata with the labels and annotations of the converted object. */
function restoredMetadata(
  { metadata: original }: KubernetesObject,
  object: Readonly<Record<string, unknown>>,
  invalid: (why: string) => ConversionError,
): KubernetesObject['metadata'] {
  const wrong = (why: string): ConversionError => invalid(`metadata: ${why}`);
  if (!Object.hasOwn(object, 'metadata')) throw wrong('missing metadata in converted object');
  const answered = object['metadata'];
  if (!isObject(answered)) {
    throw wrong(`invalid metadata of type ${goType(answered)} in converted object`);
  }
  const metadata = copyJson(original) as Record<string, unknown>;
  for (const field of ['labels', 'annotations'] as const) {
    const map = answered[field] ?? undefined;
    const before = original[field] ?? {};
    delete metadata[field];
    if (map === undefined) continue;
    if (!isObject(map)) {
      throw wrong(`invalid metadata.${field} of type ${goType(map)} in converted object`);
    }
    for (const [key, value] of Object.entries(map)) {
      if (typeof value === 'string') continue;
      throw wrong(
        `metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`,
      );
    }
    const strings = map as Readonly<Record<string, string>>;
    const isChanged = Object.entries(strings).some(([key, value]) => before[key] !== value);
    const why = !isChanged ? '' : field === 'labels' ? labelsWrong(strings) : notesWrong(strings);
    if (why !== '') throw wrong(why);
    metadata[field] = strings;
  }
  return metadata;
}

function labelsWrong(labels: Readonly<Record<string, string>>): string {
  for (const [key, value] of Object.entries(labels)) {
    const inKey = checkQualifiedName(key);
    const inValue = checkLabelValue(value);
    if (inKey !== undefined)
      return `metadata.labels: Invalid value: ${JSON.stringify(key)}: ${inKey}`;
    if (inValue !== undefined) {
      return `metadata.labels: Invalid value: ${JSON.stringify(value)}: ${inValue}`;
    }
  }
  return '';
}

function notesWrong(annotations: Readonly<Record<string, string>>): string {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const inKey = checkQualifiedName(key.toLowerCase());
    if (inKey !== undefined) {
      return `metadata.annotation: Invalid value: ${JSON.stringify(key)}: ${inKey}`;
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes > MAXIMUM_ANNOTATION_BYTES
    ? `metadata.annotation: Too long: may not be more than ${MAXIMUM_ANNOTATION_BYTES} bytes`
    : '';
}

/** What Go's `%T` says of a value of unstructured JSON. */
function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    default:
      return 'map[string]interface {}';
  }
}
