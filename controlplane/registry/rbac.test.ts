// What is refused of roles and bindings, in upstream's words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const RBAC = 'rbac.authorization.k8s.io';

function object(kind: string, fields: object, name = 'x'): KubernetesObject {
  return { apiVersion: `${RBAC}/v1`, kind, metadata: { name }, ...fields };
}

const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
const roleRef = { kind: 'ClusterRole', name: 'view' };

for (const [kind, fields, message] of [
  ['Role', { rules: [{ ...pods, verbs: [] }] }, /rules\[0\]\.verbs: Required value: verbs must/],
  ['Role', { rules: [{ verbs: ['get'], resources: ['pods'] }] }, /at least one api group/],
  ['ClusterRole', { rules: [{ verbs: ['get'], apiGroups: [''] }] }, /at least one resource/],
  [
    'Role',
    { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
    /namespaced rules cannot apply to non-resource URLs/,
  ],
  [
    'ClusterRole',
    { rules: [{ ...pods, nonResourceURLs: ['/x'] }] },
    /rules cannot apply to both regular resources and non-resource URLs/,
  ],
  [
    'ClusterRole',
    { aggregationRule: {}, rules: [] },
    /aggregationRule\.clusterRoleSelectors: Required value: at least one clusterRoleSelector/,
  ],
  ['RoleBinding', { roleRef: { kind: 'Role', name: '' } }, /roleRef\.name: Required value/],
  [
    'ClusterRoleBinding',
    { roleRef: { kind: 'Role', name: 'r' } },
    /roleRef\.kind: Unsupported value: "Role": supported values: "ClusterRole"/,
  ],
  [
    'RoleBinding',
    { roleRef, subjects: [{ kind: 'Robot', name: 'r' }] },
    /subjects\[0\]\.kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"/,
  ],
  [
    'ClusterRoleBinding',
    { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
    /subjects\[0\]\.namespace: Required value/,
  ],
  [
    'RoleBinding',
    { roleRef, subjects: [{ kind: 'User', name: 'a', apiGroup: 'x' }] },
    /subjects\[0\]\.apiGroup: Unsupported value: "x"/,
  ],
] as const) {
  test(`${kind} ${message.source} is refused`, async () => {
    await assert.rejects(fixture.create(object(kind, fields)), message);
  });
}

test('names with colons, the group of roleRef and subjects filled in, the role fixed for good', async () => {
  const subjects = [
    { kind: 'User', name: 'u' },
    { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
  ];
  const name = 'system:my:binding';
  const made = await fixture.create(object('ClusterRoleBinding', { roleRef, subjects }, name));
  assert.deepEqual(made['roleRef'], { apiGroup: RBAC, kind: 'ClusterRole', name: 'view' });
  assert.deepEqual(made['subjects'], [{ kind: 'User', name: 'u', apiGroup: RBAC }, subjects[1]]);
  const definition = fixture.kind(`${RBAC}/v1`, 'clusterrolebindings');
  const patch = { roleRef: { name: 'edit' } };
  await assert.rejects(
    fixture.registry.patch(
      { definition, namespace: '', name },
      '',
      { type: 'merge', patch, problems: [] },
      fixture.context(),
    ),
    /roleRef: Invalid value: \{.*"name":"edit".*\}: cannot change roleRef/,
  );
});
