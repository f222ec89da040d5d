// One webhook of a configuration, read once when the configuration changes.
import { readClientConfig } from '../api/client-config.ts';
import type { ClientConfig } from '../api/client-config.ts';
import { fieldAt, listAt, numberAt, objectAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import { MatchConditions } from './match-conditions.ts';
import { readRule } from './resource-rule.ts';
import type { ResourceRule } from './resource-rule.ts';
import { readSelectors } from './selected.ts';
import type { Selectors } from './selected.ts';

export interface Webhook extends ClientConfig {
  /** Name of the configuration that it stands in. */
  readonly configuration: string;
  readonly name: string;
  /** Place among the webhooks of its kind. */
  readonly key: string;
  readonly rules: readonly ResourceRule[];
  /** Writes in other versions of a kind count too. */
  readonly equivalent: boolean;
  readonly selectors: Selectors;
  readonly conditions: MatchConditions;
  /** When it cannot be called, the request goes on without it. */
  readonly failsOpen: boolean;
  readonly timeoutMs: number;
  readonly permitsDryRun: boolean;
  readonly reinvokes: boolean;
  readonly reviewVersions: readonly string[];
}

export function webhooksOf(configuration: KubernetesObject): readonly Webhook[] {
  const { name = '', uid = '' } = configuration.metadata;
  return listAt(configuration, 'webhooks').map((webhook) => readWebhook(name, uid, webhook));
}

function readWebhook(configuration: string, uid: string, webhook: unknown): Webhook {
  const name = stringAt(webhook, 'name');
  const failsOpen = stringAt(webhook, 'failurePolicy') === 'Ignore';
  const sideEffects = stringAt(webhook, 'sideEffects');
  return {
    configuration,
    name,
    key: `${configuration}/${uid}/${name}`,
    rules: listAt(webhook, 'rules').map(readRule),
    equivalent: stringAt(webhook, 'matchPolicy') !== 'Exact',
    selectors: readSelectors(objectAt(webhook)),
    conditions: new MatchConditions(listAt(webhook, 'matchConditions'), failsOpen),
    failsOpen,
    timeoutMs: (numberAt(webhook, 'timeoutSeconds') || 10) * 1_000,
    permitsDryRun: sideEffects === 'None' || sideEffects === 'NoneOnDryRun',
    reinvokes: stringAt(webhook, 'reinvocationPolicy') === 'IfNeeded',
    reviewVersions: listAt(webhook, 'admissionReviewVersions').map(String),
    ...readClientConfig(fieldAt(webhook, 'clientConfig')),
  };
}
