// Admission policies that make no sense are refused where they are written, in the words of a kube-apiserver 1.34.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import { openFixture } from '../registry-fixture.ts';

const undeclared = `compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')`;

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
      causes.map(({ field, message }) => `${field}: ${(message ?? '').replace(/\n.*/s, '')}`),
      [
        `spec.matchConditions[0].expression: Invalid value: "params.x": ${undeclared}`,
        'spec.variables[0].expression: Required value: expression is not specified',
        'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
        'spec.validations[1].expression: Required value: expression is not specified',
        `spec.validations[2].expression: Invalid value: "params.x == 1": ${undeclared}`,
        'spec.validations[2].messageExpression: Invalid value: "1": must evaluate to string but got int',
        'spec.validations[2].reason: Unsupported value: "Foo": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
        `spec.validations[3].expression: Invalid value: "variables.nope": compilation failed: ERROR: <input>:1:10: undefined field 'nope'`,
        'spec.validations[3].message: Invalid value: "a\\nb": must not contain line breaks',
        'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
        'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
      ],
    );
    return true;
  });
});

test('mutations are of a known sort and compile', async (t) => {
  const fixture = await openFixture();
  t.after(() => fixture.close());
  const apply = (expression: string): object => ({
    patchType: 'ApplyConfiguration',
    applyConfiguration: { expression },
  });
  const patch = (expression: string): object => ({
    patchType: 'JSONPatch',
    jsonPatch: { expression },
  });
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: 'bad' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['DELETE'] },
        ],
      },
      mutations: [
        apply('Object{spec: Object.spec{a: has(object.a) ? 1 : object.b}, labels: {"a": "b"}}'),
        patch('object.a.map(x, JSONPatch{op: x, path: "/a"}) + []'),
        { patchType: 'JSONPatch' },
        { ...apply('Object{}'), jsonPatch: { expression: '[]' } },
        apply(' '),
        apply('Object.spec{}'),
        apply('object.x'),
        apply('Object{a: nope}'),
        apply('params.x'),
        patch('[]'),
        patch('[Object{}]'),
        apply('Object{"a": 1}'),
        apply('newObjectLiteral({})'),
      ],
      reinvocationPolicy: 'Never',
    },
  };
  await assert.rejects(fixture.create(policy), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    const { causes = [] } = error.details ?? {};
    const mutation = (index: number, what: string): string => `spec.mutations[${index}].${what}`;
    const invalid = (index: number, text: string, what: string): string =>
      mutation(
        index,
        `${what.includes('JSONPatch') ? 'jsonPatch' : 'applyConfiguration'}.expression: Invalid value: ${JSON.stringify(text)}: ${what}`,
      );
    assert.deepEqual(
      causes.map(({ field, message }) => `${field}: ${(message ?? '').replace(/\n.*/s, '')}`),
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
        mutation(2, 'jsonPatch: Required value: must be specified when patchType is JSONPatch'),
        mutation(
          3,
          'jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
        ),
        mutation(4, 'applyConfiguration.expression: Required value'),
        invalid(5, 'Object.spec{}', 'must evaluate to Object but got Object.spec'),
        invalid(6, 'object.x', 'must evaluate to Object but got dyn'),
        invalid(
          7,
          'Object{a: nope}',
          "compilation failed: ERROR: <input>:1:11: undeclared reference to 'nope' (in container '')",
        ),
        invalid(
          8,
          'params.x',
          "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')",
        ),
        invalid(9, '[]', 'must evaluate to list(JSONPatch) but got list(dyn)'),
        invalid(10, '[Object{}]', 'must evaluate to list(JSONPatch) but got list(Object)'),
        invalid(
          11,
          'Object{"a": 1}',
          `compilation failed: ERROR: <input>:1:8: Syntax error: a field name expected, found '"a"'`,
        ),
        invalid(
          12,
          'newObjectLiteral({})',
          "compilation failed: ERROR: <input>:1:1: undeclared reference to 'newObjectLiteral' (in container '')",
        ),
      ],
    );
    return true;
  });
});
