import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '#controllers/service/types.ts';
import { specOf } from './compose-fixture.ts';

type Container = ServiceSpec['template']['spec']['containers'][number];

/** Lines of the service `a`, and what of its container comes of them. */
const CONTAINERS: readonly (readonly [lines: string, container: Partial<Container>])[] = [
  [`command: echo "a b" 'c'`, { args: ['echo', 'a b', 'c'] }],
  ['command: [echo, "a b"]', { args: ['echo', 'a b'] }],
  ['entrypoint: /start --now', { command: ['/start', '--now'] }],
  ['entrypoint: ""\ncommand: a b', { command: ['a', 'b'] }],
  ['entrypoint: [""]\ncommand: [a]', { command: ['a'] }],
  ['command: [sh, -c, "echo $$(date) $$HOME"]', { args: ['sh', '-c', 'echo $$(date) $$HOME'] }],
  ['command: [echo, "$$HOME"]', { args: ['echo', '$HOME'] }],
  ['working_dir: /app', { workingDir: '/app' }],
  [
    'environment: {A: 1.10, B: no, C: 0440, D: "", E: , GIVEN: }',
    {
      env: [
        { name: 'A', value: '1.10' },
        { name: 'B', value: 'no' },
        { name: 'C', value: '0440' },
        { name: 'D', value: '' },
        { name: 'GIVEN', value: 'here' },
      ],
    },
  ],
  ['environment: [A=b=c, GONE, "=x"]', { env: [{ name: 'A', value: 'b=c' }] }],
  [
    'environment: {A: over}\nenv_file: a.env',
    {
      env: [
        { name: 'A', value: 'over' },
        { name: 'B', value: 'two words' },
      ],
    },
  ],
  ['env_file: [{path: none.env, required: false}]', {}],
  [
    'ports: ["8080:80", "127.0.0.1:53:5353/udp"]\nexpose: ["80", "9000"]',
    {
      ports: [
        { containerPort: 80, protocol: 'TCP' },
        { containerPort: 5353, protocol: 'UDP', hostPort: 53, hostIP: '127.0.0.1' },
        { containerPort: 9000, protocol: 'TCP' },
      ],
    },
  ],
  ['pull_policy: always', { imagePullPolicy: 'Always' }],
  ['pull_policy: never', { imagePullPolicy: 'Never' }],
  ['user: "1000:50"', { securityContext: { runAsUser: 1000, runAsGroup: 50 } }],
  [
    'user: root\nprivileged: true\nread_only: yes\ncap_add: [NET_ADMIN]\ncap_drop: [CAP_CHOWN, all]',
    {
      securityContext: {
        runAsUser: 0,
        privileged: true,
        readOnlyRootFilesystem: true,
        capabilities: { add: ['NET_ADMIN'], drop: ['CHOWN', 'ALL'] },
      },
    },
  ],
  [
    'security_opt: ["no-new-privileges:true"]\ntty: true\nstdin_open: true',
    { securityContext: { allowPrivilegeEscalation: false }, tty: true, stdin: true },
  ],
  [
    'deploy: {resources: {limits: {cpus: "0.5", memory: 512M}, reservations: {memory: 64mb}}}',
    {
      resources: {
        limits: { cpu: '500m', memory: '512Mi' },
        requests: { cpu: '0', memory: '64Mi' },
      },
    },
  ],
  [
    'mem_limit: 1g\ncpus: 2',
    { resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '0', memory: '0' } } },
  ],
  [
    'healthcheck: {test: [CMD, curl, -f, localhost], interval: 10s, timeout: 1m, retries: 5}',
    {
      readinessProbe: {
        exec: { command: ['curl', '-f', 'localhost'] },
        periodSeconds: 10,
        timeoutSeconds: 60,
        failureThreshold: 5,
      },
      livenessProbe: {
        exec: { command: ['curl', '-f', 'localhost'] },
        periodSeconds: 10,
        timeoutSeconds: 60,
        failureThreshold: 5,
      },
    },
  ],
  [
    'healthcheck: {test: exit 0, interval: 10s, start_period: 20s, start_interval: 2s}',
    {
      startupProbe: {
        exec: { command: ['/bin/sh', '-c', 'exit 0'] },
        periodSeconds: 2,
        timeoutSeconds: 30,
        failureThreshold: 25,
      },
      readinessProbe: {
        exec: { command: ['/bin/sh', '-c', 'exit 0'] },
        periodSeconds: 10,
        timeoutSeconds: 30,
        failureThreshold: 3,
      },
      livenessProbe: {
        exec: { command: ['/bin/sh', '-c', 'exit 0'] },
        periodSeconds: 10,
        timeoutSeconds: 30,
        failureThreshold: 3,
      },
    },
  ],
  ['healthcheck: {test: [NONE]}', {}],
  ['healthcheck: {disable: true, test: x}', {}],
];

for (const [lines, wanted] of CONTAINERS) {
  test(`container of ${lines.replaceAll('\n', '; ')}`, () => {
    const { containers } = specOf(lines).template.spec;
    const usual = { name: 'a', image: 'nginx', imagePullPolicy: 'IfNotPresent' };
    assert.deepEqual(containers, [{ ...usual, ...wanted }]);
  });
}
