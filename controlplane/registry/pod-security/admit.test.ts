// Pod security: the answers of a kube-apiserver 1.34 to Pods (recorded-answers.json), and what else the labels of a namespace do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from '../registry-fixture.ts';
import { openFixture } from '../registry-fixture.ts';
import { violationsOf, violationsText } from './evaluate.ts';
import { securityPolicyOf } from './policy.ts';
import { securityPodOf } from './security-pod.ts';

const LEVELS = ['baseline:latest', 'restricted:latest', 'restricted:v1.20'] as const;

type Recorded = { readonly pod: object } & Readonly<Record<(typeof LEVELS)[number], string | null>>;

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recorded-answers.json'), 'utf8'),
) as readonly Recorded[];

suite('Pods are judged as upstream does', () => {
  for (const [index, one] of recorded.entries())
    for (const level of LEVELS)
      test(`Pod ${index} by ${level}`, () => {
        const [enforce = '', version = ''] = level.split(':');
        const policy = securityPolicyOf({
          'pod-security.kubernetes.io/enforce': enforce,
          'pod-security.kubernetes.io/enforce-version': version,
        });
        assert.ok(policy);
        const text = violationsText(violationsOf(securityPodOf(one.pod), policy.enforce));
        const expected = one[level];
        assert.equal(text === '' ? null : `violates PodSecurity "${level}": ${text}`, expected);
      });
});

suite('namespaces with labels', () => {
  let fixture: Fixture;
  let count = 0;
  before(async () => (fixture = await openFixture()));
  after(() => fixture.close());

  async function space(labels: Readonly<Record<string, string>>): Promise<string> {
    count += 1;
    const name = `secured-${count}`;
    await fixture.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: full(labels) },
    });
    return name;
  }

  const full = (labels: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]),
    );

  const containers = [{ name: 'c', image: 'i' }];
  const hostPod = (namespace: string, name = 'p', spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { hostPID: true, containers, ...spec },
  });

  function patch(
    resource: string,
    namespace: string,
    name: string,
    body: object,
  ): Promise<unknown> {
    return fixture.registry.patch(
      { definition: fixture.kind('v1', resource), namespace, name },
      '',
      { type: 'merge', patch: body, problems: [] },
      fixture.context(),
    );
  }

  test('enforced: a Pod is refused, a change of its images too, one of its labels not', async () => {
    const namespace = await space({ enforce: 'baseline' });
    await assert.rejects(fixture.create(hostPod(namespace)), {
      code: 403,
      message:
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)',
    });
    await patch('namespaces', '', namespace, {
      metadata: { labels: full({ enforce: 'privileged' }) },
    });
    await fixture.create(hostPod(namespace));
    await patch('namespaces', '', namespace, {
      metadata: { labels: full({ enforce: 'baseline' }) },
    });
    await patch('pods', namespace, 'p', { metadata: { labels: { a: 'b' } } });
    const spec = { containers: [{ name: 'c', image: 'other' }] };
    await assert.rejects(patch('pods', namespace, 'p', { spec }), { code: 403 });
  });

  test('a privileged container, which upstream refuses by its own flag too', async () => {
    const namespace = await space({ enforce: 'baseline' });
    const privileged = { name: 'c', image: 'i', securityContext: { privileged: true } };
    await assert.rejects(
      fixture.create(hostPod(namespace, 'p', { hostPID: false, containers: [privileged] })),
      /violates PodSecurity "baseline:latest": privileged \(container "c" must not set securityContext.privileged=true\)/,
    );
  });

  test('warned of: Pods and workloads are made, with a warning; audited: told to the log', async () => {
    const namespace = await space({ warn: 'baseline', audit: 'baseline' });
    const notes = new Map<string, string>();
    const warnings: string[] = [];
    const heard = {
      warn: (text: string): void => void warnings.push(text),
      annotate: (key: string, value: string): void => void notes.set(key, value),
    };
    const would = 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)';
    await fixture.create(hostPod(namespace), heard);
    assert.deepEqual(warnings, [would]);
    assert.equal(notes.get('pod-security.kubernetes.io/audit-violations'), would);
    assert.equal(notes.get('pod-security.kubernetes.io/enforce-policy'), 'privileged:latest');
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { hostPID: true, containers, restartPolicy: 'Never' },
    };
    const workloads: readonly (readonly [apiVersion: string, kind: string, spec: object])[] = [
      [
        'apps/v1',
        'Deployment',
        {
          selector: { matchLabels: { a: 'b' } },
          template: { ...template, spec: { ...template.spec, restartPolicy: 'Always' } },
        },
      ],
      ['batch/v1', 'Job', { template }],
      ['batch/v1', 'CronJob', { schedule: '* * * * *', jobTemplate: { spec: { template } } }],
    ];
    for (const [apiVersion, kind, spec] of workloads) {
      warnings.length = 0;
      await fixture.create({ apiVersion, kind, metadata: { name: 'w', namespace }, spec }, heard);
      assert.ok(warnings.includes(would), `${kind}: ${warnings.join('; ')}`);
    }
  });

  test('labels that mean nothing are refused, and enforced as the strictest where they are', async () => {
    await assert.rejects(space({ enforce: 'foo', 'warn-version': '1.2' }), {
      code: 422,
      message:
        /metadata\.labels\[pod-security\.kubernetes\.io\/enforce\]: Invalid value: "foo": must be one of privileged, baseline, restricted.*metadata\.labels\[pod-security\.kubernetes\.io\/warn-version\]: Invalid value: "1\.2": must be "latest" or "v1\.x"/s,
    });
    assert.deepEqual(securityPolicyOf(full({ enforce: 'foo', 'enforce-version': 'x' }))?.enforce, {
      level: 'restricted',
      version: 'latest',
    });
  });

  test('who makes a namespace stricter is told which of its Pods break that', async () => {
    const namespace = await space({});
    for (const name of ['a', 'b', 'c'])
      await fixture.create(hostPod(namespace, name, { hostPID: name !== 'c' }));
    fixture.warnings.length = 0;
    await patch('namespaces', '', namespace, {
      metadata: { labels: full({ enforce: 'restricted' }) },
    });
    const reasons =
      'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
    assert.deepEqual(fixture.warnings, [
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "restricted:latest"`,
      `a (and 1 other pod): host namespaces, ${reasons}`,
      `c: ${reasons}`,
    ]);
    fixture.warnings.length = 0;
    await patch('namespaces', '', namespace, {
      metadata: { labels: full({ enforce: 'baseline' }) },
    });
    assert.deepEqual(fixture.warnings, []);
  });

  test('a namespace without labels asks for nothing', async () => {
    const namespace = await space({});
    const made: KubernetesObject = await fixture.create(hostPod(namespace));
    assert.equal(made.metadata.name, 'p');
  });
});
