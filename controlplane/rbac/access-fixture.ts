// For tests of this folder: access control over a real store, and requests written as `verb group/resource[/subresource] namespace name`.
import { NodeAuthorizer } from '../identity/node-authorizer.ts';
import type { Attributes } from '../identity/authorizer.ts';
import { createRegistry } from '../registry/registry.ts';
import type { RunningRegistry } from '../registry/registry.ts';
import { openFixture } from '../registry/registry-fixture.ts';
import type { Fixture } from '../registry/registry-fixture.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { UserInfo } from '../api/user.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';

import { AccessControl } from './access-control.ts';

export interface AccessFixture {
  readonly base: Fixture;
  readonly access: AccessControl;
  /** Asks the guard, other than that of `base`. */
  readonly registry: RunningRegistry;
  may(user: UserInfo, request: string): boolean;
  /** Why, or why not. */
  reason(user: UserInfo, request: string): string;
  /** Writes as `user`. */
  create(object: KubernetesObject, user?: UserInfo): Promise<void>;
  patch(
    kind: string,
    namespace: string,
    name: string,
    patch: unknown,
    user?: UserInfo,
  ): Promise<void>;
  remove(kind: string, namespace: string, name: string): Promise<void>;
  read(kind: string, name: string): KubernetesObject | undefined;
  /** Another access control over the same store. */
  again(): Promise<AccessControl>;
  close(): Promise<void>;
}

const RBAC = 'rbac.authorization.k8s.io/v1';
const NO_NODES = new NodeAuthorizer({ isBound: () => false, refersTo: () => false });

export const admin: UserInfo = { name: 'admin', groups: ['system:masters'] };

export async function openAccess(): Promise<AccessFixture> {
  const base = await openFixture();
  const { store, scheme, clock } = base;
  const access = new AccessControl(store, NO_NODES);
  const logger = silentLogger;
  const registry = createRegistry({
    store,
    scheme,
    clock,
    ids: systemIds,
    logger,
    privileges: access.guard,
  });
  const signal = new AbortController().signal;
  const policy = { roles: [], bindings: [] };
  await access.start({ scheme, registry, logger }, policy, signal);
  const targetOf = (kind: string, namespace: string, name: string) => {
    const definition = base.kind(RBAC, `${kind.toLowerCase()}s`);
    return { definition, namespace, name };
  };
  const decide = (user: UserInfo, request: string) =>
    access.authorizer.authorize(attributes(user, request));
  return {
    base,
    access,
    registry,
    may: (user, request) => decide(user, request).allowed,
    reason: (user, request) => decide(user, request).reason,
    async create(value, user = admin) {
      const object = structuredClone(value);
      const { definition, namespace } = targetOf(object.kind, object.metadata.namespace ?? '', '');
      await registry.create(
        definition,
        namespace,
        { object, problems: [] },
        base.context({ user }),
      );
    },
    async patch(kind, namespace, name, patch, user = admin) {
      const change = { type: 'merge', patch, problems: [] } as const;
      await registry.patch(targetOf(kind, namespace, name), '', change, base.context({ user }));
    },
    async remove(kind, namespace, name) {
      await registry.delete(targetOf(kind, namespace, name), {}, base.context());
    },
    read: (kind, name) => base.read(RBAC, `${kind.toLowerCase()}s`, '', name),
    async again() {
      const other = new AccessControl(store, NO_NODES);
      await other.start({ scheme, registry, logger }, policy, signal);
      return other;
    },
    async close() {
      await access.close();
      await registry.close();
      await base.close();
    },
  };
}

/** `verb group/resource/subresource namespace name fieldSelector`, `-` for nothing; a request for a path is `verb /path`. */
export function attributes(user: UserInfo, text: string): Attributes {
  const [verb = '', target = '', ...rest] = text.split(' ');
  const [namespace = '', name = '', fieldSelector = ''] = rest.map((part) =>
    part === '-' ? '' : part,
  );
  const isResourceRequest = !target.startsWith('/');
  const [group = '', resource = '', subresource = ''] = isResourceRequest ? target.split('/') : [];
  return {
    user,
    verb,
    isResourceRequest,
    path: target,
    group: group === 'core' ? '' : group,
    version: 'v1',
    resource,
    subresource,
    namespace,
    name,
    fieldSelector,
  };
}

export function user(name: string, ...groups: readonly string[]): UserInfo {
  return { name, groups: [...groups, 'system:authenticated'] };
}

/** A Role, or a ClusterRole when there is no namespace. */
export function role(
  namespace: string,
  name: string,
  rules: readonly unknown[],
  labels: Record<string, string> = {},
): KubernetesObject {
  return namespace === ''
    ? { apiVersion: RBAC, kind: 'ClusterRole', metadata: { name, labels }, rules }
    : { apiVersion: RBAC, kind: 'Role', metadata: { name, namespace, labels }, rules };
}

/** A binding of `Kind/name` to `User/name`, `Group/name` or `ServiceAccount/namespace/name`. */
export function binding(
  namespace: string,
  name: string,
  roleRef: string,
  ...subjects: readonly string[]
): KubernetesObject {
  const [kind = '', roleName = ''] = split(roleRef);
  return {
    apiVersion: RBAC,
    kind: namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace === '' ? {} : { namespace }) },
    roleRef: { kind, name: roleName },
    subjects: subjects.map((text) => {
      const [subject = '', of = ''] = split(text);
      if (subject !== 'ServiceAccount') return { kind: subject, name: of };
      const [home = '', account = ''] = split(of);
      return { kind: subject, namespace: home, name: account };
    }),
  };
}

function split(text: string): readonly string[] {
  const slash = text.indexOf('/');
  return [text.slice(0, slash), text.slice(slash + 1)];
}
