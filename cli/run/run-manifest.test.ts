import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { runManifest } from './run-manifest.ts';
import type { RunRequest } from './run-manifest.ts';
import { randomSuffix, serviceNameOf } from './service-name.ts';
import { parseVolume } from './volume-text.ts';

function request(change: Partial<RunRequest> = {}): RunRequest {
  return {
    name: 'web',
    namespace: 'default',
    image: 'nginx',
    command: [],
    entrypoint: undefined,
    mode: 'replicated',
    replicas: undefined,
    machines: [],
    ports: [],
    clusterDomain: undefined,
    volumes: [],
    configs: [],
    secrets: [],
    env: [],
    environment: { HERE: 'a value' },
    user: undefined,
    privileged: false,
    cpu: undefined,
    memory: undefined,
    pull: 'missing',
    readFile: (path) => {
      if (path === 'gone') throw new Error('gone cannot be read');
      return path === 'binary' ? Buffer.from([255]) : Buffer.from('text');
    },
    ...change,
  };
}

const container = (change: Partial<RunRequest>): object | undefined =>
  runManifest(request(change)).spec.template.spec.containers[0];

const usual = { name: 'web', image: 'nginx', imagePullPolicy: 'IfNotPresent' };

test('runManifest() writes no more than was asked for', () => {
  assert.deepEqual(runManifest(request()), {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      mode: 'Replicated',
      replicas: 1,
      template: { spec: { containers: [usual], terminationGracePeriodSeconds: 10 } },
    },
  });
});

test('runManifest() says ports, volumes, variables and the command as a Service has them', () => {
  const { spec } = runManifest(
    request({
      ports: ['8080:80', '443:80/tcp', '9000', '127.0.0.1:53:5353/udp@host'],
      volumes: ['data:/data', '/srv:/srv:ro', 'data:/again'],
      env: ['A=b=c', 'EMPTY=', 'HERE', 'LITERAL=$(A)'],
      command: ['sleep', '1'],
    }),
  );
  assert.deepEqual(spec.ingress, [
    { port: 8080, targetPort: 80, protocol: 'TCP' },
    { port: 443, targetPort: 80, protocol: 'TCP' },
    { port: 9000, targetPort: 9000, protocol: 'TCP' },
  ]);
  assert.deepEqual(spec.volumes, [{ name: 'data' }]);
  assert.deepEqual(spec.template.spec.volumes, [{ name: 'folder-2', hostPath: { path: '/srv' } }]);
  assert.deepEqual(spec.template.spec.containers, [
    {
      ...usual,
      command: ['sleep', '1'],
      env: [
        { name: 'A', value: 'b=c' },
        { name: 'EMPTY', value: '' },
        { name: 'HERE', value: 'a value' },
        { name: 'LITERAL', value: '$$(A)' },
      ],
      ports: [
        { containerPort: 80, protocol: 'TCP' },
        { containerPort: 9000, protocol: 'TCP' },
        { containerPort: 5353, protocol: 'UDP', hostPort: 53, hostIP: '127.0.0.1' },
      ],
      volumeMounts: [
        { name: 'data', mountPath: '/data' },
        { name: 'folder-2', mountPath: '/srv', readOnly: true },
        { name: 'data', mountPath: '/again' },
      ],
    },
  ]);
});

test('runManifest() puts hostnames, HTTP, HTTPS and UDP into the ingress', () => {
  const ingress = (ports: readonly string[], clusterDomain?: string): unknown =>
    runManifest(request({ ports, clusterDomain })).spec.ingress;
  assert.deepEqual(ingress(['App.example.com:8000', '80:8000/http', '53:53/udp']), [
    { port: 443, targetPort: 8000, protocol: 'HTTPS', host: 'app.example.com' },
    { port: 80, targetPort: 8000, protocol: 'HTTP' },
    { port: 53, targetPort: 53, protocol: 'UDP' },
  ]);
  assert.deepEqual(ingress(['a.com:80/https', 'b.com:80/https'], 'internal'), [
    { port: 443, targetPort: 80, protocol: 'HTTPS', host: 'a.com' },
    { port: 443, targetPort: 80, protocol: 'HTTPS', host: 'b.com' },
    { port: 443, targetPort: 80, protocol: 'HTTPS', host: 'web.internal' },
  ]);
});

test('runManifest() says who runs it, how much it may use, where, and with which files', () => {
  assert.deepEqual(container({ entrypoint: '/start', command: ['--now'] }), {
    ...usual,
    command: ['/start'],
    args: ['--now'],
  });
  assert.deepEqual(
    container({ user: '5:6', privileged: true, cpu: '.5', memory: '64m', pull: 'always' }),
    {
      ...usual,
      imagePullPolicy: 'Always',
      resources: { limits: { cpu: '500m', memory: '67108864' } },
      securityContext: { privileged: true, runAsUser: 5, runAsGroup: 6 },
    },
  );
  const { spec } = runManifest(
    request({
      mode: 'global',
      machines: ['m1', 'm2'],
      user: 'postgres',
      configs: ['a.conf:/etc/a.conf', 'binary:/b'],
      secrets: ['token', 'db/password:/etc/password'],
    }),
  );
  assert.deepEqual([spec.mode, spec.replicas], ['Global', undefined]);
  assert.throws(
    () => runManifest(request({ mode: 'global', replicas: 3 })),
    /^UsageError: --replicas 3 does not go with --mode global/,
  );
  assert.deepEqual(spec.placement, { nodes: ['m1', 'm2'] });
  assert.deepEqual(spec.engine, { user: 'postgres' });
  assert.deepEqual(
    spec.configs?.map(({ content, binaryContent, mounts }) => [
      content ?? binaryContent,
      mounts?.[0]?.path,
    ]),
    [
      ['text', '/etc/a.conf'],
      ['/w==', '/b'],
    ],
  );
  assert.deepEqual(spec.secrets, [
    { name: 'token', secretName: 'token', key: 'token', mounts: [{ path: '/run/secrets/token' }] },
    {
      name: 'db-password',
      secretName: 'db',
      key: 'password',
      mounts: [{ path: '/etc/password' }],
    },
  ]);
});

const REFUSED: readonly (readonly [change: Partial<RunRequest>, why: RegExp])[] = [
  [{ ports: ['10.0.0.0/8:80:80@host'] }, /CIDR cannot be bound: .*; name one IP/],
  [{ ports: ['80/https'], clusterDomain: '' }, /cluster domain must be reserved/],
  [{ cpu: 'lots' }, /--cpu must be a number of cores such as 0\.5 or 2, found "lots"/],
  [{ cpu: '0' }, /--cpu must be/],
  [{ memory: '1 pound' }, /--memory must be a size such as 512m/],
  [{ configs: ['a.conf'] }, /--mount-config a\.conf: write it as FILE:PATH/],
  [{ configs: ['a.conf:b'] }, /'b', must be absolute/],
  [{ configs: ['gone:/b'] }, /--mount-config gone:\/b: gone cannot be read/],
  [{ configs: ['a:/b', 'c:/b'] }, /--mount-config: b is given twice/],
  [{ secrets: ['A B'] }, /--secret A B: write it as NAME\[\/KEY\]\[:PATH\]/],
  [{ secrets: ['a:b'] }, /'b', must be absolute/],
  [{ ports: ['80:80', '80:81'] }, /port 80\/tcp of the machine is published by 80:80\/tcp already/],
  [{ ports: ['80:80@host', '127.0.0.1:80:81@host'] }, /published by 80:80\/tcp@host already/],
  [{ env: ['=x'] }, /--env "": write it as NAME=VALUE/],
  [{ env: ['GONE'] }, /--env GONE: it has no value here/],
  [{ name: 'My_App' }, /--name "My_App" must be up to 63/],
  [{ volumes: ['data'] }, /volume data: write it as NAME:PATH/],
  [{ volumes: ['./data:/data'] }, /'\.\/data' is relative/],
];

for (const [change, why] of REFUSED) {
  test(`runManifest() refuses ${JSON.stringify(change)}`, () => {
    assert.throws(
      () => runManifest(request(change)),
      (error) => error instanceof UsageError && why.test(error.message),
    );
  });
}

test('runManifest() lets two addresses share a port of the machine, and TCP and UDP', () => {
  const ports = ['127.0.0.1:80:80@host', '127.0.0.2:80:80@host', '80:80/udp@host'];
  assert.doesNotThrow(() => runManifest(request({ ports })));
});

test('parseVolume() says what is wrong', () => {
  assert.throws(() => parseVolume('data:/data:x'), /invalid mode 'x'/);
  assert.throws(() => parseVolume('data:rel'), /must be absolute/);
  assert.throws(() => parseVolume('Data:/data'), /'Data' is no name/);
  assert.throws(() => parseVolume('a:/b:ro:c'), /write it as/);
});

const NAMES: readonly (readonly [image: string, name: string])[] = [
  ['nginx', 'nginx-k3x9'],
  ['nginx:1.27', 'nginx-k3x9'],
  ['ghcr.io/acme/my-api:1.2', 'my-api-k3x9'],
  ['localhost:5000/my_app@sha256:' + 'a'.repeat(64), 'my-app-k3x9'],
  ['acme/a.b__c', 'a-b-c-k3x9'],
  [`x/${'a'.repeat(57)}-b`, `${'a'.repeat(57)}-k3x9`],
  ['docker.io/library/nginx@sha256:' + 'a'.repeat(64), 'nginx-k3x9'],
  ['[::1]:5000/0__1', '0-1-k3x9'],
];

for (const [image, name] of NAMES) {
  test(`serviceNameOf() makes ${name} of ${image}`, () => {
    assert.equal(serviceNameOf(image, 'k3x9'), name);
    assert.match(name, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  });
}

test('serviceNameOf() refuses what is no image', () => {
  for (const image of [
    '',
    'UPPER',
    'a//b',
    'nginx:',
    'nginx:a:b',
    'a@b',
    'a@sha256:1',
    'a b',
    '-a',
  ])
    assert.throws(() => serviceNameOf(image, 'k3x9'), /^UsageError: invalid image/, image);
});

test('randomSuffix() fits at the end of a DNS label', () => {
  assert.match(randomSuffix(), /^[a-z0-9]{4}$/);
});
