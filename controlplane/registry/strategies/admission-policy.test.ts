// Admission policies that make no sense are refused where they are written, in the words of a kube-apiserver 1.34; but for columns,
// which point at the name of a field here and at the dot before it there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import { openFixture } from '../registry-fixture.ts';

const undeclared = `compilation failed: ERROR: <input>:1: undeclared reference to 'params' (in container '')`;

test('every expression of a policy must compile, and give what it is for', async (t) => {
  const fixture = await openFixture();
  t.after(() => fixture.close());
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'bad' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['CREATE'] },
        ],
      },
      matchConditions: [{ name: 'm', expression: 'params.x' }],
      variables: [{ name: 'w', expression: ' ' }],
      validations: [
        { expression: '1' },
        { expression: '' },
        { expression: 'params.x == 1', messageExpression: '1', reason: 'Foo' },
        { expression: 'variables.nope', message: 'a\nb' },
      ],
      auditAnnotations: [
        { key: 'k', valueExpression: '1' },
        { key: 'n', valueExpression: '' },
      ],
    },
  };
  await assert.rejects(fixture.create(policy), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    const { causes = [] } = error.details ?? {};
    assert.deepEqual(
      causes.map(
        ({ field, message }) =>
          `${field}: ${(message ?? '').replace(/\n.*/s, '').replace(/:1:\d+:/, ':1:')}`,
      ),
      [
        `spec.matchConditions[0].expression: Invalid value: "params.x": ${undeclared}`,
        'spec.variables[0].expression: Required value: expression is not specified',
        'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
        'spec.validations[1].expression: Required value: expression is not specified',
        `spec.validations[2].expression: Invalid value: "params.x == 1": ${undeclared}`,
        'spec.validations[2].messageExpression: Invalid value: "1": must evaluate to string but got int',
        'spec.validations[2].reason: Unsupported value: "Foo": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
        `spec.validations[3].expression: Invalid value: "variables.nope": compilation failed: ERROR: <input>:1: undefined field 'nope'`,
        'spec.validations[3].message: Invalid value: "a\\nb": must not contain line breaks',
        'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
        'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
      ],
    );
    return true;
  });
});
