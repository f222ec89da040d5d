// Who may do what by roles and bindings, over a real store.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { eventually } from '#test/support/eventually.ts';

import { anonymous } from '../api/user.ts';
import { binding, openAccess, role, user } from './access-fixture.ts';
import type { AccessFixture } from './access-fixture.ts';

let fixture: AccessFixture;
before(async () => (fixture = await openAccess()));
after(() => fixture.close());

const account = (name: string): ReturnType<typeof user> =>
  user(`system:serviceaccount:default:${name}`, 'system:serviceaccounts');

describe('from the start', () => {
  const somebody = user('somebody');
  for (const [who, request, expected] of [
    [anonymous, 'get /healthz', true],
    [anonymous, 'get /readyz/storage', true],
    [anonymous, 'get /version', true],
    [anonymous, 'get /versionx', false],
    [anonymous, 'get /metrics', false],
    [anonymous, 'get /apis', false],
    [anonymous, 'get /openid/v1/jwks', false],
    [anonymous, 'post /version', false],
    [anonymous, 'list core/pods default', false],
    [anonymous, 'create authorization.k8s.io/selfsubjectaccessreviews', false],
    [somebody, 'get /apis', true],
    [somebody, 'get /openapi/v3/api/v1', true],
    [somebody, 'get /metrics', false],
    [somebody, 'create authorization.k8s.io/selfsubjectaccessreviews', true],
    [somebody, 'create authentication.k8s.io/selfsubjectreviews', true],
    [somebody, 'create authorization.k8s.io/subjectaccessreviews', false],
    [somebody, 'get core/pods default mine', false],
    [user('prometheus', 'system:monitoring'), 'get /metrics', true],
    [account('a'), 'get /openid/v1/jwks', true],
  ] as const) {
    test(`${who.name} may ${expected ? '' : 'not '}${request}`, () => {
      assert.equal(fixture.may(who, request), expected);
    });
  }
});

describe('admin, edit and view', () => {
  const rows: readonly (readonly [
    request: string,
    view: boolean,
    edit: boolean,
    admin: boolean,
  ])[] = [
    ['list core/pods team', true, true, true],
    ['get core/pods/log team p', true, true, true],
    ['get core/secrets team s', false, true, true],
    ['create core/pods/exec team p', false, true, true],
    ['patch apps/deployments/scale team d', false, true, true],
    ['create windlass.dev/services team', false, true, true],
    ['list windlass.dev/services team', true, true, true],
    ['create rbac.authorization.k8s.io/rolebindings team', false, false, true],
    ['create windlass.dev/machines team', false, false, false],
    ['patch windlass.dev/services/status team web', false, false, false],
    ['update core/resourcequotas team q', false, false, false],
    ['list core/nodes', false, false, false],
    ['list core/pods other', false, false, false],
    ['create core/serviceaccounts/token team a', false, true, true],
    ['impersonate core/serviceaccounts team a', false, true, true],
    ['impersonate core/users - admin', false, false, false],
  ];
  before(async () => {
    await fixture.base.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    for (const name of ['view', 'edit', 'admin'])
      await fixture.create(binding('team', name, `ClusterRole/${name}`, `User/${name}er`));
  });
  for (const [request, ...expected] of rows) {
    test(request, () => {
      const found = ['viewer', 'editer', 'adminer'].map((name) => fixture.may(user(name), request));
      assert.deepEqual(found, expected);
    });
  }
});

test('a binding counts for the request after the one that made it, until the one that removes it', async () => {
  const who = user('dave', 'developers');
  await fixture.create(role('default', 'reader', [rule('get', 'core', 'pods')]));
  assert.ok(!fixture.may(who, 'get core/pods default p'));
  await fixture.create(binding('default', 'reader', 'Role/reader', 'Group/developers'));
  assert.ok(fixture.may(who, 'get core/pods default p'));
  assert.ok(!fixture.may(who, 'get core/pods kube-system p'));
  assert.ok(!fixture.may(who, 'get core/pods/log default p'));
  await fixture.patch('Role', 'default', 'reader', { rules: [rule('get', 'core', '*/log')] });
  assert.ok(!fixture.may(who, 'get core/pods default p'));
  assert.ok(fixture.may(who, 'get core/pods/log default p'));
  await fixture.patch('RoleBinding', 'default', 'reader', {
    subjects: [{ kind: 'User', name: 'x' }],
  });
  assert.ok(!fixture.may(who, 'get core/pods/log default p'));
  assert.ok(fixture.may(user('x'), 'get core/pods/log default p'));
  await fixture.remove('RoleBinding', 'default', 'reader');
  assert.ok(!fixture.may(user('x'), 'get core/pods/log default p'));
});

test('names limit a rule to single objects', async () => {
  const named = { ...rule('get delete create', 'core', 'configmaps'), resourceNames: ['one'] };
  await fixture.create(role('', 'one-map', [named]));
  await fixture.create(
    binding('', 'one-map', 'ClusterRole/one-map', 'ServiceAccount/default/robot'),
  );
  const robot = account('robot');
  assert.ok(fixture.may(robot, 'get core/configmaps default one'));
  assert.ok(!fixture.may(robot, 'get core/configmaps default two'));
  assert.ok(!fixture.may(robot, 'create core/configmaps default'));
  assert.equal(
    fixture.reason(robot, 'get core/configmaps default one'),
    'RBAC: allowed by ClusterRoleBinding "one-map" of ClusterRole "one-map" to ServiceAccount "robot/default"',
  );
});

test('a role that is not there is named as the reason', async () => {
  await fixture.create(binding('default', 'dangling', 'Role/nowhere', 'User/lost'));
  assert.equal(
    fixture.reason(user('lost'), 'get core/pods default p'),
    'RBAC: role.rbac.authorization.k8s.io "nowhere" not found',
  );
});

test('what is labelled for view is in view, edit and admin, and leaves them with its label', async () => {
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const request = 'list example.com/widgets team';
  await fixture.create(role('', 'widgets', [rule('list', 'example.com', 'widgets')], labels));
  await eventually('gathered', () => {
    for (const name of ['viewer', 'editer', 'adminer']) assert.ok(fixture.may(user(name), request));
  });
  await fixture.remove('ClusterRole', '', 'widgets');
  await eventually('gone again', () => {
    for (const name of ['viewer', 'editer', 'adminer'])
      assert.ok(!fixture.may(user(name), request));
  });
});

test('a start puts back what is missing, keeps what was added, and leaves what is not to be updated', async () => {
  const added = rule('get', 'example.com', 'extras');
  await fixture.patch('ClusterRole', '', 'system:monitoring', { rules: [added] });
  await fixture.remove('ClusterRoleBinding', '', 'system:discovery');
  await fixture.patch('ClusterRole', '', 'system:basic-user', {
    metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    rules: [],
  });
  assert.ok(!fixture.may(user('somebody'), 'get /apis'));
  const other = await fixture.again();
  await other.close();
  assert.ok(fixture.may(user('somebody'), 'get /apis'));
  assert.ok(fixture.may(user('p', 'system:monitoring'), 'get /metrics'));
  assert.ok(fixture.may(user('p', 'system:monitoring'), 'get example.com/extras default x'));
  assert.ok(!fixture.may(user('s'), 'create authorization.k8s.io/selfsubjectaccessreviews'));
  const before = fixture.base.store.revision;
  await (await fixture.again()).close();
  assert.equal(fixture.base.store.revision, before, 'a start with nothing to do writes nothing');
});

function rule(verbs: string, group: string, resources: string): Record<string, unknown> {
  return {
    verbs: verbs.split(' '),
    apiGroups: [group === 'core' ? '' : group],
    resources: resources.split(' '),
  };
}
