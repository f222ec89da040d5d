// The answers of the API server that are no success, one row each, made by the functions that make them.
import * as errors from '#controlplane/api/errors.ts';
import type { ApiError } from '#controlplane/api/errors.ts';

export interface ErrorRow {
  /** HTTP status. */
  readonly code: number;
  /** What clients decide on: `status.reason`. */
  readonly reason: string;
  /** With names that stand for others. */
  readonly message: string;
  /** Why it is so, and what to do. */
  readonly advice: string;
}

const POD: errors.ErrorSubject = { group: '', resource: 'pods', kind: 'Pod' };
const wrong: errors.FieldError = {
  reason: 'FieldValueRequired',
  field: 'spec.containers',
  message: 'Required value',
};

type Maker = {
  [Name in keyof typeof errors]: (typeof errors)[Name] extends (...args: never) => ApiError
    ? Name
    : never;
}[keyof typeof errors];

/** Each function of controlplane/api/errors.ts that makes one: an example, and what it is for. */
const EXAMPLES: Readonly<Record<Maker, readonly [ApiError, string]>> = {
  badRequest: [
    errors.badRequest('the body is not JSON: …'),
    'The request cannot be understood, or a field is none of the kind: the message names it.',
  ],
  unauthorized: [
    errors.unauthorized(),
    'No credentials, or such as do not hold (any more): a token that ended, a certificate of another authority. [access](access.md)',
  ],
  forbidden: [
    errors.forbidden(POD, 'a', 'User "ann" cannot get resource "pods" in API group "" …'),
    'No role allows it, or a quota, a policy or Pod security stands against it: the message says which. [access](access.md), [admission](admission.md)',
  ],
  notFound: [errors.notFound(POD, 'a'), 'Nothing of that name, in that namespace.'],
  unknownPath: [
    errors.unknownPath(),
    'No such kind or version here: `kubectl api-resources` lists what there is.',
  ],
  methodNotAllowed: [errors.methodNotAllowed(POD), 'What is there does not know that verb.'],
  notAcceptable: [
    errors.notAcceptable(['application/json', '…']),
    'No form that is asked for in `Accept` is served.',
  ],
  alreadyExists: [
    errors.alreadyExists(POD, 'a'),
    'Somebody made it before: update it, or take another name.',
  ],
  generateNameConflict: [
    errors.generateNameConflict(POD, 'a-x2k9f'),
    'All names that were tried for a `generateName` were taken: try again.',
  ],
  conflict: [
    errors.conflict(POD, 'a'),
    'Somebody was faster: read it again, and change that. Of an apply: another manager owns a field, `--force-conflicts` takes it.',
  ],
  expired: [
    errors.expired('too old resource version: 3 (40)'),
    'History does not reach back so far: list again. Clients do so by themselves.',
  ],
  requestEntityTooLarge: [
    errors.requestEntityTooLarge(3_145_728),
    'An object may have 3 MiB: keep large things elsewhere.',
  ],
  unsupportedMediaType: [
    errors.unsupportedMediaType(['application/json', '…']),
    'The `Content-Type` is none that is served here.',
  ],
  invalid: [
    errors.invalid(POD, 'a', [wrong]),
    'Fields are wrong: the message, and `details.causes` one by one, name each field and what it should be.',
  ],
  tooManyRequests: [
    errors.tooManyRequests('too many requests, please try again later', [], 1),
    'More at once than `--max-requests-inflight` gives one user, or a disruption budget that allows no eviction now: come again after `Retry-After`.',
  ],
  internalError: [
    errors.internalError('…'),
    'A defect, or a webhook that could not be asked: the server log has it under the `Audit-Id` of the answer. [runbooks](runbooks.md#windlassrequesterrors)',
  ],
  serviceUnavailable: [
    errors.serviceUnavailable('…'),
    'The storage takes no writes now, or the server is stopping: reads go on, and writes as soon as it is mended. [runbooks](runbooks.md#windlasspersistencedown)',
  ],
  timeout: [
    errors.timeout('…', 1),
    'It took longer than the request may. What was begun may still become visible: look before trying again.',
  ],
};

/** By status, then in the order of the code. */
export function errorRows(): readonly ErrorRow[] {
  return Object.values(EXAMPLES)
    .map(([{ code, reason, message }, advice]) => ({ code, reason, message, advice }))
    .toSorted((one, other) => one.code - other.code);
}
