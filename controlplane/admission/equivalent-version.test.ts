// matchPolicy: who asked about one version of a kind is shown writes in the others in that one, or not at all (Exact).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionOf } from '#controlplane/api/object.ts';
import type { Admission } from '#controlplane/registry/admission.ts';
import { openFixture } from '#controlplane/registry/registry-fixture.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { patchAnswer, WebhookServer } from '#test/support/webhook-server.ts';
import { AdmissionControl } from './admission-control.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const RULE = {
  apiGroups: ['shapes.io'],
  apiVersions: ['v1'],
  resources: ['cubes'],
  operations: ['CREATE'],
};

test('a rule about v1 and a write in v2', async (t) => {
  const late: { admission?: Admission } = {};
  const fixture = await openFixture({ gate: (...asked) => late.admission?.gate(...asked) });
  t.after(() => fixture.close());
  const { store, scheme } = fixture;
  const control = new AdmissionControl({
    store,
    scheme,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    ids: systemIds,
    logger: silentLogger,
    authorizer: { authorize: () => ({ allowed: false, reason: '' }) },
    // As a definition with the strategy None: the same fields under another name.
    conversions: {
      between: (object, _from, { group, version }) =>
        Promise.resolve({ ...structuredClone(object), apiVersion: apiVersionOf(group, version) }),
    },
  });
  t.after(() => control.close());
  late.admission = control;
  const server = await WebhookServer.start(t);
  const text = { type: 'string' };
  const version = (name: string): object => ({
    name,
    served: true,
    storage: name === 'v1',
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { hook: text, policy: text, seen: text } },
        },
      },
    },
  });
  await fixture.create({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'cubes.shapes.io' },
    spec: {
      group: 'shapes.io',
      scope: 'Cluster',
      names: { plural: 'cubes', kind: 'Cube' },
      versions: [version('v1'), version('v2')],
    },
  });
  for (const matchPolicy of ['Equivalent', 'Exact']) {
    const name = matchPolicy.toLowerCase();
    server.on(`/${name}`, () => patchAnswer({ op: 'add', path: '/spec/hook', value: matchPolicy }));
    await fixture.create({
      apiVersion: GROUP,
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name: `${name}.example.com`,
          clientConfig: server.clientConfig(`/${name}`),
          rules: [RULE],
          matchPolicy,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    await fixture.create({
      apiVersion: GROUP,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: [RULE], matchPolicy },
        reinvocationPolicy: 'Never',
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: {
              expression: `Object{spec: Object.spec{policy: "${matchPolicy}", seen: [object.apiVersion, request.kind.version, request.requestKind.version].join(" ")}}`,
            },
          },
        ],
      },
    });
    await fixture.create({
      apiVersion: GROUP,
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name },
    });
  }
  const made = await fixture.create({
    apiVersion: 'shapes.io/v2',
    kind: 'Cube',
    metadata: { name: 'one' },
    spec: {},
  });
  assert.deepEqual(made['spec'], {
    hook: 'Equivalent',
    policy: 'Equivalent',
    seen: 'shapes.io/v1 v1 v2',
  });
  const [review, ...more] = server.reviews('/equivalent');
  assert.ok(review !== undefined && more.length === 0);
  assert.equal(server.reviews('/exact').length, 0);
  const { kind, requestKind, resource, object } = review.request as unknown as Record<
    'kind' | 'requestKind' | 'resource' | 'object',
    Record<string, unknown>
  >;
  assert.deepEqual(
    [kind['version'], requestKind['version'], resource['version'], object['apiVersion']],
    ['v1', 'v2', 'v1', 'shapes.io/v1'],
  );
  // In its own version everybody is asked.
  const own = await fixture.create({
    apiVersion: 'shapes.io/v1',
    kind: 'Cube',
    metadata: { name: 'two' },
    spec: {},
  });
  assert.deepEqual(own['spec'], { hook: 'Exact', policy: 'Exact', seen: 'shapes.io/v1 v1 v1' });
  assert.equal(server.reviews('/exact').length, 1);
});
