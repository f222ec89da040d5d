import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { UserInfo } from '../api/user.ts';
import { attributes } from '../rbac/access-fixture.ts';
import { forbiddenError } from './authorizer.ts';
import { NodeAuthorizer } from './node-authorizer.ts';
import { UnionAuthorizer } from './union-authorizer.ts';

const admin: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
const node: UserInfo = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const impostor: UserInfo = { name: 'system:node:n1', groups: ['system:authenticated'] };
const somebody: UserInfo = { name: 'somebody', groups: ['developers', 'system:authenticated'] };

const authorizer = new UnionAuthorizer([
  new NodeAuthorizer({
    isBound: (namespace, name, nodeName) =>
      namespace === 'default' && name === 'mine' && nodeName === 'n1',
    refersTo: (nodeName, resource, _namespace, name) =>
      nodeName === 'n1' && resource === 'secrets' && name === 'used',
  }),
  {
    // Stands for roles.
    authorize: ({ path }) => ({ allowed: path === '/version', reason: 'no role' }),
  },
]);

const rows: readonly (readonly [UserInfo, string, boolean])[] = [
  [admin, 'delete core/secrets default x', true],
  [admin, 'get /metrics', true],
  [somebody, 'get core/pods default mine', false],
  [impostor, 'get core/nodes - n1', false],

  [node, 'create core/nodes', true],
  [node, 'get core/nodes - n1', true],
  [node, 'patch core/nodes/status - n1', true],
  [node, 'get core/nodes - n2', true],
  [node, 'patch core/nodes - n2', false],
  [node, 'patch core/nodes/status - n2', false],
  [node, 'delete core/nodes - n1', false],
  [node, 'list core/nodes', true],
  [node, 'watch core/nodes', true],
  [node, 'deletecollection core/nodes', false],
  [node, 'update coordination.k8s.io/leases kube-node-lease n1', true],
  [node, 'create coordination.k8s.io/leases kube-node-lease', true],
  [node, 'update coordination.k8s.io/leases kube-node-lease n2', false],
  [node, 'update coordination.k8s.io/leases default n1', false],
  [node, 'list core/pods - - spec.nodeName=n1', true],
  [node, 'watch core/pods - - status.phase=Running,spec.nodeName=n1', true],
  [node, 'watch core/pods - - spec.nodeName!=n1', false],
  [node, 'list core/pods - - spec.nodeName=n2', false],
  [node, 'list core/pods', false],
  [node, 'get core/pods default mine', true],
  [node, 'get core/pods default other', false],
  [node, 'patch core/pods/status default mine', true],
  [node, 'patch core/pods/status default other', false],
  [node, 'patch core/pods default mine', false],
  [node, 'delete core/pods default mine', true],
  [node, 'delete core/pods default other', false],
  [node, 'create core/pods default', false],
  [node, 'create core/pods/eviction default mine', false],
  [node, 'get core/secrets default used', true],
  [node, 'get core/secrets default unused', false],
  [node, 'list core/secrets default', false],
  [node, 'watch core/secrets default used', true],
  [node, 'watch core/secrets default', false],
  [node, 'update core/secrets default used', false],
  [node, 'get core/configmaps default used', false],
  [node, 'list windlass.dev/services', true],
  [node, 'patch windlass.dev/services default web', false],
  [node, 'patch windlass.dev/services/status default web', false],
  [node, 'create core/events default', true],
  [node, 'patch core/events default e', true],
  [node, 'delete core/events default e', false],
  [node, 'get apps/deployments default d', false],
  [node, 'get /windlass/v1/nodes/n1/tunnel', true],
  [node, 'get /windlass/v1/nodes/n2/tunnel', false],
  [node, 'get /windlass/v1/sessions/0123', true],
  [node, 'get /version', true],
  [node, 'get /metrics', false],
  [node, 'get /windlass/v1/certificates/authorities', true],
  [node, 'post /windlass/v1/certificates/authorities', false],
  [node, 'get /windlass/v1/certificates', false],
  [node, 'post /windlass/v1/certificates/renew', false],
  [somebody, 'get /windlass/v1/certificates/authorities', false],
];

for (const [user, request, expected] of rows) {
  test(`UnionAuthorizer ${expected ? 'lets' : 'keeps'} ${user.name} (${user.groups[0]}) ${expected ? '' : 'from '}${request}`, () => {
    assert.equal(authorizer.authorize(attributes(user, request)).allowed, expected);
  });
}

test('UnionAuthorizer gives every reason', () => {
  assert.equal(
    authorizer.authorize(attributes(somebody, 'get core/pods default x')).reason,
    'no role',
  );
  assert.equal(
    authorizer.authorize(attributes(node, 'get core/pods default other')).reason,
    'the Pod is not bound to node "n1"\nno role',
  );
});

const texts: readonly (readonly [string, string])[] = [
  [
    'get core/pods default x',
    'pods "x" is forbidden: User "somebody" cannot get resource "pods" in API group "" in the namespace "default"',
  ],
  [
    'list apps/deployments',
    'deployments.apps is forbidden: User "somebody" cannot list resource "deployments" in API group "apps" at the cluster scope',
  ],
  [
    'patch core/pods/status default x',
    'pods "x" is forbidden: User "somebody" cannot patch resource "pods/status" in API group "" in the namespace "default"',
  ],
  ['get /metrics', 'forbidden: User "somebody" cannot get path "/metrics"'],
];

for (const [request, expected] of texts) {
  test(`forbiddenError() says of ${request} what upstream says`, () => {
    const error = forbiddenError(attributes(somebody, request), '');
    assert.equal(error.message, expected);
    assert.equal(error.code, 403);
  });
}
