// Keeps the status of ValidatingAdmissionPolicies: which generation was looked at, and what its types say. Upstream does this in a
// controller of its own; here nobody but the server has the language.
import type { Logger } from '#platform/logging.ts';
import { loadExpressions } from '../../api/cel/load.ts';
import { ApiError } from '../../api/errors.ts';
import { numberAt } from '../../api/fields.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { Scheme } from '../../api/scheme.ts';
import { internalContext } from '../../registry/internal-context.ts';
import type { Registry } from '../../registry/types.ts';
import type { Store, Subscription } from '../../store/types.ts';
import { checkTypes } from './type-checks.ts';

const GROUP = 'admissionregistration.k8s.io';
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const MANAGER = 'validatingadmissionpolicy-status';

export interface PolicyStatusOptions {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly registry: Pick<Registry, 'update'>;
  readonly logger: Logger;
}

export class PolicyStatus {
  readonly #options: PolicyStatusOptions;
  readonly #closing = new AbortController();
  readonly #subscription: Subscription;
  /** One policy after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: PolicyStatusOptions) {
    this.#options = options;
    const { items, revision } = options.store.list(POLICIES, {});
    for (const { name } of items) this.#due(name);
    this.#subscription = options.store.watch(POLICIES, revision, {
      events: (events) => {
        for (const { type, object } of events) if (type !== 'DELETED') this.#due(object.name);
      },
      closed: () => undefined,
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    this.#subscription.close();
    await this.#work;
  }

  #due(name: string): void {
    this.#work = this.#work.then(() => this.#check(name));
  }

  async #check(name: string): Promise<void> {
    const { store, scheme, registry, logger } = this.#options;
    const { signal } = this.#closing;
    const stored = store.get(POLICIES, '', name);
    const definition = scheme.byKind(GROUP, 'v1', 'ValidatingAdmissionPolicy');
    if (signal.aborted || stored === undefined || definition === undefined) return;
    const policy = JSON.parse(stored.bytes.toString()) as KubernetesObject;
    const generation = policy.metadata.generation ?? 0;
    if (generation <= numberAt(policy, 'status', 'observedGeneration')) return;
    try {
      const warnings = checkTypes(await loadExpressions(), scheme, policy);
      const status = {
        ...(policy['status'] as object | undefined),
        observedGeneration: generation,
        typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
      };
      const target = { definition, namespace: '', name };
      const object = { ...policy, status };
      await registry.update(
        target,
        'status',
        { object, problems: [] },
        internalContext(MANAGER, signal),
      );
    } catch (error) {
      // Somebody changed or removed it meanwhile: what is there now is looked at next, if anything is.
      const isLate = error instanceof ApiError && ['Conflict', 'NotFound'].includes(error.reason);
      if (isLate || signal.aborted) return;
      logger.warn('The types of an admission policy could not be checked', { name, error });
    }
  }
}
