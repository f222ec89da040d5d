// The query parameters of list and watch: checked once, with upstream's texts (metav1 ListOptions validation).
import { badRequest, invalid, timeout } from '../api/errors.ts';
import type { ApiError, FieldError } from '../api/errors.ts';
import { unsupportedField } from '../api/field-errors.ts';
import { checkFieldSelector, matchesFields, parseFieldSelector } from '../api/field-selectors.ts';
import type { FieldSelector } from '../api/field-selectors.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import { matchesLabels, parseLabelSelector } from '../api/selectors.ts';
import type { LabelSelector } from '../api/selectors.ts';
import type { Revision, Store, StoredObject } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';

import { isTrue } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';

/** How long a read waits for a revision that is not there yet. */
const FUTURE_REVISION_WAIT_MS = 3000;
const NOT_OLDER_THAN = 'NotOlderThan';

export interface Selection {
  /** Absent when everything matches. */
  readonly matches?: (object: StoredObject) => boolean;
  /** The same for the same selectors: watchers with one text share their encoded events. */
  readonly text: string;
}

/** @throws ApiError BadRequest for selectors that do not parse or name unknown fields */
export function selectionOf(
  { query, name }: Pick<RequestInfo, 'query' | 'name'>,
  definition: ResourceDefinition,
): Selection {
  const labelText = query.get('labelSelector') ?? '';
  let fieldText = query.get('fieldSelector') ?? '';
  // The old watch paths name one object.
  if (name !== '') fieldText = `metadata.name=${name}${fieldText === '' ? '' : `,${fieldText}`}`;
  if (labelText === '' && fieldText === '') return { text: '' };
  const labels = labelText === '' ? [] : parseLabelSelector(labelText);
  const fields = fieldText === '' ? [] : parseFieldSelector(fieldText);
  checkFieldSelector(fields, definition);
  return { text: `${labelText}&${fieldText}`, matches: matcher(labels, fields) };
}

function matcher(labels: LabelSelector, fields: FieldSelector): (object: StoredObject) => boolean {
  if (fields.length === 0) return (object) => matchesLabels(labels, object.labels);
  if (labels.length === 0) return (object) => matchesFields(fields, object);
  return (object) => matchesFields(fields, object) && matchesLabels(labels, object.labels);
}

export type RevisionMatch = 'Exact' | 'NotOlderThan' | '';

export interface RevisionOptions {
  /** Undefined when absent or ''. */
  readonly revision: Revision | undefined;
  readonly match: RevisionMatch;
}

/** `resourceVersion` and `resourceVersionMatch` of a list. @throws ApiError Invalid */
export function listRevisionOf(query: URLSearchParams): RevisionOptions {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const errors: FieldError[] = [];
  if (match !== '') {
    if (text === '') {
      errors.push(
        forbiddenField(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden unless resourceVersion is provided',
        ),
      );
    }
    if ((query.get('continue') ?? '') !== '') {
      errors.push(
        forbiddenField(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden when continue is provided',
        ),
      );
    }
    if (match !== 'Exact' && match !== NOT_OLDER_THAN) {
      const supported = ['Exact', NOT_OLDER_THAN, ''];
      errors.push(unsupportedField('resourceVersionMatch', match, supported));
    }
    if (match === 'Exact' && text === '0') {
      errors.push(
        forbiddenField(
          'resourceVersionMatch',
          'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
      );
    }
  }
  if (query.has('sendInitialEvents')) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (errors.length > 0) throw invalidListOptions(errors);
  return { revision: parseRevision(text), match: match as RevisionMatch };
}

export interface WatchStart {
  /** Undefined when absent or ''. */
  readonly revision: Revision | undefined;
  /** Whether the present state comes first; undefined leaves it to the revision. */
  readonly sendInitialEvents: boolean | undefined;
}

/** Where a watch begins. @throws ApiError Invalid */
export function watchStartOf(query: URLSearchParams): WatchStart {
  const match = query.get('resourceVersionMatch') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const errors: FieldError[] = [];
  const refuse = (why: string): void => {
    errors.push(forbiddenField('resourceVersionMatch', why));
  };
  if (sendInitialEvents !== null && match !== NOT_OLDER_THAN) {
    refuse(`sendInitialEvents requires setting resourceVersionMatch to ${NOT_OLDER_THAN}`);
  }
  if (match !== '') {
    if (sendInitialEvents === null) {
      refuse('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    }
    if (match !== NOT_OLDER_THAN) {
      errors.push(unsupportedField('resourceVersionMatch', match, [NOT_OLDER_THAN]));
    }
    if ((query.get('continue') ?? '') !== '') {
      refuse('resourceVersionMatch is forbidden when continue is provided');
    }
  }
  if (errors.length > 0) throw invalidListOptions(errors);
  return {
    revision: parseRevision(query.get('resourceVersion') ?? ''),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
  };
}

/** @throws ApiError BadRequest for anything but '' and a decimal number */
export function parseRevision(text: string): Revision | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || !isDecimal(text)) {
    const shown = JSON.stringify(text);
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`,
    );
  }
  return value;
}

function isDecimal(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/** `limit`: 0 means all. @throws ApiError BadRequest */
export function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  // As upstream: less than nothing is no limit.
  return /^-\d{1,15}$/.test(text) ? 0 : (integerParameter(query, 'limit') ?? 0);
}

/** @throws ApiError BadRequest naming the parameter */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || !isDecimal(text)) {
    throw badRequest(
      `invalid query parameter ${name}: ${JSON.stringify(text)} is not a whole number of at least 0`,
    );
  }
  return value;
}

export function booleanParameter(query: URLSearchParams, name: string): boolean {
  return isTrue(query.get(name));
}

/**
 * Waits until the store has reached `revision`.
 *
 * @throws ApiError Timeout `Too large resource version` after three seconds; the signal's reason when it aborts
 */
export async function waitForRevision(
  store: Store,
  clock: Clock,
  revision: Revision,
  signal: AbortSignal,
): Promise<void> {
  if (revision <= store.revision) return;
  const deadline = new AbortController();
  const cancel = clock.schedule(FUTURE_REVISION_WAIT_MS, () =>
    deadline.abort(tooLargeRevision(revision, store.revision)),
  );
  try {
    await store.reached(revision, AbortSignal.any([signal, deadline.signal]));
  } finally {
    cancel();
  }
}

function tooLargeRevision(revision: Revision, current: Revision): ApiError {
  return timeout(`Timeout: Too large resource version: ${revision}, current: ${current}`, 1, [
    { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' },
  ]);
}

function forbiddenField(field: string, why: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${why}` };
}

function invalidListOptions(errors: readonly FieldError[]): ApiError {
  return invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}
