// Calls the webhooks that convert custom resources between their versions: one review there, the converted objects back.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import {
  ConversionError,
  conversionReview,
  conversionSubject,
  convertedObjects,
} from '../api/conversion-review.ts';
import type { Conversion } from '../api/conversion-review.ts';
import { parseAPIVersion } from '../api/object.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ConversionWebhook } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';
import type { ConversionCaller } from '../registry/conversion.ts';
import type { Store } from '../store/types.ts';
import { ConversionMetrics } from './conversion-metrics.ts';
import { WebhookCallError, WebhookClient } from './webhook-client.ts';
import { webhookTarget } from './webhook-target.ts';

const REVIEW_VERSION = 'v1';
/** As upstream, for whatever reason a conversion is made. */
const TIMEOUT_MS = 30_000;

export interface ConversionWebhookOptions {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly metrics: MetricsRegistry;
}

export class ConversionWebhooks implements ConversionCaller {
  readonly #options: ConversionWebhookOptions;
  readonly #client: WebhookClient;
  readonly #metrics: ConversionMetrics;
  readonly #stopScheme: () => void;

  constructor(options: ConversionWebhookOptions) {
    const { scheme, clock, metrics } = options;
    this.#options = options;
    this.#client = new WebhookClient(clock);
    this.#metrics = new ConversionMetrics(metrics);
    // Connections that nobody trusts any more; those in use end with their call.
    this.#stopScheme = scheme.onChange(() => {
      const webhooks = scheme.definitions().map(({ versions }) => versions?.webhook);
      this.#client.keepOnly(
        new Set(webhooks.flatMap((one) => (one === undefined ? [] : [one.authority ?? '']))),
      );
    });
  }

  async convert(
    webhook: ConversionWebhook,
    conversion: Omit<Conversion, 'uid'>,
    signal: AbortSignal,
  ): Promise<KubernetesObject[]> {
    if (!webhook.reviewVersions.includes(REVIEW_VERSION)) {
      throw new ConversionError(
        'conversion_webhook_call_failure',
        'no supported conversion review versions',
      );
    }
    const { clock, ids } = this.#options;
    const asked: Conversion = { ...conversion, uid: ids.uuid() };
    const startedAt = clock.monotonic();
    const done = (failure?: ConversionError): void =>
      this.#metrics.called({
        definition: webhook.definition,
        fromVersion: parseAPIVersion(asked.objects[0]?.apiVersion ?? '').version,
        toVersion: parseAPIVersion(asked.desiredAPIVersion).version,
        seconds: (clock.monotonic() - startedAt) / 1_000,
        failure: failure?.failure,
      });
    try {
      const converted = convertedObjects(asked, await this.#call(webhook, asked, signal));
      done();
      return converted;
    } catch (error) {
      if (error instanceof ConversionError) done(error);
      throw error;
    }
  }

  close(): void {
    this.#stopScheme();
    this.#client.close();
  }

  async #call(
    webhook: ConversionWebhook,
    conversion: Conversion,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await this.#client.post(
        webhookTarget(this.#options, webhook, TIMEOUT_MS),
        webhook.authority,
        JSON.stringify(conversionReview(conversion)),
        TIMEOUT_MS,
        signal,
      );
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      const why = `${conversionSubject(conversion)} failed: ${error.message}`;
      throw new ConversionError('conversion_webhook_call_failure', why);
    }
  }
}
