import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expand } from '#controllers/agent/environment.ts';
import type { ServiceSpec } from '#controllers/service/types.ts';
import { ManifestError } from '../apply/manifest.ts';
import { composeOf, specOf } from './compose-fixture.ts';
import { isCompose } from './document.ts';
import { literal } from '../spec/container-of-spec.ts';
import { dnsLabel } from '../spec/dns-label.ts';

/** Lines of the service `a`, and what of its spec comes of them. */
const SPECS: readonly (readonly [lines: string, spec: object])[] = [
  ['scale: 3', { replicas: 3 }],
  ['deploy: {replicas: 0}', { replicas: 0 }],
  ['deploy: {replicas: "${N:-4}"}', { replicas: 4 }],
  ['deploy: {mode: global}', { mode: 'Global' }],
  ['ports: ["8080:80"]', { ingress: [{ port: 8080, targetPort: 80, protocol: 'TCP' }] }],
  [
    'ports: [8000-8001:9000-9001/udp]',
    {
      ingress: [
        { port: 8000, targetPort: 9000, protocol: 'UDP' },
        { port: 8001, targetPort: 9001, protocol: 'UDP' },
      ],
    },
  ],
  [
    'ports: [{target: 80, published: "8080", app_protocol: http}]',
    { ingress: [{ port: 8080, targetPort: 80, protocol: 'HTTP' }] },
  ],
  ['ports: [{target: 80, published: 8080, mode: host}]', {}],
  [
    'x-ports: [app.example.com:80/https, 9000:9000/tcp]',
    {
      ingress: [
        { port: 443, targetPort: 80, protocol: 'HTTPS', host: 'app.example.com' },
        { port: 9000, targetPort: 9000, protocol: 'TCP' },
        { port: 443, targetPort: 80, protocol: 'HTTPS', host: 'a.internal' },
      ],
    },
  ],
  ['x-machines: a, b', { placement: { nodes: ['a', 'b'] } }],
  ['x-placement: {nodes: [a]}', { placement: { nodes: ['a'] } }],
  ['volumes: ["data_1:/data:ro"]', { volumes: [{ name: dnsLabel('data_1') }] }],
  ['volumes: ["shared:/data"]', { volumes: [{ name: 'shared', claimName: 'other' }] }],
  ['volumes: ["there:/data"]', { volumes: [{ name: 'there', external: true }] }],
  [
    'volumes: ["driven:/data"]',
    { volumes: [{ name: 'driven', driver: { name: 'local', options: { type: 'nfs' } } }] },
  ],
  [
    'configs: [app.conf]',
    {
      configs: [{ name: dnsLabel('app.conf'), content: 'x=1\n', mounts: [{ path: '/app.conf' }] }],
    },
  ],
  [
    'configs: [{source: binary, target: /b, mode: 0440, uid: "1", gid: "2"}]',
    {
      configs: [
        {
          name: 'binary',
          binaryContent: '/wA=',
          mounts: [{ path: '/b', mode: 0o440, uid: 1, gid: 2 }],
        },
      ],
    },
  ],
  [
    'secrets: [token, {source: token, target: again}]',
    {
      secrets: [
        {
          name: 'token',
          secretName: 'token',
          key: 'value',
          mounts: [{ path: '/run/secrets/token' }, { path: '/run/secrets/again' }],
        },
      ],
    },
  ],
  [
    'deploy: {update_config: {parallelism: 0, delay: 90s, failure_action: rollback, max_failure_ratio: 0.25, monitor: 500ms}}',
    {
      updateStrategy: {
        maxParallel: 2_147_483_647,
        delay: '1m30s',
        monitorPeriod: '500ms',
        failureAction: 'Rollback',
        maxFailureRatio: 0.25,
      },
    },
  ],
  [
    'logging: {driver: json-file, options: {max-size: 10m}}\ninit: true\nshm_size: 64m\nstop_signal: SIGQUIT',
    {
      engine: {
        logDriver: { name: 'json-file', options: { 'max-size': '10m' } },
        init: true,
        sharedMemory: '64Mi',
        stopSignal: 'SIGQUIT',
      },
    },
  ],
  ['healthcheck: {test: NONE}', { engine: { imageHealthCheck: false } }],
  ['healthcheck: {test: [NONE], interval: 5s}', { engine: { imageHealthCheck: false } }],
  ['healthcheck: {disable: true, test: x}', { engine: { imageHealthCheck: false } }],
  ['healthcheck: {disable: false, test: x}', {}],
  [
    'ulimits: {nproc: 65535}\ndevices: ["/dev/a:/dev/b:r", "/dev/c:w"]',
    {
      engine: {
        ulimits: [{ name: 'nproc', soft: 65_535, hard: 65_535 }],
        devices: [
          { hostPath: '/dev/a', containerPath: '/dev/b', permissions: 'r' },
          { hostPath: '/dev/c', containerPath: '/dev/c', permissions: 'w' },
        ],
      },
    },
  ],
  [
    'devices: [/dev/a, vendor.com/class=one, vendor.com/class=two]\ngpus: [{count: 2, capabilities: [utility]}, {device_ids: ["0"], capabilities: [gpu]}]',
    {
      engine: {
        devices: [{ hostPath: '/dev/a', containerPath: '/dev/a', permissions: 'rwm' }],
        deviceRequests: [
          { driver: 'cdi', deviceIDs: ['vendor.com/class=one', 'vendor.com/class=two'] },
          { count: 2, capabilities: [['utility', 'gpu']] },
          { deviceIDs: ['0'], capabilities: [['gpu']] },
        ],
      },
    },
  ],
  [
    'deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu, compute]}]}}}',
    {
      engine: {
        deviceRequests: [{ driver: 'nvidia', count: 2, capabilities: [['gpu', 'compute']] }],
      },
    },
  ],
  [
    'entrypoint: /start\nx-post_deploy: {command: check --all}',
    { hooks: { postDeploy: { command: ['/start'], args: ['check', '--all'] } } },
  ],
  [
    'entrypoint: ""\ncommand: x\nx-pre_deploy: {command: migrate up, timeout: 30s}',
    { hooks: { preDeploy: { command: ['migrate', 'up'], timeout: '30s' } } },
  ],
  [
    'entrypoint: /start\nx-pre_deploy: {entrypoint: sh, command: [-c, migrate]}',
    { hooks: { preDeploy: { command: ['sh'], args: ['-c', 'migrate'] } } },
  ],
  ['user: postgres', { engine: { user: 'postgres' } }],
  ['depends_on: {b: {condition: service_healthy}}', { dependsOn: ['b'] }],
];

for (const [lines, wanted] of SPECS) {
  test(`spec of ${lines.replaceAll('\n', '; ')}`, () => {
    const { template: _template, replicas, ...spec } = specOf(lines);
    const isSized = Object.hasOwn(wanted, 'replicas');
    assert.deepEqual(isSized ? { replicas, ...spec } : spec, wanted);
  });
}

test('what is of the Pod is there: volumes, network, names, labels, where it runs', () => {
  const { template } = specOf(
    [
      'volumes:',
      '  - /srv:/srv',
      '  - {type: bind, source: /srv, target: /again, read_only: true, bind: {propagation: rslave}}',
      '  - /anonymous',
      '  - {type: tmpfs, target: /fast, tmpfs: {size: 64m}}',
      '  - {type: volume, source: shared, target: /part, volume: {subpath: x}}',
      'tmpfs: [/run]',
      'pid: host',
      'network_mode: host',
      'sysctls: {net.core.somaxconn: 1024}',
      'group_add: [44]',
      'stop_grace_period: 1m',
      'hostname: named',
      'extra_hosts: ["one=10.0.0.1", "two:10.0.0.1", "six=[::1]"]',
      'labels: {plain: word, "traefik.rule": "Host(`x`)"}',
      'annotations: {note: some words}',
      'platform: linux/arm64',
      'deploy: {placement: {constraints: [node.labels.disk==ssd, "node.hostname != m1"]}}',
    ].join('\n'),
  );
  const { containers, ...pod } = template.spec;
  assert.deepEqual(containers[0]?.volumeMounts, [
    { name: 'bind-1', mountPath: '/srv' },
    { name: 'bind-1', mountPath: '/again', readOnly: true, mountPropagation: 'HostToContainer' },
    { name: 'volume-1', mountPath: '/anonymous' },
    { name: 'tmpfs-1', mountPath: '/fast' },
    { name: 'shared', mountPath: '/part', subPath: 'x' },
    { name: 'tmpfs-2', mountPath: '/run' },
  ]);
  assert.deepEqual(template.metadata, {
    labels: { plain: 'word' },
    annotations: { 'traefik.rule': 'Host(`x`)', note: 'some words' },
  });
  assert.deepEqual(pod, {
    hostname: 'named',
    terminationGracePeriodSeconds: 60,
    hostAliases: [
      { ip: '10.0.0.1', hostnames: ['one', 'two'] },
      { ip: '::1', hostnames: ['six'] },
    ],
    hostPID: true,
    hostNetwork: true,
    securityContext: {
      sysctls: [{ name: 'net.core.somaxconn', value: '1024' }],
      supplementalGroups: [44],
    },
    nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64' },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'disk', operator: 'In', values: ['ssd'] },
                { key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['m1'] },
              ],
            },
          ],
        },
      },
    },
    volumes: [
      { name: 'bind-1', hostPath: { path: '/srv' } },
      { name: 'volume-1', emptyDir: {} },
      { name: 'tmpfs-1', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
      { name: 'tmpfs-2', emptyDir: { medium: 'Memory' } },
    ],
  });
});

const project = `
name: shop
x-common: &common
  image: "\${IMAGE:-nginx}"
  environment: &env {LEVEL: info}
services:
  web:
    <<: *common
    depends_on: [api]
    environment: {<<: *env, PASSWORD: secret://token, OWN: x}
  api:
    <<: *common
    depends_on: {db: {condition: service_started}, cache: {condition: service_healthy, required: false}}
  db: {image: postgres, secrets: [token]}
  debug: {image: busybox, profiles: [tools]}
secrets:
  token: {environment: TOKEN}
  unused: {file: not-there}
`;
const names = ({ manifests }: ReturnType<typeof composeOf>): readonly string[] =>
  manifests.map(({ object }) => `${object.kind}/${object.metadata.name}`);

test('a project: secrets first, services after what they need, merge keys, profiles, a selection', () => {
  const whole = composeOf(project);
  assert.equal(whole.name, 'shop');
  assert.deepEqual(names(whole), ['Secret/token', 'Service/db', 'Service/api', 'Service/web']);
  assert.deepEqual(whole.warnings, []);
  assert.deepEqual(whole.manifests[0]?.object['data'], { value: 'Z2VoZWlt' });
  const web = whole.manifests[3];
  assert.equal(web?.line, 7);
  const { dependsOn, template } = (web?.object['spec'] ?? {}) as Partial<ServiceSpec>;
  assert.deepEqual(dependsOn, ['api']);
  assert.deepEqual(template?.spec.containers[0]?.env, [
    { name: 'LEVEL', value: 'info' },
    { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'token', key: 'value' } } },
    { name: 'OWN', value: 'x' },
  ]);
  assert.deepEqual(names(composeOf(project, { services: ['api'] })), [
    'Secret/token',
    'Service/db',
    'Service/api',
  ]);
  assert.deepEqual(names(composeOf(project, { services: ['debug'] })), ['Service/debug']);
  assert.ok(names(composeOf(project, { profiles: ['tools'] })).includes('Service/debug'));
  assert.ok(names(composeOf(project, { profiles: ['*'] })).includes('Service/debug'));
  assert.deepEqual(whole.declared, [
    'Service/web',
    'Service/api',
    'Service/db',
    'Service/debug',
    'Secret/token',
    'Secret/unused',
  ]);
});

test('isCompose() tells Compose files from manifests, and from nonsense', () => {
  assert.ok(isCompose('services: {}'));
  assert.ok(isCompose('# a comment\nname: x\nservices:\n  web: {image: nginx}\n'));
  assert.ok(isCompose('{"services": {}}'));
  for (const text of [
    '',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: services}\ndata: {services: ""}\n',
    'apiVersion: v1\nservices: {}',
    'data:\n  services:\n    a: b\n',
    '- services: {}',
    '"services:',
    'a: b',
    '\n'.repeat(3_000_000),
    `{${'{ '.repeat(500_000)}`,
  ])
    assert.equal(isCompose(text), false, text.slice(0, 60));
});

test('literal() keeps a text as it is when a Pod replaces its references', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' ', '{') });
  fc.assert(
    fc.property(text, (one) => {
      assert.equal(expand(literal(one), { A: 'replaced' }), one);
    }),
  );
});

test('readCompose() answers whatever it is given with a project or a ManifestError', () => {
  const key = fc.constantFrom(
    ...'image command ports volumes environment deploy healthcheck build secrets configs depends_on x-ports'.split(
      ' ',
    ),
    ...'replicas target source test devices labels networks ulimits gpus restart user file content'.split(
      ' ',
    ),
  );
  const { tree } = fc.letrec<{ readonly tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('nginx', 'a', '80:80', '', null, 1, true, '/x:/y', '${A', '5s'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const service = fc.dictionary(key, tree, { maxKeys: 6 });
  const whole = fc.record({
    services: fc.dictionary(fc.constantFrom('a', 'b', 'A_b', '__proto__'), service),
    volumes: tree,
    secrets: tree,
    configs: tree,
  });
  fc.assert(
    fc.property(fc.oneof(whole, tree), (value) => {
      try {
        const { manifests } = composeOf(JSON.stringify(value));
        for (const { object } of manifests) assert.equal(typeof object.metadata.name, 'string');
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error;
        assert.match(error.message, /^compose\.yaml/);
      }
    }),
    { numRuns: 1_000 },
  );
});
