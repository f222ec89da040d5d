// Controllers of Pods through the registry: what is filled in, what is refused, what counts as a new generation.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fieldAt, objectAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const labels = { app: 'web' };
const template = {
  metadata: { labels },
  spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] },
};
const finite = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
const selector = { matchLabels: labels };

function object(apiVersion: string, kind: string, name: string, spec: object): KubernetesObject {
  return { apiVersion, kind, metadata: { name }, spec };
}

async function patch(
  apiVersion: string,
  resource: string,
  name: string,
  change: unknown,
  subresource = '',
): Promise<KubernetesObject> {
  const definition = fixture.kind(apiVersion, resource);
  const { stored } = await fixture.registry.patch(
    { definition, namespace: 'default', name },
    subresource,
    { type: 'merge', patch: change, problems: [] },
    fixture.context(),
  );
  return decode(stored);
}

describe('what is filled in', () => {
  test('a Deployment', async () => {
    const made = await fixture.create(
      object('apps/v1', 'Deployment', 'web', { selector, template }),
    );
    assert.equal(made.metadata.generation, 1);
    assert.deepEqual(made['spec'], {
      replicas: 1,
      selector,
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'example.com/web:1',
              resources: {},
              imagePullPolicy: 'IfNotPresent',
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
            },
          ],
          restartPolicy: 'Always',
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          securityContext: {},
          terminationGracePeriodSeconds: 30,
        },
      },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
      },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
    assert.match(fixture.warnings.join('\n'), /nothing here acts on this Deployment yet/);
  });

  test('a strategy of its own gets no parameters of another', async () => {
    const spec = { selector, template, strategy: { type: 'Recreate' } };
    const made = await fixture.create(object('apps/v1', 'Deployment', 'recreate', spec));
    assert.deepEqual(fieldAt(made, 'spec', 'strategy'), { type: 'Recreate' });
  });

  test('a DaemonSet counts its templates', async () => {
    const counter = 'deprecated.daemonset.template.generation';
    const made = await fixture.create(
      object('apps/v1', 'DaemonSet', 'each', { selector, template }),
    );
    assert.equal(made.metadata.annotations?.[counter], '1');
    assert.deepEqual(fieldAt(made, 'spec', 'updateStrategy'), {
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
    const changed = await patch('apps/v1', 'daemonsets', 'each', {
      spec: { template: { spec: { hostNetwork: true } } },
    });
    assert.equal(changed.metadata.annotations?.[counter], '2');
    const slower = await patch('apps/v1', 'daemonsets', 'each', { spec: { minReadySeconds: 5 } });
    assert.equal(slower.metadata.annotations?.[counter], '2');
    assert.equal(slower.metadata.generation, 3);
  });

  test('a StatefulSet names what its claims are', async () => {
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const mounted = structuredClone(template);
    Object.assign(mounted.spec.containers[0] ?? {}, {
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    });
    const spec = { selector, serviceName: 'db', template: mounted, volumeClaimTemplates: [claim] };
    const made = await fixture.create(object('apps/v1', 'StatefulSet', 'db', spec));
    const claims = fieldAt(made, 'spec', 'volumeClaimTemplates') as unknown[];
    assert.equal(fieldAt(claims[0], 'kind'), 'PersistentVolumeClaim');
    assert.deepEqual(fieldAt(claims[0], 'status'), { phase: 'Pending' });
    assert.deepEqual(fieldAt(made, 'spec', 'updateStrategy'), {
      type: 'RollingUpdate',
      rollingUpdate: { partition: 0 },
    });
    assert.deepEqual(fieldAt(made, 'spec', 'persistentVolumeClaimRetentionPolicy'), {
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
  });

  test('a ReplicationController selects what its template is labelled with', async () => {
    const made = await fixture.create(object('v1', 'ReplicationController', 'rc', { template }));
    assert.deepEqual(fieldAt(made, 'spec', 'selector'), labels);
    assert.deepEqual(made.metadata.labels, labels);
    assert.equal(fieldAt(made, 'spec', 'replicas'), 1);
    const target = {
      definition: fixture.kind('v1', 'replicationcontrollers'),
      namespace: 'default',
      name: 'rc',
    };
    assert.deepEqual(fieldAt(fixture.registry.getScale(target), 'status'), {
      replicas: 0,
      selector: 'app=web',
    });
    const { stored } = await fixture.registry.delete(target, {}, fixture.context());
    assert.deepEqual(decode(stored).metadata.finalizers, ['orphan']);
  });

  test('a Job selects its Pods by its uid', async () => {
    const made = await fixture.create(object('batch/v1', 'Job', 'once', { template: finite }));
    const uid = made.metadata.uid ?? '';
    assert.deepEqual(fieldAt(made, 'spec', 'selector'), {
      matchLabels: { 'batch.kubernetes.io/controller-uid': uid },
    });
    assert.deepEqual(fieldAt(made, 'spec', 'template', 'metadata', 'labels'), {
      ...labels,
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': 'once',
      'controller-uid': uid,
      'job-name': 'once',
    });
    const { template: _template, selector: _selector, ...rest } = objectAt(made, 'spec');
    assert.deepEqual(rest, {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    });
  });

  test('a CronJob, but not the Job in it', async () => {
    const spec = { schedule: '*/5 * * * *', jobTemplate: { spec: { template: finite } } };
    const made = await fixture.create(object('batch/v1', 'CronJob', 'often', spec));
    const { jobTemplate, ...rest } = objectAt(made, 'spec');
    assert.deepEqual(rest, {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    assert.deepEqual(Object.keys(objectAt(jobTemplate, 'spec')), ['template']);
  });
});

describe('what is refused', () => {
  const other = { matchLabels: { app: 'other' } };
  for (const [why, value, message] of [
    [
      'a selector that misses the template',
      object('apps/v1', 'Deployment', 'x', { selector: other, template }),
      /spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/,
    ],
    [
      'fewer than none',
      object('apps/v1', 'Deployment', 'x', { selector, template, replicas: -1 }),
      /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/,
    ],
    [
      'no container',
      object('apps/v1', 'Deployment', 'x', {
        selector,
        template: { ...template, spec: { containers: [] } },
      }),
      /spec\.template\.spec\.containers: Required value/,
    ],
    [
      'a port that there is not',
      object('apps/v1', 'Deployment', 'x', {
        selector,
        template: {
          ...template,
          spec: { containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 65_536 }] }] },
        },
      }),
      /ports\[0\]\.containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive/,
    ],
    [
      'a selector that selects everything',
      object('apps/v1', 'ReplicaSet', 'x', { selector: {}, template }),
      /spec\.selector: Invalid value: \{\}: empty selector is invalid for deployment/,
    ],
    [
      'no selector',
      object('apps/v1', 'DaemonSet', 'x', { template }),
      /`selector` does not match template `labels`/,
    ],
    [
      'a Pod that ends',
      object('apps/v1', 'Deployment', 'x', { selector, template: finite }),
      /restartPolicy: Unsupported value: "Never": supported values: "Always"/,
    ],
    [
      'a rolling update that cannot roll',
      object('apps/v1', 'Deployment', 'x', {
        selector,
        template,
        strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } },
      }),
      /maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0/,
    ],
    [
      'parameters of another strategy',
      object('apps/v1', 'Deployment', 'x', {
        selector,
        template,
        strategy: { type: 'Recreate', rollingUpdate: {} },
      }),
      /may not be specified when strategy `type` is 'Recreate'/,
    ],
    [
      'a mount without its volume',
      object('apps/v1', 'Deployment', 'x', {
        selector,
        template: {
          metadata: { labels },
          spec: {
            containers: [{ name: 'a', image: 'a', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
          },
        },
      }),
      /spec\.template\.spec\.containers\[0\]\.volumeMounts\[0\]\.name: Not found: "v"/,
    ],
    [
      'a Job that never ends',
      object('batch/v1', 'Job', 'x', { template }),
      /restartPolicy: Required value: valid values: "OnFailure", "Never"/,
    ],
    [
      'a schedule that means nothing',
      object('batch/v1', 'CronJob', 'x', {
        schedule: 'often',
        jobTemplate: { spec: { template: finite } },
      }),
      /spec\.schedule: Invalid value: "often": expected exactly 5 fields, found 1/,
    ],
    [
      'a time zone that is nowhere',
      object('batch/v1', 'CronJob', 'x', {
        schedule: '@daily',
        timeZone: 'Middle/Earth',
        jobTemplate: { spec: { template: finite } },
      }),
      /spec\.timeZone: .*unknown time zone Middle\/Earth/,
    ],
    [
      'a CronJob whose Jobs would have too long names',
      object('batch/v1', 'CronJob', 'x'.repeat(53), {
        schedule: '@daily',
        jobTemplate: { spec: { template: finite } },
      }),
      /must be no more than 52 characters/,
    ],
  ] as const) {
    test(why, async () => {
      await assert.rejects(fixture.create(value), { code: 422, message });
    });
  }

  test('another selector later', async () => {
    await assert.rejects(
      patch('apps/v1', 'deployments', 'web', {
        spec: {
          selector: { matchLabels: { app: 'b' } },
          template: { metadata: { labels: { app: 'b' } } },
        },
      }),
      { code: 422, message: /spec\.selector: Invalid value: .*field is immutable/ },
    );
  });

  test('another template of a Job that may have run', async () => {
    await assert.rejects(
      patch('batch/v1', 'jobs', 'once', { spec: { template: { spec: { hostNetwork: true } } } }),
      { code: 422, message: /spec\.template: Invalid value: .*field is immutable/ },
    );
  });

  test('what a StatefulSet cannot change', async () => {
    await assert.rejects(
      patch('apps/v1', 'statefulsets', 'db', { spec: { serviceName: 'other' } }),
      { code: 422, message: /updates to statefulset spec for fields other than 'replicas'/ },
    );
  });

  test('more ready than there are', async () => {
    const status = { status: { replicas: 1, readyReplicas: 2 } };
    await assert.rejects(patch('apps/v1', 'deployments', 'web', status, 'status'), {
      code: 422,
      message: /status\.readyReplicas: Invalid value: 2: cannot be greater than status\.replicas/,
    });
  });
});

test('annotations of a Deployment are a new generation, its status is none', async () => {
  const annotated = await patch('apps/v1', 'deployments', 'web', {
    metadata: { annotations: { why: 'test' } },
  });
  assert.equal(annotated.metadata.generation, 2);
  const shown = await patch(
    'apps/v1',
    'deployments',
    'web',
    { status: { replicas: 1 }, spec: { replicas: 9 } },
    'status',
  );
  assert.equal(shown.metadata.generation, 2);
  assert.equal(fieldAt(shown, 'spec', 'replicas'), 1);
});
