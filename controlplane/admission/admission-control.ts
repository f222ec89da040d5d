// Who is to be asked about a write: an index of the webhooks of the cluster by what they are about, made anew when a configuration
// changes. It follows the store synchronously: what was acknowledged counts for the next request. A write that nobody cares about costs
// one look.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import type { Admission, AdmissionRequest, Gate, Operation } from '../registry/admission.ts';
import type { Conversions } from '../registry/conversion.ts';
import type { Store, StoredObject, Subscription } from '../store/types.ts';
import { AdmissionMetrics } from './admission-metrics.ts';
import type { StepType } from './admission-metrics.ts';
import { versionShown } from './equivalent-version.ts';
import { MutatingWebhooks } from './mutating-webhooks.ts';
import { MutatingPolicies } from './policies/mutating-policies.ts';
import { MutatingProgram } from './policies/mutating-program.ts';
import { readMutatingPolicy, readValidatingPolicy } from './policies/policy.ts';
import type { MutatingPolicy, ValidatingPolicy } from './policies/policy.ts';
import { PolicyIndex } from './policies/policy-index.ts';
import type { BoundPolicy, PolicySort } from './policies/policy-index.ts';
import type { PolicyInvocation, PolicyParts } from './policies/policy-match.ts';
import { PolicyMetrics } from './policies/policy-metrics.ts';
import { PolicyProgram } from './policies/policy-program.ts';
import { askPolicies } from './policies/validating-policies.ts';
import { askValidating } from './validating-webhooks.ts';
import { webhooksOf } from './webhook.ts';
import type { Webhook } from './webhook.ts';
import { WebhookClient } from './webhook-client.ts';
import type { Invocation, WebhookParts } from './webhook-parts.ts';

const GROUP = 'admissionregistration.k8s.io';
const MUTATING = `${GROUP}/mutatingwebhookconfigurations`;
const VALIDATING = `${GROUP}/validatingwebhookconfigurations`;

const validatingPolicies: PolicySort<ValidatingPolicy, PolicyProgram> = {
  policies: `${GROUP}/validatingadmissionpolicies`,
  bindings: `${GROUP}/validatingadmissionpolicybindings`,
  read: readValidatingPolicy,
  load: (policy) => PolicyProgram.load(policy),
};

const mutatingPolicies: PolicySort<MutatingPolicy, MutatingProgram> = {
  policies: `${GROUP}/mutatingadmissionpolicies`,
  bindings: `${GROUP}/mutatingadmissionpolicybindings`,
  read: readMutatingPolicy,
  load: (policy) => MutatingProgram.load(policy),
};

/** What nobody is ever asked about, lest one that is broken could not be removed. */
const EXEMPT: ReadonlySet<string> = new Set([
  MUTATING,
  VALIDATING,
  validatingPolicies.policies,
  validatingPolicies.bindings,
  mutatingPolicies.policies,
  mutatingPolicies.bindings,
]);

/** Groups of questions about who somebody is and what they may do: no policy is asked about those. */
const REVIEWS: ReadonlySet<string> = new Set(['authentication.k8s.io', 'authorization.k8s.io']);

export interface AdmissionOptions {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly conversions: Pick<Conversions, 'between'>;
}

/** The webhooks of one kind of configurations, in order of their names. */
class Configurations {
  readonly #byName = new Map<string, readonly Webhook[]>();
  #webhooks: readonly Webhook[] = [];

  get webhooks(): readonly Webhook[] {
    return this.#webhooks;
  }

  set(name: string, webhooks: readonly Webhook[] | undefined): void {
    if (webhooks === undefined) this.#byName.delete(name);
    else this.#byName.set(name, webhooks);
    const names = [...this.#byName.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    this.#webhooks = names.flatMap((key) => this.#byName.get(key) ?? []);
  }
}

export class AdmissionControl implements Admission {
  readonly #scheme: Scheme;
  readonly #parts: WebhookParts & PolicyParts;
  readonly #policies: PolicyIndex<ValidatingPolicy, PolicyProgram>;
  readonly #mutatingPolicies: PolicyIndex<MutatingPolicy, MutatingProgram>;
  readonly #client: WebhookClient;
  readonly #mutating = new Configurations();
  readonly #validating = new Configurations();
  readonly #subscriptions: Subscription[];
  readonly #stopScheme: () => void;
  #isIdle = true;
  /** By kind, then operation and subresource; null: nobody. */
  #gates = new WeakMap<ResourceDefinition, Map<string, Gate | null>>();

  /** Takes over what the store holds. */
  constructor(options: AdmissionOptions) {
    const { store, scheme, metrics, ...rest } = options;
    this.#scheme = scheme;
    this.#client = new WebhookClient(options.clock);
    this.#parts = {
      ...rest,
      store,
      scheme,
      client: this.#client,
      metrics: new AdmissionMetrics(metrics),
      policyMetrics: new PolicyMetrics(metrics),
    };
    const forget = (): void => this.#forget();
    const { logger } = options;
    this.#mutatingPolicies = new PolicyIndex(mutatingPolicies, store, logger, forget);
    this.#policies = new PolicyIndex(validatingPolicies, store, logger, forget);
    this.#subscriptions = [
      this.#follow(store, MUTATING, this.#mutating),
      this.#follow(store, VALIDATING, this.#validating),
    ];
    // Other versions of a kind may come, which somebody asked to be shown.
    this.#stopScheme = scheme.onChange(() => this.#forget());
  }

  gate(
    definition: ResourceDefinition,
    subresource: string,
    operation: Operation,
  ): Gate | undefined {
    if (this.#isIdle) return undefined;
    let known = this.#gates.get(definition);
    if (known === undefined) this.#gates.set(definition, (known = new Map<string, Gate | null>()));
    const key = subresource === '' ? operation : `${operation} ${subresource}`;
    let gate = known.get(key);
    if (gate === undefined)
      known.set(key, (gate = this.#makeGate(definition, subresource, operation)));
    return gate ?? undefined;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#policies.close();
    this.#mutatingPolicies.close();
    this.#stopScheme();
    this.#client.close();
  }

  #follow(store: Store, resource: string, configurations: Configurations): Subscription {
    const { items, revision } = store.list(resource, {});
    for (const object of items) this.#learn(configurations, object);
    this.#forget();
    return store.watch(resource, revision, {
      events: (events) => {
        for (const { type, object } of events) {
          if (type === 'DELETED') configurations.set(object.name, undefined);
          else this.#learn(configurations, object);
        }
        this.#forget();
        // Connections that nobody trusts any more; those in use end with their call.
        this.#client.keepOnly(this.#authorities());
      },
      closed: () => undefined,
    });
  }

  #learn(configurations: Configurations, stored: StoredObject): void {
    try {
      const object = JSON.parse(stored.bytes.toString()) as KubernetesObject;
      configurations.set(stored.name, webhooksOf(object));
    } catch (error) {
      // Only one that an older release stored unchecked.
      this.#parts.logger.error('Cannot use a webhook configuration', { name: stored.name, error });
      configurations.set(stored.name, undefined);
    }
  }

  #authorities(): ReadonlySet<string> {
    const all = [...this.#mutating.webhooks, ...this.#validating.webhooks];
    return new Set(all.map(({ authority }) => authority ?? ''));
  }

  #forget(): void {
    this.#gates = new WeakMap();
    const all = [
      this.#mutating.webhooks,
      this.#validating.webhooks,
      this.#mutatingPolicies.bound,
      this.#policies.bound,
    ];
    this.#isIdle = all.every(({ length }) => length === 0);
  }

  #makeGate(
    definition: ResourceDefinition,
    subresource: string,
    operation: Operation,
  ): Gate | null {
    if (EXEMPT.has(definition.storageKey)) return null;
    const shownTo = ({
      rules,
      equivalent,
    }: Pick<Webhook, 'rules' | 'equivalent'>): ReturnType<typeof versionShown> =>
      versionShown(rules, equivalent, this.#scheme, definition, subresource, operation);
    const about = (webhooks: readonly Webhook[]): readonly Invocation[] =>
      webhooks.flatMap((webhook) => {
        const as = shownTo(webhook);
        return as === undefined ? [] : [{ webhook, as }];
      });
    const mutating = about(this.#mutating.webhooks);
    const validating = about(this.#validating.webhooks);
    const bound = <B extends BoundPolicy>(
      policies: readonly B[],
    ): readonly PolicyInvocation<B>[] =>
      REVIEWS.has(definition.group)
        ? []
        : policies.flatMap((policy) => {
            const as = shownTo(policy.policy.match);
            return as === undefined ? [] : [{ bound: policy, as }];
          });
    const policies = bound(this.#policies.bound);
    // A deletion has no object that could be changed.
    const changing = operation === 'DELETE' ? [] : bound(this.#mutatingPolicies.bound);
    const isMutated = mutating.length + changing.length > 0;
    if (!isMutated && validating.length + policies.length === 0) return null;
    return {
      mutate: isMutated
        ? (request) => this.#step('admit', request, () => this.#mutate(changing, mutating, request))
        : undefined,
      validate:
        validating.length + policies.length === 0
          ? undefined
          : (request) =>
              this.#step('validate', request, async () => {
                // Policies first, as upstream: who denies by one spares the call.
                if (policies.length > 0) await askPolicies(this.#parts, policies, request);
                if (validating.length > 0) await askValidating(this.#parts, validating, request);
              }),
    };
  }

  /** Policies before webhooks; once more when anybody changed the object, for those who want to see that. */
  async #mutate(
    invocations: readonly PolicyInvocation<BoundPolicy<MutatingPolicy, MutatingProgram>>[],
    webhooks: readonly Invocation[],
    request: AdmissionRequest,
  ): Promise<KubernetesObject | undefined> {
    const sorts = [
      new MutatingPolicies(this.#parts, invocations),
      new MutatingWebhooks(this.#parts, webhooks),
    ];
    let { object } = request;
    for (const sort of sorts) object = await sort.admit({ ...request, object }, 0);
    if (!sorts.some(({ isChanged }) => isChanged)) return object;
    for (const sort of sorts) object = await sort.admit({ ...request, object }, 1);
    return object;
  }

  async #step<T>(
    type: StepType,
    { operation }: AdmissionRequest,
    run: () => Promise<T>,
  ): Promise<T> {
    const { clock, metrics } = this.#parts;
    const startedAt = clock.monotonic();
    let rejected = true;
    try {
      const result = await run();
      rejected = false;
      return result;
    } finally {
      metrics.step(type, operation, (clock.monotonic() - startedAt) / 1_000, rejected);
    }
  }
}
