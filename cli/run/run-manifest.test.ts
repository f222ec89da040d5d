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
    ports: [],
    volumes: [],
    env: [],
    environment: { HERE: 'a value' },
    replicas: 1,
    ...change,
  };
}

test('runManifest() writes no more than was asked for', () => {
  assert.deepEqual(runManifest(request()), {
    service: {
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 1, template: { spec: { containers: [{ name: 'web', image: 'nginx' }] } } },
    },
    claims: [],
  });
});

test('runManifest() says ports, volumes, variables and the command as a Service has them', () => {
  const { service, claims } = runManifest(
    request({
      ports: ['8080:80', '443:80/tcp', '9000', '127.0.0.1:53:5353/udp@host'],
      volumes: ['data:/data', '/srv:/srv:ro', 'data:/again'],
      env: ['A=b=c', 'EMPTY=', 'HERE'],
      command: ['sleep', '1'],
    }),
  );
  assert.deepEqual(claims, ['data']);
  assert.deepEqual(service.spec.ingress, [
    { port: 8080, targetPort: 80, protocol: 'TCP' },
    { port: 443, targetPort: 80, protocol: 'TCP' },
    { port: 9000, targetPort: 9000, protocol: 'TCP' },
  ]);
  assert.deepEqual(service.spec.template.spec, {
    containers: [
      {
        name: 'web',
        image: 'nginx',
        command: ['sleep', '1'],
        env: [
          { name: 'A', value: 'b=c' },
          { name: 'EMPTY', value: '' },
          { name: 'HERE', value: 'a value' },
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
    ],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'folder-2', hostPath: { path: '/srv' } },
    ],
  });
});

const REFUSED: readonly (readonly [change: Partial<RunRequest>, why: RegExp])[] = [
  [{ ports: ['app.example.com:80'] }, /hostname in the ingress is not supported yet; .* -p 80:80/],
  [{ ports: ['443:80/https'] }, /https in the ingress is not supported yet; .* -p 443:80/],
  [{ ports: ['53:53/udp'] }, /UDP in the ingress is not supported yet; .* -p 53:53\/udp@host/],
  [{ ports: ['10.0.0.0/8:80:80@host'] }, /CIDR is not supported yet; name one IP/],
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
