// All roles and bindings of the store, in the form that a request asks for: who the user is → what was granted. Follows the store
// synchronously: what was acknowledged counts for the next request.
import { storedJSON } from '../registry/objects.ts';
import { listAt, stringAt } from '../api/fields.ts';
import type { UserInfo } from '../api/user.ts';
import type { Decision } from '../identity/authorizer.ts';
import type { Store, StoreEvent, Subscription } from '../store/types.ts';

import { CompiledRule, rulesOf } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';

export const CLUSTER_ROLES = 'rbac.authorization.k8s.io/clusterroles';
const ROLES = 'rbac.authorization.k8s.io/roles';
const CLUSTER_ROLE_BINDINGS = 'rbac.authorization.k8s.io/clusterrolebindings';
const ROLE_BINDINGS = 'rbac.authorization.k8s.io/rolebindings';

export interface IndexedRole {
  readonly rules: readonly PolicyRule[];
  readonly compiled: readonly CompiledRule[];
}

/** What a binding gives to one subject. */
export interface Grant {
  /** Of the role, as `role` wants it. */
  readonly roleKey: string;
  readonly roleKind: string;
  readonly roleName: string;
  /** The answer when the role allows it, made once. */
  readonly decision: Decision;
}

/** Grants by the name of the user or group. */
class Grants {
  readonly users = new Map<string, Set<Grant>>();
  readonly groups = new Map<string, Set<Grant>>();

  get isEmpty(): boolean {
    return this.users.size === 0 && this.groups.size === 0;
  }

  /** Calls `visit` for all grants of the user until it returns true; tells whether it did. */
  some(user: UserInfo, visit: (grant: Grant) => boolean): boolean {
    const own = this.users.get(user.name);
    if (own !== undefined) for (const grant of own) if (visit(grant)) return true;
    for (const group of user.groups) {
      const shared = this.groups.get(group);
      if (shared !== undefined) for (const grant of shared) if (visit(grant)) return true;
    }
    return false;
  }
}

export class RoleIndex {
  readonly #store: Store;
  readonly #roles = new Map<string, IndexedRole>();
  readonly #cluster = new Grants();
  readonly #namespaces = new Map<string, Grants>();
  /** Undoes what a binding added, by its key. */
  readonly #undo = new Map<string, readonly (() => void)[]>();
  readonly #subscriptions: Subscription[];

  /** Takes over what the store holds. */
  constructor(store: Store) {
    this.#store = store;
    this.#subscriptions = [
      this.#follow(CLUSTER_ROLES, (event) => this.#role(event)),
      this.#follow(ROLES, (event) => this.#role(event)),
      this.#follow(CLUSTER_ROLE_BINDINGS, (event) => this.#binding(event)),
      this.#follow(ROLE_BINDINGS, (event) => this.#binding(event)),
    ];
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }

  /** @param namespace '' for a ClusterRole */
  static roleKey(kind: string, namespace: string, name: string): string {
    return kind === 'ClusterRole' ? `/${name}` : `${namespace}/${name}`;
  }

  role(key: string): IndexedRole | undefined {
    return this.#roles.get(key);
  }

  /**
   * Calls `visit` for everything that was granted to the user in the namespace ('' for grants of the whole cluster only) until it
   * returns true; tells whether it did.
   */
  some(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean {
    if (this.#cluster.some(user, visit)) return true;
    if (namespace === '') return false;
    return this.#namespaces.get(namespace)?.some(user, visit) === true;
  }

  #follow(resource: string, apply: (event: Change) => void): Subscription {
    const { items, revision } = this.#store.list(resource, {});
    for (const object of items) apply({ type: 'ADDED', object });
    return this.#store.watch(resource, revision, {
      events(events) {
        for (const event of events) apply(event);
      },
      closed: () => undefined,
    });
  }

  #role({ type, object }: Change): void {
    const key = `${object.namespace}/${object.name}`;
    if (type === 'DELETED') {
      this.#roles.delete(key);
      return;
    }
    const rules = rulesOf(storedJSON(object));
    this.#roles.set(key, { rules, compiled: rules.map((rule) => new CompiledRule(rule)) });
  }

  #binding({ type, object }: Change): void {
    const { namespace, name } = object;
    const key = `${namespace}/${name}`;
    for (const undo of this.#undo.get(key) ?? []) undo();
    this.#undo.delete(key);
    if (type === 'DELETED') {
      if (this.#namespaces.get(namespace)?.isEmpty === true) this.#namespaces.delete(namespace);
      return;
    }
    const grants = this.#grantsOf(namespace);
    this.#undo.set(
      key,
      grantsIn(storedJSON(object), namespace, name).map(({ of, subject, grant }) =>
        add(of === 'Group' ? grants.groups : grants.users, subject, grant),
      ),
    );
  }

  #grantsOf(namespace: string): Grants {
    if (namespace === '') return this.#cluster;
    let grants = this.#namespaces.get(namespace);
    if (grants === undefined) this.#namespaces.set(namespace, (grants = new Grants()));
    return grants;
  }
}

type Change = Pick<StoreEvent, 'type' | 'object'>;

function add(to: Map<string, Set<Grant>>, subject: string, grant: Grant): () => void {
  const known = to.get(subject);
  const grants = known ?? new Set();
  if (known === undefined) to.set(subject, grants);
  grants.add(grant);
  return () => {
    grants.delete(grant);
    // Not one that was made anew after this one was emptied.
    if (grants.size === 0 && to.get(subject) === grants) to.delete(subject);
  };
}

interface SubjectGrant {
  readonly of: 'User' | 'Group';
  readonly subject: string;
  readonly grant: Grant;
}

function grantsIn(binding: unknown, namespace: string, name: string): readonly SubjectGrant[] {
  const roleKind = stringAt(binding, 'roleRef', 'kind');
  const roleName = stringAt(binding, 'roleRef', 'name');
  const roleKey = RoleIndex.roleKey(roleKind, namespace, roleName);
  const by =
    namespace === '' ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
  return listAt(binding, 'subjects').flatMap((item) => {
    const kind = stringAt(item, 'kind');
    const subject = stringAt(item, 'name');
    const home = stringAt(item, 'namespace') || namespace;
    if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') return [];
    const isAccount = kind === 'ServiceAccount';
    if (isAccount && home === '') return [];
    const who = isAccount ? `ServiceAccount "${subject}/${home}"` : `${kind} "${subject}"`;
    const reason = `RBAC: allowed by ${by} of ${roleKind} "${roleName}" to ${who}`;
    return [
      {
        of: kind === 'Group' ? 'Group' : 'User',
        subject: isAccount ? `system:serviceaccount:${home}:${subject}` : subject,
        grant: { roleKey, roleKind, roleName, decision: { allowed: true, reason } },
      },
    ];
  });
}
