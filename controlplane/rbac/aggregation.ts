// Fills the rules of ClusterRoles that gather those of others: whenever a ClusterRole changes, all of them are looked at again, until
// nothing changes any more. They may gather from each other.
import type { Logger } from '#platform/logging.ts';

import { storedJSON } from '../registry/objects.ts';
import { listAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { Scheme } from '../api/scheme.ts';
import { labelSelectorOf, matchesLabels } from '../api/selectors.ts';
import type { LabelSelectorObject } from '../api/selectors.ts';
import { sameJSON } from '../registry/equality.ts';
import { internalContext } from '../registry/internal-context.ts';
import type { Registry } from '../registry/types.ts';
import type { Store, Subscription } from '../store/types.ts';

import { CLUSTER_ROLES } from './role-index.ts';

export interface AggregationOptions {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** Roles that gather from each other in a way that never settles are left after this many rounds, until the next change. */
const MOST_ROUNDS = 20;

export class RoleAggregation {
  readonly #options: AggregationOptions;
  readonly #closing = new AbortController();
  #subscription: Subscription | undefined;
  #isDue = false;
  #running: Promise<void> | undefined;

  constructor(options: AggregationOptions) {
    this.#options = options;
  }

  /** Resolves when what is stored has settled once. */
  async start(): Promise<void> {
    const { store } = this.#options;
    this.#subscription = store.watch(CLUSTER_ROLES, store.revision, {
      events: () => this.#wake(),
      closed: () => undefined,
    });
    this.#wake();
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    this.#subscription?.close();
    await this.#running;
  }

  #wake(): void {
    this.#isDue = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isDue && !this.#closing.signal.aborted) this.#wake();
    });
  }

  async #run(): Promise<void> {
    // Not within the store's own round.
    await Promise.resolve();
    for (let round = 0; this.#isDue && round < MOST_ROUNDS; round += 1) {
      this.#isDue = false;
      if (this.#closing.signal.aborted) return;
      try {
        for (const role of gathered(this.#roles())) await this.#write(role);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#options.logger.warn('Rules of a ClusterRole could not be gathered', { error });
      }
    }
    this.#isDue = false;
  }

  #roles(): readonly KubernetesObject[] {
    return this.#options.store
      .list(CLUSTER_ROLES, {})
      .items.map((stored) => storedJSON(stored) as KubernetesObject);
  }

  async #write(object: KubernetesObject): Promise<void> {
    const { scheme, registry } = this.#options;
    const definition = scheme.byKind('rbac.authorization.k8s.io', 'v1', 'ClusterRole');
    if (definition === undefined) return;
    const target = { definition, namespace: '', name: object.metadata.name ?? '' };
    const context = internalContext('clusterrole-aggregation', this.#closing.signal);
    await registry.update(target, '', { object, problems: [] }, context);
  }
}

/** The roles that gather, with other rules than they have now. Pure. */
export function gathered(roles: readonly KubernetesObject[]): readonly KubernetesObject[] {
  return roles.flatMap((role) => {
    const selectors = listAt(role, 'aggregationRule', 'clusterRoleSelectors').map((selector) =>
      labelSelectorOf(selector as LabelSelectorObject),
    );
    if (selectors.length === 0) return [];
    const rules: unknown[] = [];
    for (const other of roles) {
      if (other.metadata.name === role.metadata.name) continue;
      const labels = other.metadata.labels ?? {};
      if (!selectors.some((selector) => matchesLabels(selector, labels))) continue;
      for (const rule of listAt(other, 'rules')) {
        if (!rules.some((known) => sameJSON(known, rule))) rules.push(rule);
      }
    }
    return sameJSON(rules, listAt(role, 'rules')) ? [] : [{ ...role, rules }];
  });
}
