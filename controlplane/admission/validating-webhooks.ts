// Validating webhooks, all at once: they see the object as it will be stored, and each may refuse it.
import { lazy } from '../api/lazy.ts';
import type { AdmissionRequest } from '../registry/admission.ts';
import type { ShownObjects } from './expression-values.ts';
import { admissionFailure, CallingWebhookError } from './refusals.ts';
import { askWebhook, isAsked, shownTo } from './webhook-call.ts';
import type { Invocation, WebhookParts } from './webhook-parts.ts';

/**
 * Waits for all of them.
 *
 * @throws ApiError of the first, in the order of configurations, that refuses
 */
export async function askValidating(
  parts: WebhookParts,
  invocations: readonly Invocation[],
  request: AdmissionRequest,
): Promise<void> {
  const chosen: { readonly invocation: Invocation; readonly shown: ShownObjects }[] = [];
  for (const invocation of invocations) {
    const shown = lazy(() => shownTo(parts, invocation, request));
    if (await isAsked(parts, 'validate', invocation, request, shown)) {
      chosen.push({ invocation, shown: await shown() });
    }
  }
  const answers = await Promise.allSettled(
    chosen.map(async ({ invocation, shown }, index) => {
      const answer = await askWebhook(parts, 'validate', invocation, request, shown, () => true);
      if (answer === true) return;
      const place = `round_0_index_${index}`;
      const key = `failed-open.validating.webhook.admission.k8s.io/${place}`;
      request.context.annotate?.(key, invocation.webhook.name);
    }),
  );
  const refusal = answers.find(({ status }) => status === 'rejected');
  if (refusal?.status !== 'rejected') return;
  const error: unknown = refusal.reason;
  throw error instanceof CallingWebhookError ? admissionFailure(error.message, error) : error;
}
