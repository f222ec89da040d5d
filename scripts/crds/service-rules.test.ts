// Each rule of the Service kind, by a spec that breaks it and what its author is told.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { parse } from 'yaml';
import { checkRules, evaluateRules, loadRules } from '#controlplane/api/cel/load.ts';
import { applyDefaults } from '#controlplane/api/schema/default.ts';
import type { Schema } from '#controlplane/api/schema/schema.ts';
import { compileStructural } from '#controlplane/api/schema/structural.ts';
import { validateSchema } from '#controlplane/api/schema/validate.ts';
import { root } from '../generate-crds.ts';
import { serviceDefinition } from './service.ts';

const container = {
  name: 'web',
  image: 'hello:1',
  ports: [{ name: 'http', containerPort: 8080 }],
};

interface Case {
  readonly name: string;
  readonly spec?: object;
  readonly pod?: object;
  readonly metadata?: object;
  /** Nothing for a good one. */
  readonly expected?: RegExp;
}

const mounted = { ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] };

const CASES: readonly Case[] = [
  { name: 'a plain service' },
  { name: 'a name of 63 characters', metadata: { name: 'a'.repeat(63) } },
  {
    name: 'a name of 64 characters',
    metadata: { name: 'a'.repeat(64) },
    expected: /^<nil>: .*metadata\.name must have at most 63 characters/,
  },
  { name: 'a global service', spec: { mode: 'Global' } },
  { name: 'a global service that was replicated', spec: { mode: 'Global', replicas: 3 } },
  {
    name: 'targetPorts by name, number and number in quotes',
    spec: {
      ingress: [
        { port: 1, targetPort: 'http' },
        { port: 2, targetPort: 9 },
        { port: 3, targetPort: '9' },
      ],
    },
  },
  {
    name: 'a targetPort that nobody declares',
    spec: {
      ingress: [
        { port: 1, targetPort: 'http' },
        { port: 2, targetPort: 'grpc' },
      ],
    },
    expected:
      /^spec\.ingress: .*no container of the template declares a port of that name: declare it in ports, or use a number/,
  },
  {
    name: 'a targetPort by name where no container has ports',
    spec: { ingress: [{ port: 1, targetPort: 'http' }] },
    pod: { containers: [{ name: 'web', image: 'hello:1' }] },
    expected: /^spec\.ingress: .*declares a port of that name/,
  },
  {
    name: 'an ingress port twice',
    spec: {
      ingress: [
        { port: 1, targetPort: 1 },
        { port: 1, targetPort: 2 },
      ],
    },
    expected:
      /^spec\.ingress\[1\]: Duplicate value: \{"port":1,"protocol":"TCP","host":"","path":""\}/,
  },
  { name: 'Recreate', spec: { updateStrategy: { type: 'Recreate' } } },
  {
    name: 'Recreate with an order',
    spec: { updateStrategy: { type: 'Recreate', order: 'StartFirst' } },
    expected:
      /^spec\.updateStrategy\.order: .*no meaning with types Recreate and BlueGreen.*leave it out/,
  },
  {
    name: 'maxParallel 0',
    spec: { updateStrategy: { maxParallel: 0 } },
    expected: /^spec\.updateStrategy\.maxParallel: .*greater than or equal to 1/,
  },
  {
    name: 'a deadline shorter than the period that only instances without probes are watched for',
    spec: { updateStrategy: { monitorPeriod: '1m', progressDeadline: '2s' } },
  },
  {
    name: 'a mounted volume',
    pod: { containers: [mounted], volumes: [{ name: 'data', emptyDir: {} }] },
  },
  {
    name: 'a mounted volume of the service',
    spec: { volumes: [{ name: 'data' }] },
    pod: { containers: [mounted] },
  },
  {
    name: 'a volume of the service and of the template',
    spec: { volumes: [{ name: 'data' }] },
    pod: { containers: [mounted], volumes: [{ name: 'data', emptyDir: {} }] },
    expected: /^spec\.volumes: .*the same name as one of spec\.volumes/,
  },
  {
    name: 'an external volume with a size',
    spec: { volumes: [{ name: 'data', external: true, size: '1Gi' }] },
    expected: /^spec\.volumes\[0\]: .*an external volume is used as it is/,
  },
  { name: 'a config', spec: { configs: [{ name: 'app', content: '' }] } },
  {
    name: 'a config without content',
    spec: { configs: [{ name: 'app' }] },
    expected: /^spec\.configs\[0\]: .*either content or binaryContent/,
  },
  {
    name: 'limits of processes',
    spec: {
      engine: {
        ulimits: [
          { name: 'nofile', soft: 1024, hard: 1024 },
          { name: 'nproc', soft: -1, hard: -1 },
          { name: 'core', soft: 0, hard: -1 },
        ],
      },
    },
  },
  {
    name: 'a soft limit above the hard one',
    spec: { engine: { ulimits: [{ name: 'nofile', soft: 2048, hard: 1024 }] } },
    expected: /^spec\.engine\.ulimits\[0\]\.soft: .*soft is above hard.*lower soft, or raise hard/,
  },
  {
    name: 'no soft limit under a hard one',
    spec: { engine: { ulimits: [{ name: 'nofile', soft: -1, hard: 1024 }] } },
    expected: /^spec\.engine\.ulimits\[0\]\.soft: .*soft is above hard/,
  },
  { name: 'a hook', spec: { hooks: { preDeploy: { command: ['migrate'] } } } },
  {
    name: 'a hook without a command',
    spec: { hooks: { postDeploy: { timeout: '1s' } } },
    expected: /^spec\.hooks\.postDeploy: .*a hook needs a command, or args/,
  },
  {
    name: 'canary steps',
    spec: {
      updateStrategy: { type: 'Canary', canary: { steps: [{ count: 1 }, { count: '25%' }] } },
    },
  },
  {
    name: 'a canary step of no instance',
    spec: { updateStrategy: { type: 'Canary', canary: { steps: [{ count: '0%' }] } } },
    expected: /^spec\.updateStrategy\.canary\.steps\[0\]\.count: .*at least 1, or a share/,
  },
  {
    name: 'ingress by host and path, twice on one port',
    spec: {
      ingress: [
        { port: 80, targetPort: 1, protocol: 'HTTP', host: 'a.example.com' },
        { port: 80, targetPort: 1, protocol: 'HTTP', host: '*.example.com', path: '/api' },
      ],
    },
  },
  {
    name: 'ingress by host without HTTP',
    spec: { ingress: [{ port: 80, targetPort: 1, host: 'a.example.com' }] },
    expected: /^spec\.ingress\[0\]: .*host and path need protocol HTTP or HTTPS/,
  },
  {
    name: 'tls without HTTPS',
    spec: { ingress: [{ port: 80, targetPort: 1, protocol: 'HTTP', tls: {} }] },
    expected: /^spec\.ingress\[0\]\.tls: .*tls needs protocol HTTPS/,
  },
  {
    name: 'tls of a Secret that is not named',
    spec: { ingress: [{ port: 80, targetPort: 1, protocol: 'HTTPS', tls: { mode: 'Secret' } }] },
    expected: /^spec\.ingress\[0\]\.tls: .*needs tls\.secretName/,
  },
  {
    name: 'a redirect to what is not HTTPS',
    spec: { ingress: [{ port: 80, targetPort: 1, protocol: 'HTTP', redirectFrom: 8080 }] },
    expected: /^spec\.ingress\[0\]\.redirectFrom: .*needs protocol HTTPS/,
  },
  {
    name: 'a redirect to itself',
    spec: { ingress: [{ port: 443, targetPort: 1, protocol: 'HTTPS', redirectFrom: 443 }] },
    expected: /^spec\.ingress\[0\]\.redirectFrom: .*is the port itself/,
  },
  {
    name: 'a mount without its volume',
    pod: { containers: [mounted], volumes: [{ name: 'date', emptyDir: {} }] },
    expected:
      /^spec\.template\.spec\.containers: .*no volume of that name for one of volumeMounts: add an entry of that name to spec\.volumes, or to/,
  },
  {
    name: 'a mount without any volume in an init container',
    pod: { containers: [container], initContainers: [{ ...mounted, name: 'first' }] },
    expected:
      /^spec\.template\.spec\.initContainers: .*no volume of that name for one of volumeMounts/,
  },
];

suite('the rules of Service', () => {
  let schema: Schema;

  before(async () => {
    await loadRules();
    const [version] = serviceDefinition.spec.versions;
    const compiled = compileStructural(version.schema.openAPIV3Schema, 'schema');
    assert.ok('schema' in compiled);
    schema = compiled.schema;
  });

  test('compile', () => assert.deepEqual(checkRules(schema, 'schema'), []));

  for (const { name, spec = {}, pod = {}, metadata = {}, expected } of CASES) {
    test(name, () => {
      const object = {
        apiVersion: 'windlass.dev/v1alpha1',
        kind: 'Service',
        metadata: { name: 'web', ...metadata },
        spec: { template: { spec: { containers: [container], ...pod } }, ...spec },
      };
      applyDefaults(schema, object);
      const errors = [
        ...validateSchema(schema, object, ''),
        ...evaluateRules(schema, object, undefined),
      ].map(({ field, message }) => `${field}: ${message}`);
      if (expected === undefined) assert.deepEqual(errors, []);
      else {
        assert.equal(errors.length, 1, errors.join('\n'));
        assert.match(errors[0] ?? '', expected);
      }
    });
  }

  test('a service with a long name that is there already stays writable', () => {
    const object = {
      metadata: { name: 'a'.repeat(64) },
      spec: { template: { spec: { containers: [container] } } },
    };
    applyDefaults(schema, object);
    assert.deepEqual(evaluateRules(schema, object, { ...object, status: {} }), []);
  });

  test('the example of docs/services.md is one', () => {
    const page = readFileSync(join(root, 'docs', 'services.md'), 'utf8');
    const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const object = parse(text) as { readonly kind?: string };
    assert.equal(object.kind, 'Service');
    applyDefaults(schema, object);
    assert.deepEqual(validateSchema(schema, object, ''), []);
    assert.deepEqual(evaluateRules(schema, object, undefined), []);
  });
});
