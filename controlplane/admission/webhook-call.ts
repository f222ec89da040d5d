// One call of one webhook: is it to be asked about this request at all, then the review there and the answer back.
import { forbidden } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { AdmissionRequest } from '../registry/admission.ts';
import { readResponse, requestFields, reviewOf } from './admission-review.ts';
import type { WebhookResponse } from './admission-review.ts';
import type { RejectionCause, StepType } from './admission-metrics.ts';
import { convertsWith } from './equivalent-version.ts';
import { expressionValues } from './expression-values.ts';
import type { ShownObjects } from './expression-values.ts';
import {
  CallingWebhookError,
  WebhookDenial,
  noDryRun,
  denialOf,
  requestTimeout,
} from './refusals.ts';
import { isSelected } from './selected.ts';
import type { Webhook } from './webhook.ts';
import { WebhookCallError } from './webhook-client.ts';
import type { Invocation, WebhookParts } from './webhook-parts.ts';
import { webhookTarget } from './webhook-target.ts';

const REVIEW_VERSION = 'v1';

/** The objects of a request in the version that the webhook asked for. @throws ApiError 500 when they cannot be converted */
export async function shownTo(
  { conversions }: Pick<WebhookParts, 'conversions'>,
  { as }: Pick<Invocation, 'as'>,
  request: AdmissionRequest,
): Promise<ShownObjects> {
  const { definition, object, old } = request;
  const isConverted = as !== definition && convertsWith(request);
  if (!isConverted) return { as, isConverted, object, old };
  const convert = async (
    one: KubernetesObject | undefined,
  ): Promise<KubernetesObject | undefined> =>
    one === undefined ? undefined : conversions.between(one, definition, as);
  const [shown, shownOld] = await Promise.all([convert(object), convert(old)]);
  return { as, isConverted, object: shown, old: shownOld };
}

/**
 * Whether selectors and conditions choose the request.
 *
 * @throws ApiError Forbidden when a condition cannot be evaluated and the webhook fails closed
 */
export async function isAsked(
  { store, authorizer, metrics }: WebhookParts,
  type: StepType,
  { webhook }: Invocation,
  request: AdmissionRequest,
  shown: () => Promise<ShownObjects>,
): Promise<boolean> {
  if (!isSelected(webhook.selectors, request, store)) return false;
  if (webhook.conditions.isEmpty) return true;
  const answer = await webhook.conditions.answer(async () =>
    expressionValues(request, await shown(), authorizer),
  );
  if (answer === 'matches') return true;
  if (answer === 'excluded') {
    metrics.excluded(webhook.name, 'webhook', type, request.operation);
    return false;
  }
  throw forbidden(request.definition, request.name, answer.failure);
}

/**
 * Asks one webhook and counts what came of it. Warnings and annotations are handed on.
 *
 * @param use what to do with an answer that allows
 * @returns undefined when it could not be asked and fails open
 * @throws ApiError what the client is told
 */
export async function askWebhook<T>(
  parts: WebhookParts,
  type: StepType,
  { webhook }: Invocation,
  request: AdmissionRequest,
  shown: ShownObjects,
  use: (response: WebhookResponse) => T | Promise<T>,
): Promise<T | undefined> {
  const { clock, metrics, logger } = parts;
  const { name } = webhook;
  const { operation, context } = request;
  const startedAt = clock.monotonic();
  const done = (rejected: boolean, code: number, cause?: RejectionCause): void => {
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    metrics.called({ name, type, operation, seconds, rejected, code });
    if (cause !== undefined) metrics.rejected({ name, type, operation, code }, cause);
  };
  try {
    const response = await call(parts, type, webhook, request, shown);
    for (const [key, value] of Object.entries(response.annotations)) {
      context.annotate?.(`${name}/${key}`, value);
    }
    for (const warning of response.warnings) context.warn(warning);
    if (!response.allowed) throw new WebhookDenial(denialOf(name, response.status));
    const result = await use(response);
    done(false, 200);
    return result;
  } catch (error) {
    if (context.signal.aborted) throw requestTimeout();
    if (error instanceof WebhookDenial) {
      done(true, error.status.code, 'no_error');
      throw error.status;
    }
    if (!(error instanceof CallingWebhookError)) {
      done(true, 0, 'apiserver_internal_error');
      throw error;
    }
    if (webhook.failsOpen) {
      done(false, error.code);
      metrics.failedOpen(name, type);
      logger.warn('Failed calling webhook, failing open', { webhook: name, why: error.message });
      return undefined;
    }
    done(true, error.code, 'calling_webhook_error');
    throw error;
  }
}

async function call(
  parts: WebhookParts,
  type: StepType,
  webhook: Webhook,
  request: AdmissionRequest,
  shown: ShownObjects,
): Promise<WebhookResponse> {
  const { name } = webhook;
  const { context } = request;
  if (context.dryRun && !webhook.permitsDryRun) throw noDryRun(name);
  if (!webhook.reviewVersions.includes(REVIEW_VERSION)) {
    throw new CallingWebhookError(
      name,
      `could not create admission objects: webhook does not accept known AdmissionReview versions (${REVIEW_VERSION})`,
      400,
    );
  }
  const uid = parts.ids.uuid();
  const fields = requestFields(request, shown.as, shown.isConverted);
  const review = reviewOf(uid, fields, shown.object, shown.old);
  const left = (context.deadline ?? Infinity) - parts.clock.monotonic();
  const timeoutMs = Math.min(webhook.timeoutMs, left);
  if (timeoutMs <= 0) throw requestTimeout();
  let answer: unknown;
  try {
    answer = await parts.client.post(
      webhookTarget(parts, webhook, timeoutMs),
      webhook.authority,
      JSON.stringify(review),
      timeoutMs,
      context.signal,
    );
  } catch (error) {
    if (!(error instanceof WebhookCallError)) throw error;
    throw new CallingWebhookError(
      name,
      `failed to call webhook: ${error.message}`,
      error.code || 503,
    );
  }
  try {
    return readResponse(answer, uid, type === 'admit');
  } catch (error) {
    const why = `received invalid webhook response: ${(error as Error).message}`;
    throw new CallingWebhookError(name, why, 503);
  }
}
