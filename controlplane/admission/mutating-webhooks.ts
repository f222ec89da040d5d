// Mutating webhooks, one after the other: each sees what those before it made of the object. When one changes it, those that asked for
// it (reinvocationPolicy: IfNeeded) are called once more.
import { ApiError } from '../api/errors.ts';
import { lazy } from '../api/lazy.ts';
import type { KubernetesObject } from '../api/object.ts';
import { applyJSONPatch } from '../api/patch/json-patch.ts';
import { copyJson, equalJson } from '../api/schema/json-value.ts';
import type { AdmissionRequest } from '../registry/admission.ts';
import type { WebhookResponse } from './admission-review.ts';
import type { ShownObjects } from './expression-values.ts';
import { admissionFailure, CallingWebhookError } from './refusals.ts';
import { askWebhook, isAsked, shownTo } from './webhook-call.ts';
import { Reinvocation } from './reinvocation.ts';
import type { Round } from './reinvocation.ts';
import type { Invocation, WebhookParts } from './webhook-parts.ts';

const ANNOTATION = 'mutation.webhook.admission.k8s.io';

/** Those of one request. */
export class MutatingWebhooks {
  readonly #parts: WebhookParts;
  readonly #invocations: readonly Invocation[];
  readonly #reinvocation = new Reinvocation();

  constructor(parts: WebhookParts, invocations: readonly Invocation[]) {
    this.#parts = parts;
    this.#invocations = invocations;
  }

  /** After the first round: whether everything that mutates is to be asked again. */
  get isChanged(): boolean {
    return this.#reinvocation.isChanged;
  }

  /**
   * @returns the object as the webhooks want it; the request's own when nobody changed anything
   * @throws ApiError of whoever refuses
   */
  async admit(request: AdmissionRequest, round: Round): Promise<KubernetesObject | undefined> {
    const reinvocation = this.#reinvocation;
    reinvocation.begin(round, request.object);
    let { object } = request;
    for (const [index, invocation] of this.#invocations.entries()) {
      const { webhook } = invocation;
      if (!reinvocation.isDue(round, webhook.key)) continue;
      const now: AdmissionRequest = { ...request, object };
      const shown = lazy(() => shownTo(this.#parts, invocation, now));
      if (!(await isAsked(this.#parts, 'admit', invocation, now, shown))) continue;
      const made = await this.#ask(invocation, now, await shown(), `round_${round}_index_${index}`);
      if (made !== undefined) {
        object = made;
        reinvocation.changed();
      }
      reinvocation.asked(webhook.key, webhook.reinvokes);
    }
    reinvocation.end(object);
    return object;
  }

  /** @returns undefined when nothing changed */
  async #ask(
    invocation: Invocation,
    request: AdmissionRequest,
    shown: ShownObjects,
    place: string,
  ): Promise<KubernetesObject | undefined> {
    const { configuration, name } = invocation.webhook;
    const { context } = request;
    let answered = false;
    let made: KubernetesObject | undefined;
    try {
      made = await askWebhook(this.#parts, 'admit', invocation, request, shown, (response) => {
        answered = true;
        return patched(this.#parts, name, request, shown, response);
      });
    } catch (error) {
      throw error instanceof CallingWebhookError ? admissionFailure(error.message, error) : error;
    }
    if (!answered) context.annotate?.(`failed-open.${ANNOTATION}/${place}`, name);
    const note = { configuration, webhook: name, mutated: made !== undefined };
    context.annotate?.(`${ANNOTATION}/${place}`, JSON.stringify(note));
    return made;
  }
}

/** @returns undefined when the patch changes nothing */
async function patched(
  { conversions }: WebhookParts,
  webhook: string,
  request: AdmissionRequest,
  { as, isConverted, object }: ShownObjects,
  { patch, patchType }: WebhookResponse,
): Promise<KubernetesObject | undefined> {
  if (patch === undefined) return undefined;
  const operations = parse(patch);
  if (Array.isArray(operations) && operations.length === 0) return undefined;
  if (object === undefined) {
    throw admissionFailure(
      `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (patchType !== 'JSONPatch') {
    const why = `unsupported patch type ${JSON.stringify(patchType.slice(0, 64))}`;
    throw new CallingWebhookError(webhook, why, 503);
  }
  try {
    const result = applyJSONPatch(copyJson(object), operations) as KubernetesObject;
    if (typeof result !== 'object' || result === null) {
      throw admissionFailure('the patch leaves no object behind');
    }
    const own = isConverted ? await conversions.between(result, as, request.definition) : result;
    request.refine(own);
    return equalJson(own, request.object) ? undefined : own;
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason === 'InternalError') throw error;
    throw admissionFailure(error.message, error);
  }
}

function parse(patch: string): unknown {
  try {
    return JSON.parse(patch);
  } catch (error) {
    throw admissionFailure('the patch is no JSON', error);
  }
}
