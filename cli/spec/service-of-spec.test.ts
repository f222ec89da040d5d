import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NeutralContainer, NeutralSpec } from './neutral-spec.ts';
import { serviceOfSpec } from './service-of-spec.ts';

function containerOf(fields: Partial<NeutralContainer>, more: Partial<NeutralSpec> = {}): unknown {
  const container = { image: 'nginx', ...fields };
  const { spec } = serviceOfSpec({ name: 'web', container, ...more }, 'default');
  return spec.template.spec.containers[0];
}

function specOf(more: Partial<NeutralSpec>): ReturnType<typeof serviceOfSpec>['spec'] {
  return serviceOfSpec({ name: 'web', container: { image: 'nginx' }, ...more }, 'default').spec;
}

test('the least that a spec can say', () => {
  assert.deepEqual(serviceOfSpec({ name: 'web', container: { image: 'nginx' } }, 'shop'), {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      mode: 'Replicated',
      replicas: 1,
      template: {
        spec: {
          containers: [{ name: 'web', image: 'nginx' }],
          terminationGracePeriodSeconds: 10,
        },
      },
    },
  });
});

test('a container with everything', () => {
  const container = containerOf({
    command: ['serve'],
    entrypoint: ['/init'],
    env: { B: '2 $(A)', A: '1', '': 'dropped' },
    user: '1000:1001',
    privileged: true,
    capAdd: ['NET_ADMIN'],
    capDrop: ['ALL'],
    pullPolicy: 'always',
    resources: { cpu: 1_500_000_000, memory: 104_857_600, memoryReservation: 52_428_800 },
    healthcheck: { test: ['CMD', 'check'], interval: '1s', retries: 2, startPeriod: '12s' },
  });
  const running = {
    exec: { command: ['check'] },
    periodSeconds: 1,
    timeoutSeconds: 30,
    failureThreshold: 2,
  };
  assert.deepEqual(container, {
    name: 'web',
    image: 'nginx',
    command: ['/init'],
    args: ['serve'],
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2 $$(A)' },
    ],
    imagePullPolicy: 'Always',
    resources: {
      limits: { cpu: '1500m', memory: '104857600' },
      requests: { memory: '52428800' },
    },
    securityContext: {
      privileged: true,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      runAsUser: 1000,
      runAsGroup: 1001,
    },
    readinessProbe: running,
    livenessProbe: running,
    startupProbe: {
      exec: { command: ['check'] },
      periodSeconds: 1,
      timeoutSeconds: 30,
      failureThreshold: 14,
    },
  });
});

test('an entrypoint that is taken away leaves the command as the program, in hooks too', () => {
  const container = { image: 'nginx', entrypoint: [''], command: ['serve', '-v'] };
  const { spec } = serviceOfSpec(
    { name: 'web', container, preDeploy: { command: ['migrate'] } },
    'default',
  );
  assert.deepEqual(spec.template.spec.containers[0]?.command, ['serve', '-v']);
  assert.deepEqual(spec.hooks, { preDeploy: { command: ['migrate'] } });
});

test('what a PodSpec has no word for goes to the engine', () => {
  const { engine } = specOf({
    container: {
      image: 'nginx',
      init: true,
      user: 'www:data',
      logDriver: { name: 'syslog', options: { tag: 'x' } },
      resources: {
        sharedMemory: 67_108_864,
        ulimits: { nproc: { soft: 1, hard: 2 }, nofile: { soft: 3, hard: 4 } },
        devices: [{ hostPath: '/dev/dri' }],
        deviceReservations: [{ count: -1, capabilities: [['gpu']] }],
      },
    },
  });
  assert.deepEqual(engine, {
    logDriver: { name: 'syslog', options: { tag: 'x' } },
    init: true,
    user: 'www:data',
    ulimits: [
      { name: 'nofile', soft: 3, hard: 4 },
      { name: 'nproc', soft: 1, hard: 2 },
    ],
    devices: [{ hostPath: '/dev/dri' }],
    deviceRequests: [{ count: -1, capabilities: [['gpu']] }],
    sharedMemory: 67_108_864,
  });
  assert.equal(
    specOf({ container: { image: 'nginx', logDriver: { name: 'local' } } }).engine,
    undefined,
  );
});

test('volumes: named ones beside the template, folders and memory in it', () => {
  const spec = specOf({
    container: {
      image: 'nginx',
      volumeMounts: [
        { volume: 'redis_data', path: '/data' },
        { volume: 'etc', path: '/etc/app', readOnly: true },
        { volume: 'scratch', path: '/tmp' },
        { volume: 'alias', path: '/alias' },
      ],
    },
    volumes: [
      { name: 'redis_data', type: 'volume', driverOpts: { type: 'nfs' }, subPath: 'db' },
      {
        name: 'etc',
        type: 'bind',
        hostPath: '/etc/app',
        createHostPath: true,
        propagation: 'rslave',
      },
      { name: 'scratch', type: 'tmpfs', sizeBytes: 1024 },
      { name: 'alias', type: 'volume', volumeName: 'real', external: true },
      { name: 'idle', type: 'bind', hostPath: '/idle' },
    ],
  });
  const [{ name } = { name: '' }] = spec.volumes ?? [];
  assert.match(name, /^redis-data-\w{5}$/);
  assert.deepEqual(spec.volumes, [
    { name, driver: { name: 'local', options: { type: 'nfs' } } },
    { name: 'alias', claimName: 'real', external: true },
  ]);
  assert.deepEqual(spec.template.spec.volumes, [
    { name: 'etc', hostPath: { path: '/etc/app', type: 'DirectoryOrCreate' } },
    { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1024' } },
  ]);
  assert.deepEqual(spec.template.spec.containers[0]?.volumeMounts, [
    { name, mountPath: '/data', subPath: 'db' },
    { name: 'etc', mountPath: '/etc/app', readOnly: true, mountPropagation: 'HostToContainer' },
    { name: 'scratch', mountPath: '/tmp' },
    { name: 'alias', mountPath: '/alias' },
  ]);
});

test('ports: the machine has its own in the template, the ingress beside it', () => {
  const ports = ['app.example.com:8080/https', '9000:80/http', '53:53/udp', '127.0.0.1:80:81@host'];
  const spec = specOf({ ports });
  assert.deepEqual(spec.ingress, [
    { port: 443, targetPort: 8080, protocol: 'HTTPS', host: 'app.example.com' },
    { port: 9000, targetPort: 80, protocol: 'HTTP' },
    { port: 53, targetPort: 53, protocol: 'UDP' },
  ]);
  assert.deepEqual(spec.template.spec.containers[0]?.ports, [
    { containerPort: 81, protocol: 'TCP', hostPort: 80, hostIP: '127.0.0.1' },
  ]);
  assert.throws(
    () => specOf({ ports: ['10.0.0.0/8:80:80@host'] }),
    /the addresses of a CIDR cannot be bound/,
  );
});

test('configs with their owners, the strategy, placement and hooks', () => {
  const spec = specOf({
    mode: 'global',
    replicas: 3,
    container: {
      image: 'nginx',
      configMounts: [{ config: 'app', path: '', uid: '7', gid: '8', mode: '0640' }],
    },
    configs: [
      { name: 'app', content: 'x' },
      { name: 'idle', content: 'y' },
    ],
    placement: { machines: ['n1'] },
    updateConfig: { order: 'stop-first', monitorPeriod: '1s' },
    preDeploy: { command: ['db'], env: { A: 'b' }, timeout: '2m', privileged: false, user: '0' },
  });
  const { mode, replicas, configs, placement, updateStrategy, hooks } = spec;
  assert.deepEqual(
    { mode, replicas, configs, placement, updateStrategy, hooks },
    {
      mode: 'Global',
      replicas: undefined,
      configs: [
        { name: 'app', content: 'x', mounts: [{ path: '/app', uid: 7, gid: 8, mode: 0o640 }] },
      ],
      placement: { nodes: ['n1'] },
      updateStrategy: { order: 'StopFirst', monitorPeriod: '1s' },
      hooks: {
        preDeploy: {
          args: ['db'],
          env: [{ name: 'A', value: 'b' }],
          timeout: '2m',
          securityContext: { privileged: false, runAsUser: 0 },
        },
      },
    },
  );
});
