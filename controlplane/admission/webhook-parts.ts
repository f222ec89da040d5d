// What the parts around webhooks share.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';

import type { ResourceDefinition } from '../api/resource.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import type { Conversions } from '../registry/conversion.ts';
import type { Store } from '../store/types.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { Webhook } from './webhook.ts';
import type { WebhookClient } from './webhook-client.ts';

/** What calls of webhooks work with. */
export interface WebhookParts {
  readonly client: WebhookClient;
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: AdmissionMetrics;
  /** Between the versions of a kind. */
  readonly conversions: Pick<Conversions, 'between'>;
}

/** A webhook whose rules are about a sort of writes, and the version of the kind that it is to be shown. */
export interface Invocation {
  readonly webhook: Webhook;
  readonly as: ResourceDefinition;
}
