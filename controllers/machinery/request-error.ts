// What a request of the client can fail with. Two classes, because callers decide differently: the server said no
// (RequestError: look at the reason), or nobody answered (ConnectionError: try again later). A leaf: imports nothing.

export interface RequestErrorCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface RequestErrorDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly RequestErrorCause[];
  readonly retryAfterSeconds?: number;
}

/** The server answered with a Status of failure, or with a body that is none. */
export class RequestError extends Error {
  /** HTTP status code. */
  readonly code: number;
  /** `NotFound`, `Conflict`, `AlreadyExists`, `Expired` …; '' when the body was no Status. */
  readonly reason: string;
  readonly details: RequestErrorDetails | undefined;
  /** When the server says that it may be asked again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: RequestErrorDetails,
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer: refused, reset, timed out, or an answer that broke off. */
export class ConnectionError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ConnectionError';
  }
}

function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof RequestError && reasons.includes(error.reason);
}

export function isNotFound(error: unknown): error is RequestError {
  return error instanceof RequestError && error.code === 404;
}

/** The object changed, or a precondition on uid or resourceVersion did not hold. */
export function isConflict(error: unknown): error is RequestError {
  return hasReason(error, 'Conflict');
}

export function isAlreadyExists(error: unknown): error is RequestError {
  return hasReason(error, 'AlreadyExists');
}

/** History or continue token too old: list again. */
export function isExpired(error: unknown): error is RequestError {
  return error instanceof RequestError && error.code === 410;
}

export function isForbidden(error: unknown): error is RequestError {
  return error instanceof RequestError && error.code === 403;
}

/** The server understood and will not do it, now or later: invalid, unknown, not allowed, not supported. */
export function isRefused(error: unknown): error is RequestError {
  return error instanceof RequestError && [400, 403, 404, 405, 422].includes(error.code);
}

/** A create refused because its namespace is going away. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isForbidden(error) &&
    (error.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}

/** The list or watch asked for a resourceVersion that this server has not reached (a restored or different server). */
export function isTooLargeResourceVersion(error: unknown): boolean {
  return (
    error instanceof RequestError &&
    error.code === 504 &&
    (error.details?.causes ?? []).some((cause) => cause.reason === 'ResourceVersionTooLarge')
  );
}

/** Makes a RequestError of an answer's body: a Status, or whatever a proxy in between said. */
export function requestErrorOf(
  code: number,
  body: unknown,
  method: string,
  path: string,
  retryAfterSeconds?: number,
): RequestError {
  if (isStatus(body)) {
    return new RequestError(
      body.code ?? code,
      body.reason ?? '',
      body.message ?? `${method} ${path}: HTTP ${code}`,
      body.details,
      retryAfterSeconds,
    );
  }
  const message = `${method} ${path}: HTTP ${code} without a Status`;
  return new RequestError(code, '', message, undefined, retryAfterSeconds);
}

interface StatusBody {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: RequestErrorDetails;
}

function isStatus(body: unknown): body is StatusBody {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
}
