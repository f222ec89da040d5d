// The answers that a client gets when a webhook or policy stands in the way, in upstream's words.
import { ApiError, badRequest } from '../api/errors.ts';
import { isObject, numberAt, objectAt, stringAt } from '../api/fields.ts';

/** A webhook could not be asked: what becomes of the request, its failurePolicy says. */
export class CallingWebhookError extends Error {
  /** Of the answer, for metrics. */
  readonly code: number;

  constructor(webhook: string, reason: string, code: number) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`);
    this.name = 'CallingWebhookError';
    this.code = code;
  }
}

/** A webhook said no. */
export class WebhookDenial extends Error {
  readonly status: ApiError;

  constructor(status: ApiError) {
    super(status.message);
    this.name = 'WebhookDenial';
    this.status = status;
  }
}

/** What the webhook answered as Status, with its name in front of the message; never a success. */
export function denialOf(
  webhook: string,
  status: Readonly<Record<string, unknown>> | undefined,
): ApiError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const message = stringAt(status, 'message');
  const reason = stringAt(status, 'reason');
  const code = numberAt(status, 'code');
  const text =
    message !== ''
      ? `${by}: ${message}`
      : reason !== ''
        ? `${by}: ${reason}`
        : `${by} without explanation`;
  // A code beyond what HTTP has would not go over the wire.
  const shown = Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400;
  const details = objectAt(status)['details'];
  return new ApiError(shown, reason, text, isObject(details) ? { details } : {});
}

/** 500, of which the client is told the cause. */
export function admissionFailure(message: string, cause?: unknown): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, {
    details: { causes: [{ message }] },
    cause,
  });
}

export function noDryRun(webhook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}

/** The request's own time is over, whatever a webhook's is. */
export function requestTimeout(): ApiError {
  return new ApiError(
    504,
    'Timeout',
    'Timeout: request did not complete within requested timeout',
    {
      details: {},
    },
  );
}
