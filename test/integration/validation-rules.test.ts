// Rules in CEL as users meet them: kubectl against a booted server, with a definition of theirs and with our Service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestControlPlane } from '../support/control-plane.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';

function crontabs(rule: string): string {
  const spec = {
    type: 'object',
    properties: {
      replicas: { type: 'integer' },
      minReplicas: { type: 'integer' },
      image: {
        type: 'string',
        'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'image is immutable' }],
      },
    },
    'x-kubernetes-validations': [
      { rule, messageExpression: "'replicas must be at least %d'.format([self.minReplicas])" },
    ],
  };
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'crontabs.stable.example.com' },
    spec: {
      group: 'stable.example.com',
      scope: 'Namespaced',
      names: { plural: 'crontabs', kind: 'CronTab' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  });
}

function crontab(spec: object): string {
  return JSON.stringify({
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name: 'nightly' },
    spec,
  });
}

test(
  'kubectl is told which rule an object breaks',
  { skip: missingKubectl() ?? false },
  async (t) => {
    const plane = await TestControlPlane.start(t);
    const kubectl = new Kubectl(plane.kubeconfig, plane.folder);
    const apply = (input: string) => kubectl.run(['apply', '-f', '-'], { input });

    const wrong = await apply(crontabs('self.replicas >= self.minimum'));
    assert.notEqual(wrong.code, 0);
    assert.match(
      wrong.stderr,
      /spec\.validation\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: .*undefined field 'minimum'/,
    );

    assert.equal((await apply(crontabs('self.replicas >= self.minReplicas'))).code, 0);
    const low = await apply(crontab({ replicas: 1, minReplicas: 2, image: 'a' }));
    assert.notEqual(low.code, 0);
    assert.match(low.stderr, /spec: Invalid value: "object": replicas must be at least 2/);
    assert.equal((await apply(crontab({ replicas: 2, minReplicas: 2, image: 'a' }))).code, 0);
    const moved = await apply(crontab({ replicas: 2, minReplicas: 2, image: 'b' }));
    assert.match(moved.stderr, /spec\.image: Invalid value: "string": image is immutable/);

    const service = {
      apiVersion: 'windlass.dev/v1alpha1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        template: { spec: { containers: [{ name: 'web', image: 'hello:1' }] } },
        updateStrategy: { type: 'Recreate', order: 'StopFirst' },
        ingress: [{ port: 8080, targetPort: 'http' }],
      },
    };
    const refused = await apply(JSON.stringify(service));
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /spec\.updateStrategy\.order: .*leave it out, or use type Rolling/,
    );
    assert.match(
      refused.stderr,
      /spec\.ingress: .*declares a port of that name: declare it in ports/,
    );
  },
);
