// What the status of a ValidatingAdmissionPolicy says of its types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { openFixture } from '#controlplane/registry/registry-fixture.ts';
import { silentLogger } from '#platform/logging.ts';
import { eventually } from '#test/support/eventually.ts';
import { PolicyStatus } from './policy-status.ts';

const apiVersion = 'admissionregistration.k8s.io/v1';

test('each generation is looked at once: what does not fit the kinds is a warning', async (t) => {
  const fixture = await openFixture();
  t.after(() => fixture.close());
  const { store, scheme, registry } = fixture;
  const policy = (name: string, spec: object): object => ({
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            resources: ['deployments', 'daemonsets', 'deployments/scale'],
            operations: ['CREATE'],
          },
        ],
      },
      ...spec,
    },
  });
  await fixture.create(
    policy('good', {
      variables: [{ name: 'many', expression: 'object.spec.template.spec.containers' }],
      validations: [
        { expression: 'object.metadata.labels["a"] == "b" && oldObject == null' },
        {
          expression: 'variables.many.all(c, c.image.startsWith("x/"))',
          messageExpression: 'string(object.spec.template.metadata.creationTimestamp)',
        },
        { expression: 'object.spec.template.spec.containers[0].ports[0].containerPort > 3' },
      ],
    }),
  );
  const statuses = new PolicyStatus({ store, scheme, registry, logger: silentLogger });
  t.after(() => statuses.close());
  const observed = (name: string, generation: number): Promise<KubernetesObject> =>
    eventually(`generation ${generation} of ${name} is looked at`, () => {
      const object = fixture.read(apiVersion, 'validatingadmissionpolicies', '', name);
      assert.equal(numberAt(object, 'status', 'observedGeneration'), generation);
      return object as KubernetesObject;
    });
  assert.deepEqual((await observed('good', 1))['status'], {
    observedGeneration: 1,
    typeChecking: {},
  });

  await fixture.create(
    policy('bad', {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        { expression: 'object.spec.replicas > 3' },
        { expression: 'object.spec.nothing == 1', messageExpression: '"xy"+params.nope' },
        { expression: 'params.data["x"] == "y" && object.kind == "Deployment"' },
      ],
    }),
  );
  const { status } = (await observed('bad', 1)) as unknown as {
    status: { typeChecking: { expressionWarnings: { fieldRef: string; warning: string }[] } };
  };
  const undefinedIn = (field: string, ...kinds: readonly string[]): readonly string[] =>
    kinds.map((kind) => `apps/v1, Kind=${kind}: ERROR: <input>:1:12: undefined field '${field}'`);
  assert.deepEqual(
    status.typeChecking.expressionWarnings.map(({ fieldRef, warning }) => [
      fieldRef,
      warning.split('\n').filter((line) => line.includes('ERROR')),
    ]),
    [
      ['spec.validations[0].expression', undefinedIn('replicas', 'DaemonSet')],
      ['spec.validations[1].expression', undefinedIn('nothing', 'DaemonSet', 'Deployment')],
      ['spec.validations[1].messageExpression', undefinedIn('nope', 'DaemonSet', 'Deployment')],
    ],
  );
  const target = {
    definition: fixture.kind(apiVersion, 'validatingadmissionpolicies'),
    namespace: '',
    name: 'bad',
  };
  const patch = { spec: { validations: [{ expression: 'true' }] } };
  await registry.patch(target, '', { type: 'merge', patch, problems: [] }, fixture.context());
  assert.deepEqual((await observed('bad', 2))['status'], {
    observedGeneration: 2,
    typeChecking: {},
  });
});
