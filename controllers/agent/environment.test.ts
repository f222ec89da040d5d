import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildEnvironment, expand } from './environment.ts';
import type { EnvironmentInput } from './environment.ts';
import type { Container, Pod } from './pod.ts';

const pod: Pod = {
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    uid: 'u1',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: 'web' },
  },
  spec: { containers: [], nodeName: 'n1' },
};

function input(container: Omit<Container, 'name'>): EnvironmentInput {
  return {
    pod,
    container: { name: 'main', ...container },
    references: {
      configMaps: new Map([['settings', new Map([['COLOUR', Buffer.from('blue')]])]]),
      secrets: new Map([['login', new Map([['password', Buffer.from('geheim')]])]]),
    },
    hostIP: '10.0.0.1',
    given: { PORT: '4000' },
  };
}

for (const { text, expanded } of [
  { text: '$(A)', expanded: '1' },
  { text: 'x$(A)y$(B)', expanded: 'x1y2' },
  { text: '$(MISSING)', expanded: '$(MISSING)' },
  { text: '$$(A)', expanded: '$(A)' },
  { text: '$A', expanded: '$A' },
  { text: '$(constructor)', expanded: '$(constructor)' },
]) {
  test(`expand() makes ${expanded} of ${text}`, () => {
    assert.equal(expand(text, { A: '1', B: '2' }), expanded);
  });
}

test('buildEnvironment() takes envFrom, then env in order, each seeing what came before', () => {
  const environment = buildEnvironment(
    input({
      envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }],
      env: [
        { name: 'URL', value: 'http://127.0.0.1:$(PORT)/$(S_COLOUR)' },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        {
          name: 'MEMORY',
          valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } },
        },
      ],
      resources: { limits: { memory: '1Gi' } },
    }),
  );
  assert.deepEqual(environment, {
    HOSTNAME: 'web-1',
    PORT: '4000',
    S_COLOUR: 'blue',
    URL: 'http://127.0.0.1:4000/blue',
    PASSWORD: 'geheim',
    APP: 'web',
    NODE: 'n1',
    MEMORY: '1024',
  });
});

test('buildEnvironment() names what is missing, and forgives what is optional', () => {
  const missing = { configMapKeyRef: { name: 'absent', key: 'k' } };
  assert.throws(() => buildEnvironment(input({ env: [{ name: 'A', valueFrom: missing }] })), {
    reason: 'CreateContainerConfigError',
    message: /configmap "absent" not found/,
  });
  const optional = { configMapKeyRef: { ...missing.configMapKeyRef, optional: true } };
  const environment = buildEnvironment(input({ env: [{ name: 'A', valueFrom: optional }] }));
  assert.equal('A' in environment, false);
});
