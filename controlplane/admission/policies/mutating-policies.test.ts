// MutatingAdmissionPolicies at writes: what becomes of the object, who is asked again, and what the client is told.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from '#controlplane/registry/registry-fixture.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { openPolicies } from './policies-fixture.ts';
import type { PoliciesFixture } from './policies-fixture.ts';

const GROUP = 'admissionregistration.k8s.io/v1';

const apply = (expression: string): object => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression },
});
const jsonPatch = (expression: string): object => ({
  patchType: 'JSONPatch',
  jsonPatch: { expression },
});
/** Appends to `data.log` of a ConfigMap. */
const log = (what: string): object =>
  apply(`Object{data: {"log": object.?data.log.orValue("") + "${what}"}}`);

suite('mutating policies', () => {
  let fixture: Fixture;
  let policies: PoliciesFixture;
  const metrics = new MetricsRegistry();
  let count = 0;

  before(async () => {
    policies = await openPolicies(metrics, {
      authorize: ({ verb }) => ({ allowed: verb === 'get', reason: '' }),
    });
    ({ fixture } = policies);
  });
  after(() => policies.close());

  const namespaced = async (): Promise<string> => {
    count += 1;
    const name = `space-${count}`;
    const labels = { space: name };
    await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    return name;
  };

  interface More {
    readonly policy?: object;
    readonly binding?: object;
    readonly rule?: object;
  }

  /** Policies for one namespace, in order, each with its binding. */
  async function bound(mutations: readonly object[], more: More = {}, into = ''): Promise<string> {
    const space = into === '' ? await namespaced() : into;
    count += 1;
    const name = `policy-${String(count).padStart(4, '0')}`;
    const rule = {
      apiGroups: ['*'],
      apiVersions: ['*'],
      resources: ['configmaps', 'pods'],
      operations: ['CREATE', 'UPDATE'],
      ...more.rule,
    };
    await fixture.create({
      apiVersion: GROUP,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [rule],
          namespaceSelector: { matchLabels: { space } },
        },
        reinvocationPolicy: 'Never',
        mutations,
        ...more.policy,
      },
    });
    await fixture.create({
      apiVersion: GROUP,
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: `binding-${count}` },
      spec: { policyName: name, ...more.binding },
    });
    return space;
  }

  const make = (namespace: string, more: object = {}): Promise<KubernetesObject> =>
    fixture.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace },
      ...more,
    });

  const pod = (namespace: string, more: object = {}): Promise<KubernetesObject> =>
    fixture.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace },
      spec: { containers: [{ name: 'main', image: 'one' }], ...more },
    });

  const refused = (code: number, reason: string, ...messages: readonly string[]) => {
    return (error: unknown): boolean => {
      assert.ok(error instanceof ApiError, String(error));
      const plain = (text: string): string => text.replaceAll(/(policy|binding)-\d+/g, '$1');
      assert.deepEqual(
        [error.code, error.reason, plain(error.message)],
        [code, reason, messages[0]],
      );
      const { causes = [] } = error.details ?? {};
      assert.deepEqual(
        causes.map(({ message = '' }) => plain(message)),
        messages,
      );
      return true;
    };
  };
  const by = (what: string): string =>
    `policy 'policy' with binding 'binding' denied request: ${what}`;

  test('a configuration is merged as server-side apply does: items by their keys, all else stays', async () => {
    const space = await bound(
      [
        apply(`Object{
        metadata: Object.metadata{labels: {"team": request.userInfo.username}},
        spec: Object.spec{
          ?priorityClassName: optional.none(),
          initContainers: [Object.spec.initContainers{name: "first", image: variables.image}],
          containers: object.spec.containers.map(c,
            Object.spec.containers{name: c.name, imagePullPolicy: "Never"}) // all of them
        }
      }`),
      ],
      {
        policy: {
          variables: [{ name: 'image', expression: '"mesh:" + namespaceObject.metadata.name' }],
        },
      },
    );
    const made = await pod(space, {
      containers: [
        { name: 'x', image: 'x' },
        { name: 'y', image: 'y' },
      ],
    });
    const spec = made['spec'] as Record<string, { name: string }[]>;
    const shown = (list: string): unknown =>
      spec[list]?.map(({ name, image, imagePullPolicy }: Record<string, unknown>) => [
        name,
        image,
        imagePullPolicy,
      ]);
    assert.deepEqual(made.metadata.labels, { team: 'tester' });
    assert.deepEqual(shown('containers'), [
      ['x', 'x', 'Never'],
      ['y', 'y', 'Never'],
    ]);
    // Defaults are filled in for what a policy made.
    assert.deepEqual(shown('initContainers'), [['first', `mesh:${space}`, 'IfNotPresent']]);
  });

  test('a JSON patch adds, takes away and tests; where a test fails nothing is changed', async () => {
    const space = await bound(
      [
        jsonPatch(`[
        JSONPatch{op: "test", path: "/data/a", value: "b"},
        JSONPatch{op: "add", path: "/metadata/labels", value: {"x": "y"}},
        JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/a"), value: string(size(object.data))},
        JSONPatch{op: "move", from: "/data/a", path: "/data/c"},
        JSONPatch{op: "remove", path: "/data/gone"}
      ]`),
        jsonPatch('[JSONPatch{op: "add", path: "/data/second", value: object.data.c}]'),
      ],
      { policy: { failurePolicy: 'Ignore' } },
    );
    const made = await make(space, { data: { a: 'b', gone: 'x' } });
    assert.deepEqual(made.metadata.labels, { 'example.com/a': '2', x: 'y' });
    assert.deepEqual(made['data'], { c: 'b', second: 'b' });
    const other = await make(space, {
      metadata: { name: 'b', namespace: space },
      data: { a: 'z' },
    });
    assert.deepEqual(other['data'], { a: 'z' });
    assert.equal(other.metadata.labels, undefined);
    const items = await bound([
      jsonPatch(
        '[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "sidecar", image: "two"}}]',
      ),
    ]);
    const { spec } = (await pod(items)) as unknown as { spec: { containers: { name: string }[] } };
    assert.deepEqual(
      spec.containers.map(({ name }) => name),
      ['main', 'sidecar'],
    );
  });

  test('updates are changed too; deletions are not asked about', async () => {
    const space = await bound([
      apply(
        'Object{data: {"by": request.operation + (oldObject == null ? "" : oldObject.data.n)}}',
      ),
    ]);
    const made = await make(space, { data: { n: '1' } });
    assert.deepEqual(made['data'], { by: 'CREATE', n: '1' });
    const target = { definition: fixture.kind('v1', 'configmaps'), namespace: space, name: 'a' };
    const patch = { data: { n: '2' } };
    await fixture.registry.patch(
      target,
      '',
      { type: 'merge', patch, problems: [] },
      fixture.context(),
    );
    assert.deepEqual(fixture.read('v1', 'configmaps', space, 'a')?.['data'], {
      by: 'UPDATE1',
      n: '2',
    });
    await fixture.registry.delete(target, {}, fixture.context());
  });

  test('conditions, parameters and permissions decide and are seen', async () => {
    const param = { apiVersion: 'v1', kind: 'ConfigMap' };
    const space = await bound(
      [
        apply(
          'Object{data: {"from": params.data.value, "may": string(authorizer.group("").resource("pods").check("get").allowed())}}',
        ),
      ],
      {
        policy: {
          paramKind: param,
          matchConditions: [{ name: 'no-params', expression: '!has(object.metadata.labels)' }],
        },
        binding: {
          paramRef: {
            selector: { matchLabels: { param: 'yes' } },
            parameterNotFoundAction: 'Deny',
          },
        },
      },
    );
    await assert.rejects(
      make(space),
      refused(
        403,
        'Forbidden',
        by(
          'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
        ),
      ),
    );
    const labels = { param: 'yes' };
    const ignoring = {
      metadata: { name: 'param', namespace: space, labels },
      data: { value: 'v' },
    };
    await assert.rejects(make(space, ignoring));
    const definition = fixture.kind(GROUP, 'mutatingadmissionpolicybindings');
    const target = { definition, namespace: '', name: `binding-${count}` };
    const patch = { spec: { paramRef: { parameterNotFoundAction: 'Allow' } } };
    await fixture.registry.patch(
      target,
      '',
      { type: 'merge', patch, problems: [] },
      fixture.context(),
    );
    await make(space, ignoring);
    assert.deepEqual((await make(space))['data'], { from: 'v', may: 'true' });
  });

  test('each sees what those before it made; who wants it is asked once more after others', async () => {
    const space = await bound([log('1'), log('2')]);
    await bound([log('3')], { policy: { reinvocationPolicy: 'IfNeeded' } }, space);
    await bound([log('4')], {}, space);
    assert.deepEqual((await make(space))['data'], { log: '12343' });
    // As a kube-apiserver 1.34 does: its own patch is reason enough to ask it again.
    const alone = await bound([log('5')], { policy: { reinvocationPolicy: 'IfNeeded' } });
    assert.deepEqual((await make(alone))['data'], { log: '55' });
    const quiet = await bound([apply('Object{}')], { policy: { reinvocationPolicy: 'IfNeeded' } });
    assert.equal((await make(quiet))['data'], undefined);
  });

  test('what cannot be made is refused, all of it at once, or passed over where the policy says so', async () => {
    const broken = [
      apply('Object{data: {"a": object.data.nothing}}'),
      apply('Object{data: {"b": "made"}}'),
      apply('Object{spec: Object.spec{x: 1}}'),
      apply('Object{metadata: Object.wrong{}}'),
      jsonPatch('[JSONPatch{op: "remove", path: "/nowhere/x"}]'),
      apply('Object{metadata: Object.metadata{labels: {1: "x"}}}'),
    ];
    const failing = await bound(broken);
    await assert.rejects(
      make(failing, { data: { x: 'y' } }),
      refused(
        403,
        'Invalid',
        by(
          `expression 'Object{data: {"a": object.data.nothing}}' resulted in error: no such key: nothing`,
        ),
        by(
          'error applying patch: failed to convert patch object to typed object: .spec: field not declared in schema',
        ),
        by(
          'type mismatch: unexpected type name "Object.wrong", expected "Object.metadata", which matches field name path from root Object type',
        ),
        by('JSON Patch: the path "/nowhere" does not exist'),
        by('map key "1" is of type bigint, not string'),
      ),
    );
    const ignoring = await bound(broken, { policy: { failurePolicy: 'Ignore' } });
    assert.deepEqual((await make(ignoring, { data: { x: 'y' } }))['data'], { b: 'made', x: 'y' });
    const strange = await bound([jsonPatch('[JSONPatch{op: "add", path: "/nothing", value: 1}]')]);
    await assert.rejects(
      make(strange),
      (error: unknown) =>
        error instanceof ApiError &&
        error.code === 500 &&
        error.message === 'Internal error occurred: strict decoding error: unknown field "nothing"',
    );
    const atomic = await bound([
      apply(
        'Object{spec: Object.spec{nodeSelector: {"a": "b"}, containers: [Object.spec.containers{name: "main", command: ["x"]}]}}',
      ),
    ]);
    await assert.rejects(
      pod(atomic),
      refused(
        403,
        'Invalid',
        by(
          'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.nodeSelector, .spec.containers[0].command',
        ),
      ),
    );
    assert.match(
      await metrics.expose(),
      /apiserver_mutating_admission_policy_check_total\{[^}]*error_type="invalid_error"[^}]*\} \d/,
    );
    assert.match(
      await metrics.expose(),
      /apiserver_mutating_admission_policy_check_total\{[^}]*error_type="no_error"[^}]*\} \d/,
    );
  });

  test('a Scale is changed as a Scale', async () => {
    const space = await bound(
      [apply('Object{spec: Object.spec{replicas: object.spec.replicas + 1}}')],
      {
        rule: { resources: ['replicationcontrollers/scale'] },
      },
    );
    await fixture.create({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'a', namespace: space },
      spec: {
        replicas: 1,
        selector: { a: 'b' },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'i' }] },
        },
      },
    });
    const target = {
      definition: fixture.kind('v1', 'replicationcontrollers'),
      namespace: space,
      name: 'a',
    };
    const patch = { spec: { replicas: 4 } };
    await fixture.registry.patchScale(
      target,
      { type: 'merge', patch, problems: [] },
      fixture.context(),
    );
    const { spec } = fixture.read('v1', 'replicationcontrollers', space, 'a') as unknown as {
      spec: { replicas: number };
    };
    assert.equal(spec.replicas, 5);
  });
});
