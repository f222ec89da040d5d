// Who may do what, put together: the index of roles, the authorizers in their order, and what guards the handing out of rights.
import type { Logger } from '#platform/logging.ts';

import type { Scheme } from '../api/scheme.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import { UnionAuthorizer } from '../identity/union-authorizer.ts';
import type { PrivilegeGuard } from '../registry/privileges.ts';
import type { Registry } from '../registry/types.ts';
import type { Store } from '../store/types.ts';

import { RoleAggregation } from './aggregation.ts';
import { bootstrapPolicy } from './bootstrap-policy.ts';
import type { BootstrapPolicy } from './bootstrap-policy.ts';
import { EscalationGuard } from './escalation.ts';
import { RBACAuthorizer } from './rbac-authorizer.ts';
import { RoleIndex } from './role-index.ts';
import { SignerGuard } from './signer-guard.ts';

export class AccessControl {
  readonly authorizer: Authorizer;
  readonly guard: PrivilegeGuard;
  readonly rbac: RBACAuthorizer;
  readonly #store: Store;
  readonly #index: RoleIndex;
  #aggregation: RoleAggregation | undefined;

  /** @param nodes decides for node agents, before roles do */
  constructor(store: Store, nodes: Authorizer) {
    this.#store = store;
    this.#index = new RoleIndex(store);
    this.rbac = new RBACAuthorizer(this.#index);
    this.authorizer = new UnionAuthorizer([nodes, this.rbac]);
    const guards = [
      new EscalationGuard(this.authorizer, this.rbac, this.#index),
      new SignerGuard(this.authorizer),
    ];
    this.guard = {
      admit(definition, object, old, user) {
        for (const guard of guards) guard.admit(definition, object, old, user);
      },
    };
  }

  /** Brings the roles and bindings of the server up to date, and keeps gathered rules so; call once, before serving. */
  async start(
    parts: { readonly scheme: Scheme; readonly registry: Registry; readonly logger: Logger },
    policy: BootstrapPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    const { scheme, registry, logger } = parts;
    const store = this.#store;
    await bootstrapPolicy({ scheme, registry, store }, policy, signal);
    this.#aggregation = new RoleAggregation({ scheme, registry, store, logger });
    await this.#aggregation.start();
  }

  async close(): Promise<void> {
    await this.#aggregation?.close();
    this.#index.close();
  }
}
