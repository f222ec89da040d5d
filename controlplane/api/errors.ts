// Errors that reach API clients, in upstream's Status form (k8s.io/apimachinery api/errors). A leaf: imports nothing of ours.

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The resource's plural for NotFound, Conflict, AlreadyExists and Forbidden; the Kind for Invalid. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** Which resource an error is about: group ('' for core), plural and, for validation, Kind. */
export interface ErrorSubject {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

export interface ApiErrorOptions {
  readonly details?: StatusDetails;
  readonly cause?: unknown;
  /** Goes into Status.metadata.continue: the token to go on with after an Expired list. */
  readonly continueToken?: string;
}

/** An answer other than success. `code` is the HTTP status, `reason` what client-go decides on. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  readonly continueToken: string | undefined;

  constructor(code: number, reason: string, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.details = options.details;
    this.continueToken = options.continueToken;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** `deployments.apps` or `pods`. */
function qualified(subject: Pick<ErrorSubject, 'group' | 'resource'>): string {
  return subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`;
}

function detailsOf(subject: ErrorSubject, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.resource,
  };
}

export function badRequest(message: string, cause?: unknown): ApiError {
  return new ApiError(400, 'BadRequest', message, { cause });
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

/** @param why what follows the colon, e.g. `User "u" cannot get resource "pods" in API group "" in the namespace "ns"` */
export function forbidden(
  subject: ErrorSubject,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): ApiError {
  const what = name === '' ? qualified(subject) : `${qualified(subject)} "${name}"`;
  return new ApiError(403, 'Forbidden', `${what} is forbidden: ${why}`, {
    details: { ...detailsOf(subject, name), ...(causes === undefined ? {} : { causes }) },
  });
}

export function notFound(subject: ErrorSubject, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(subject)} "${name}" not found`, {
    details: detailsOf(subject, name),
  });
}

/** No such path or resource on this server. */
export function unknownPath(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {
    details: {},
  });
}

export function methodNotAllowed(subject?: ErrorSubject): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    { details: subject === undefined ? {} : detailsOf(subject, '') },
  );
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return new ApiError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}

export function alreadyExists(subject: ErrorSubject, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(subject)} "${name}" already exists`, {
    details: detailsOf(subject, name),
  });
}

/** Every name made from `generateName` was taken. */
export function generateNameConflict(subject: ErrorSubject, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(subject)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    { details: { ...detailsOf(subject, name), retryAfterSeconds: 1 } },
  );
}

export function conflict(subject: ErrorSubject, name: string, why?: string): ApiError {
  const text =
    why ??
    'the object has been modified; please apply your changes to the latest version and try again';
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${text}`,
    { details: detailsOf(subject, name) },
  );
}

/** @param why e.g. `too old resource version: 3 (40)` */
export function expired(why: string, continueToken?: string): ApiError {
  return new ApiError(410, 'Expired', why, continueToken === undefined ? {} : { continueToken });
}

export function requestEntityTooLarge(limitBytes: number): ApiError {
  return new ApiError(
    413,
    'RequestEntityTooLarge',
    `Request entity too large: limit is ${limitBytes}`,
  );
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

export const fieldErrorReasons = [
  'FieldValueRequired',
  'FieldValueInvalid',
  'FieldValueDuplicate',
  'FieldValueForbidden',
  'FieldValueNotSupported',
  'FieldValueNotFound',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
] as const;

/** One thing wrong with one field, as field.Error upstream. `message` has no field name in front. */
export interface FieldError {
  readonly reason: (typeof fieldErrorReasons)[number];
  /** `spec.containers[0].image` */
  readonly field: string;
  /** `Required value`, `Invalid value: "x": must be …` */
  readonly message: string;
}

/** 422: `Pod "x" is invalid: spec.a: Required value` (`Lease.coordination.k8s.io "x"` outside the core group), or the list in brackets. */
export function invalid(
  subject: Pick<ErrorSubject, 'group' | 'kind'>,
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    details: {
      ...(name === '' ? {} : { name }),
      ...(subject.group === '' ? {} : { group: subject.group }),
      kind: subject.kind,
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}

/** @param retryAfterSeconds when to come again; absent: the client's own business */
export function tooManyRequests(
  message: string,
  causes: readonly StatusCause[],
  retryAfterSeconds?: number,
): ApiError {
  return new ApiError(429, 'TooManyRequests', message, {
    details: { causes, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
  });
}

/** 500 with the cause kept for the log; the client sees only `message`. */
export function internalError(message: string, cause?: unknown): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { cause });
}

export function serviceUnavailable(message: string, cause?: unknown): ApiError {
  return new ApiError(503, 'ServiceUnavailable', message, { cause });
}

export function timeout(
  message: string,
  retryAfterSeconds: number,
  causes?: readonly StatusCause[],
): ApiError {
  return new ApiError(504, 'Timeout', message, {
    details: { retryAfterSeconds, ...(causes === undefined ? {} : { causes }) },
  });
}
