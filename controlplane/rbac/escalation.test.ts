// Nobody hands out what they do not hold.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { ApiError } from '../api/errors.ts';
import { binding, openAccess, role, user } from './access-fixture.ts';
import type { AccessFixture } from './access-fixture.ts';

let fixture: AccessFixture;
const lead = user('lead', 'leads');
const GET_PODS = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
const GET_SECRETS = { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] };

before(async () => {
  fixture = await openAccess();
  await fixture.create(role('', 'pods', [GET_PODS]));
  await fixture.create(role('', 'secrets', [GET_SECRETS]));
  await fixture.create(binding('default', 'lead', 'ClusterRole/pods', 'Group/leads'));
});
after(() => fixture.close());

function refused(message: string | RegExp): (error: ApiError) => boolean {
  return (error) => {
    assert.equal(error.code, 403, error.message);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test('a role of rights that its writer holds', async () => {
  await fixture.create(role('default', 'mine', [GET_PODS]), lead);
  await fixture.create(binding('default', 'mine', 'ClusterRole/pods', 'User/new'), lead);
  assert.ok(fixture.may(user('new'), 'get core/pods default p'));
});

test('a role of others is refused with what is missing', async () => {
  await assert.rejects(
    fixture.create(role('default', 'more', [GET_PODS, GET_SECRETS]), lead),
    refused(
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "lead" (groups=["leads" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    ),
  );
  await assert.rejects(
    fixture.patch('Role', 'default', 'mine', { rules: [GET_PODS, GET_SECRETS] }, lead),
    refused(/not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\]/),
  );
  // Those that are held in one namespace are not held in another.
  await assert.rejects(
    fixture.create(role('kube-system', 'mine', [GET_PODS]), lead),
    refused(/Verbs:\["get"\]\}$/),
  );
});

test('a binding to a role of others, or to one that is not there', async () => {
  await assert.rejects(
    fixture.create(binding('default', 'more', 'ClusterRole/secrets', 'User/lead'), lead),
    refused(/^rolebindings\.rbac\.authorization\.k8s\.io "more" is forbidden: user "lead"/),
  );
  await assert.rejects(
    fixture.create(binding('default', 'none', 'ClusterRole/none', 'User/lead'), lead),
    (error: ApiError) => error.code === 404 && /clusterroles.*"none" not found/.test(error.message),
  );
});

test('whoever gathers rules needs all rights', async () => {
  const gathering = {
    ...role('', 'gathering', []),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { any: 'label' } }] },
  };
  await assert.rejects(
    fixture.create(gathering, lead),
    refused(/must have cluster-admin privileges to use the aggregationRule$/),
  );
  await fixture.create(binding('', 'boss', 'ClusterRole/cluster-admin', 'User/boss'));
  await fixture.create(gathering, user('boss'));
});

test('the verbs bind and escalate lift it', async () => {
  const group = 'rbac.authorization.k8s.io';
  const bind = {
    verbs: ['bind'],
    apiGroups: [group],
    resources: ['clusterroles'],
    resourceNames: ['secrets'],
  };
  const escalate = { verbs: ['escalate'], apiGroups: [group], resources: ['roles'] };
  await fixture.create(role('default', 'binder', [bind, escalate]));
  await fixture.create(binding('default', 'binder', 'Role/binder', 'User/binder'));
  const binder = user('binder');
  await fixture.create(binding('default', 'given', 'ClusterRole/secrets', 'User/given'), binder);
  await fixture.create(role('default', 'escalated', [GET_SECRETS]), binder);
  await assert.rejects(
    fixture.create(binding('default', 'given-2', 'ClusterRole/pods', 'User/x'), binder),
    refused(/not currently held/),
  );
});

test('a rule of a million rights is refused as a whole', async () => {
  const many = Array.from({ length: 200 }, (_, index) => `r${index}`);
  const wide = { verbs: many, apiGroups: many, resources: many };
  await assert.rejects(fixture.create(role('default', 'wide', [wide]), lead), refused(/"r199"/));
});

test('garbage collection needs no rights of the role', async () => {
  await fixture.create(role('default', 'owned', [GET_SECRETS]));
  const metadata = { finalizers: ['example.com/hold'] };
  await fixture.patch('Role', 'default', 'owned', { metadata }, lead);
  await assert.rejects(
    fixture.patch('Role', 'default', 'owned', { metadata: { labels: { a: 'b' } } }, lead),
    refused(/not currently held/),
  );
});
