// ValidatingAdmissionPolicies at writes: who is asked about what, and what the client, the audit log and the metrics are told.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from '#controlplane/registry/registry-fixture.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { openPolicies } from './policies-fixture.ts';
import type { PoliciesFixture } from './policies-fixture.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['configmaps'],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
};

suite('validating policies', () => {
  let fixture: Fixture;
  let policies: PoliciesFixture;
  const metrics = new MetricsRegistry();
  let count = 0;

  before(async () => {
    policies = await openPolicies(metrics, {
      authorize: ({ user, verb }) => ({
        allowed: user.name === 'system:serviceaccount:a:b' && verb === 'get',
        reason: '',
      }),
    });
    ({ fixture } = policies);
  });
  after(() => policies.close());

  interface Bound {
    readonly policy?: object;
    readonly binding?: object;
  }

  /** A policy and its binding, for ConfigMaps of a namespace of their own. */
  async function bound(validations: readonly object[], more: Bound = {}): Promise<string> {
    count += 1;
    const name = `policy-${count}`;
    const labels = { space: name };
    await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    await fixture.create({
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [RULE],
          namespaceSelector: { matchLabels: labels },
        },
        validations,
        ...more.policy,
      },
    });
    await fixture.create({
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: `binding-${count}` },
      spec: { policyName: name, validationActions: ['Deny'], ...more.binding },
    });
    return name;
  }

  const make = (
    namespace: string,
    name: string,
    more: object = {},
    changes: object = {},
  ): Promise<KubernetesObject> =>
    fixture.create(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, ...more },
      changes,
    );

  const denied = (code: number, reason: string, message: string) => (error: unknown) => {
    assert.ok(error instanceof ApiError, String(error));
    const plain = error.message.replaceAll(/(policy|binding)-\d+/g, '$1');
    assert.deepEqual([error.code, error.reason, plain], [code, reason, message]);
    const { causes = [] } = error.details ?? {};
    assert.equal(causes.length, 1);
    return true;
  };

  const by = (what: string, name = 'a'): string =>
    `configmaps "${name}" is forbidden: ValidatingAdmissionPolicy 'policy' with binding 'binding' denied request: ${what}`;

  test('what does not hold is refused, in words of the policy', async () => {
    const cases: readonly (readonly [validation: object, code: number, message: string])[] = [
      [{ expression: 'false ' }, 422, 'failed expression: false'],
      [{ expression: 'false', message: ' no ' }, 422, 'no'],
      [
        {
          expression: 'object.metadata.name != "a"',
          message: 'unused',
          messageExpression: '"named " + object.metadata.name',
          reason: 'Forbidden',
        },
        403,
        'named a',
      ],
      [
        {
          expression: 'false',
          message: 'instead',
          messageExpression: '"x" + object.data.nothing',
          reason: 'RequestEntityTooLarge',
        },
        413,
        'instead',
      ],
    ];
    for (const [validation, code, message] of cases) {
      const namespace = await bound([{ expression: 'true' }, validation]);
      const { reason = 'Invalid' } = validation as { readonly reason?: string };
      await assert.rejects(make(namespace, 'a'), denied(code, reason, by(message)));
    }
  });

  test('what cannot be evaluated is refused, or passed over where the policy says so', async () => {
    const validations = [{ expression: 'object.data.nothing == "x"' }];
    const failing = await bound(validations);
    await assert.rejects(
      make(failing, 'a', { data: { a: 'b' } }),
      denied(
        422,
        'Invalid',
        by(`expression 'object.data.nothing == "x"' resulted in error: no such key: nothing`),
      ),
    );
    const ignoring = await bound(validations, { policy: { failurePolicy: 'Ignore' } });
    await make(ignoring, 'a', { data: { a: 'b' } });
  });

  test('variables are worked out when they are asked for, and see those before them', async () => {
    const namespace = await bound(
      [
        { expression: 'variables.double < 5', messageExpression: 'string(variables.double)' },
        { expression: 'object.metadata.name != "b" || variables.broken' },
      ],
      {
        policy: {
          variables: [
            { name: 'size', expression: 'has(object.data) ? size(object.data) : 0' },
            { name: 'double', expression: 'variables.size * 2' },
            { name: 'broken', expression: 'object.data.nothing == "x"' },
          ],
        },
      },
    );
    await make(namespace, 'a', { data: { a: '', b: '' } });
    await assert.rejects(
      make(namespace, 'c', { data: { a: '', b: '', c: '' } }),
      denied(422, 'Invalid', by('6', 'c')),
    );
    await assert.rejects(make(namespace, 'b', { data: { a: '' } }), (error: unknown) => {
      assert.match((error as Error).message, /composited variable "broken" fails to evaluate/);
      return true;
    });
  });

  test('updates and deletions are shown with what was; the namespace with its labels', async () => {
    const namespace = await bound([
      {
        expression: 'request.operation != "UPDATE" || oldObject.data.a == object.data.a',
        message: 'fixed',
      },
      { expression: 'request.operation != "DELETE" || object == null', message: 'no object' },
      { expression: 'request.operation != "DELETE" || oldObject.data.a != "keep"' },
      { expression: 'namespaceObject.metadata.labels.space == request.namespace' },
      { expression: 'request.userInfo.username == "tester"' },
    ]);
    await make(namespace, 'a', { data: { a: 'keep' } });
    const target = { definition: fixture.kind('v1', 'configmaps'), namespace, name: 'a' };
    const patch = (a: string): Promise<unknown> =>
      fixture.registry.patch(
        target,
        '',
        { type: 'merge', patch: { data: { a } }, problems: [] },
        fixture.context(),
      );
    await assert.rejects(patch('other'), denied(422, 'Invalid', by('fixed')));
    await patch('keep');
    await assert.rejects(
      fixture.registry.delete(target, {}, fixture.context()),
      denied(
        422,
        'Invalid',
        by('failed expression: request.operation != "DELETE" || oldObject.data.a != "keep"'),
      ),
    );
    await make(namespace, 'b', { data: { a: 'go' } });
    await fixture.registry.delete({ ...target, name: 'b' }, {}, fixture.context());
  });

  test('only writes that rules, exclusions, names, labels and conditions choose', async () => {
    const no = [{ expression: 'false' }];
    const objects = await bound(no, {
      binding: { matchResources: { objectSelector: { matchLabels: { checked: 'yes' } } } },
    });
    await make(objects, 'a');
    await assert.rejects(
      make(objects, 'b', {
        metadata: { name: 'b', namespace: objects, labels: { checked: 'yes' } },
      }),
    );
    const names = await bound(no, {
      binding: { matchResources: { resourceRules: [{ ...RULE, resourceNames: ['b'] }] } },
    });
    await make(names, 'a');
    await assert.rejects(make(names, 'b'));
    const excluded = await bound(no, {
      binding: { matchResources: { excludeResourceRules: [{ ...RULE, resourceNames: ['a'] }] } },
    });
    await make(excluded, 'a');
    await assert.rejects(make(excluded, 'b'));
    const conditions = await bound(no, {
      policy: {
        variables: [{ name: 'isB', expression: 'object.metadata.name == "b"' }],
        matchConditions: [{ name: 'b', expression: 'variables.isB' }],
      },
    });
    await make(conditions, 'a');
    await assert.rejects(make(conditions, 'b'));
  });

  test('parameters come by name or by labels; where there are none, the binding says what then', async () => {
    const param = { apiVersion: 'v1', kind: 'ConfigMap' };
    const validations = [
      {
        expression: 'size(object.metadata.name) <= int(params.data.most)',
        messageExpression: '"more than " + params.data.most',
      },
    ];
    const policy = {
      paramKind: param,
      matchConditions: [
        { name: 'others', expression: '!object.metadata.name.startsWith("param")' },
      ],
    };
    const byName = await bound(validations, {
      policy,
      binding: { paramRef: { name: 'param', parameterNotFoundAction: 'Deny' } },
    });
    await assert.rejects(
      make(byName, 'a', {}),
      denied(
        422,
        'Invalid',
        by(
          'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
        ),
      ),
    );
    await fixture.create(
      { ...param, metadata: { name: 'param', namespace: byName }, data: { most: '3' } },
      { isInternal: true },
    );
    await make(byName, 'abc');
    await assert.rejects(make(byName, 'abcd'), denied(422, 'Invalid', by('more than 3', 'abcd')));
    const selector = { matchLabels: { limit: 'yes' } };
    const byLabel = await bound(validations, {
      policy,
      binding: { paramRef: { selector, parameterNotFoundAction: 'Allow' } },
    });
    await make(byLabel, 'anything');
    for (const most of ['9', '4'])
      await fixture.create({
        ...param,
        metadata: { name: `param-${most}`, namespace: byLabel, labels: { limit: 'yes' } },
        data: { most },
      });
    await assert.rejects(
      make(byLabel, 'abcde'),
      denied(422, 'Invalid', by('more than 4', 'abcde')),
    );
  });

  test('who only warns and notes lets the write through', async () => {
    const namespace = await bound([{ expression: 'object.metadata.name != "a"', message: 'hm' }], {
      binding: { validationActions: ['Warn', 'Audit'] },
      policy: {
        auditAnnotations: [
          { key: 'name', valueExpression: '"it is " + object.metadata.name' },
          { key: 'nothing', valueExpression: 'object.metadata.name == "a" ? dyn(null) : dyn("x")' },
        ],
      },
    });
    const warnings: string[] = [];
    const notes = new Map<string, string>();
    await make(
      namespace,
      'a',
      {},
      {
        warn: (text: string) => void warnings.push(text),
        annotate: (key: string, value: string) => void notes.set(key, value),
      },
    );
    const binding = namespace.replace('policy', 'binding');
    assert.deepEqual(warnings, [
      `Validation failed for ValidatingAdmissionPolicy '${namespace}' with binding '${binding}': hm`,
    ]);
    assert.equal(notes.get(`${namespace}/name`), 'it is a');
    assert.equal(notes.has(`${namespace}/nothing`), false);
    const failure = notes.get('validation.policy.admission.k8s.io/validation_failure') ?? '';
    assert.deepEqual(JSON.parse(failure), [
      {
        message: 'hm',
        policy: namespace,
        binding,
        expressionIndex: 0,
        validationActions: ['Warn', 'Audit'],
      },
    ]);
    const exposed = await metrics.expose();
    for (const action of ['warn', 'audit'])
      assert.ok(
        exposed.includes(
          `apiserver_validating_admission_policy_check_total{policy="${namespace}",policy_binding="${binding}",error_type="no_error",enforcement_action="${action}"} 1`,
        ),
        action,
      );
  });

  test('expressions may ask what somebody may do', async () => {
    const check = (verb: string): object => ({
      expression: `authorizer.serviceAccount('a', 'b').group('').resource('pods').check('${verb}').allowed()`,
    });
    await make(await bound([check('get')]), 'a');
    await assert.rejects(make(await bound([check('list')]), 'a'));
  });

  test('a policy without a binding, and one that is gone, asks nobody', async () => {
    const namespace = await bound([{ expression: 'false' }]);
    await assert.rejects(make(namespace, 'a'));
    const definition = fixture.kind(GROUP, 'validatingadmissionpolicybindings');
    const name = namespace.replace('policy', 'binding');
    await fixture.registry.delete({ definition, namespace: '', name }, {}, fixture.context());
    await make(namespace, 'a');
  });

  test('a policy about everything can be removed', async () => {
    const everything = {
      apiGroups: ['*'],
      apiVersions: ['*'],
      resources: ['*'],
      operations: ['*'],
    };
    const namespace = await bound([{ expression: 'false' }], {
      policy: { matchConstraints: { resourceRules: [everything] } },
    });
    await assert.rejects(make('default', 'any'));
    for (const resource of ['validatingadmissionpolicybindings', 'validatingadmissionpolicies']) {
      const name = resource.endsWith('bindings')
        ? namespace.replace('policy', 'binding')
        : namespace;
      const definition = fixture.kind(GROUP, resource);
      await fixture.registry.delete({ definition, namespace: '', name }, {}, fixture.context());
    }
    await make('default', 'any');
  });
});
