// Pods on a real Docker Engine with everything that one may ask for: a private registry, two containers with one network, engine
// options, a volume with a driver, file owners, the health check of an image, resources that change in place.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf } from '../support/command.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = (await missingForEngine()) ?? (await missingForRegistry()) ?? missingKubectl();

interface PodObject {
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly restartCount: number;
      readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
      readonly state: { readonly waiting?: { readonly reason: string; readonly message: string } };
    }[];
  };
}

test(
  'a Pod in Docker is pulled with its secret, shares what it should, and changes its resources in place',
  needs(missing),
  async (t) => {
    const folder = tempDir();
    const engine = await startEngine();
    t.after(() => engine.close());
    const registry = await startRegistry('ann:hidden-word');
    t.after(() => registry.close());
    const config = join(folder, 'docker-config');
    mkdirSync(config);
    const docker = (...args: readonly string[]): Promise<string> =>
      outputOf('docker', ['-H', engine.host, '--config', config, ...args]);
    const image = `${registry.address}/team/checked:1`;
    const made = (await docker('create', TEST_IMAGE, 'true')).trim();
    // Until it has begun to serve a failure does not count: it would be started anew.
    const check = 'HEALTHCHECK --start-period=10m --interval=1s --retries=1 CMD cat /tmp/healthy';
    await docker('commit', '--change', check, made, image);
    await docker('rm', made);
    await docker('login', '-u', 'ann', '-p', 'hidden-word', registry.address);
    await docker('push', '-q', image);
    await docker('rmi', image);
    const environment = { DOCKER_HOST: engine.host, DOCKER_CONFIG: join(folder, 'none') };
    const windlass = await startWindlass(t, {
      dataDir: join(folder, 'data'),
      args: ['--runtime', 'docker'],
      env: environment,
    });
    const kubectl = new Kubectl(windlass.kubeconfig, folder);
    const read = (): Promise<PodObject> => kubectl.json<PodObject>(['get', 'pod', 'web']);
    const execIn = (container: string, ...command: readonly string[]): Promise<string> =>
      kubectl.ok(['exec', 'web', '-c', container, '--', ...command]);

    await kubectl.apply(JSON.stringify(podManifest(image)));
    await eventually('it says why it cannot be pulled', async () => {
      const [main] = (await read()).status.containerStatuses ?? [];
      assert.match(main?.state.waiting?.reason ?? '', /^(ErrImagePull|ImagePullBackOff)$/);
      assert.match(main?.state.waiting?.message ?? '', /basic auth|unauthorized/);
    });
    const login = ['--docker-username=ann', '--docker-password=hidden-word'];
    const server = `--docker-server=${registry.address}`;
    await kubectl.ok(['create', 'secret', 'docker-registry', 'pull', server, ...login]);
    await eventually('it runs, and is not healthy yet', async () => {
      const status = await kubectl.ok(['get', 'pod', 'web', '-o', 'wide', '--no-headers']);
      assert.match(status, /web +1\/2 +Running/);
    });
    await execIn('main', 'touch', '/tmp/healthy');
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=120s']);
    await kubectl.apply(JSON.stringify(uncheckedManifest(image)));
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/unchecked', '--timeout=120s']);

    const { podIP = '' } = (await read()).status;
    assert.match(podIP, /^172\.30\./);
    assert.equal((await execIn('main', 'env')).match(/^POD_IP=(.*)$/m)?.[1], podIP);
    assert.equal(await execIn('main', 'nc', '127.0.0.1', '8000'), 'hello\n');
    assert.equal(await execIn('main', 'stat', '-c', '%u:%g %a', '/config/key'), '1234:4321 440\n');
    assert.match(await execIn('main', 'cat', '/proc/mounts'), /tmpfs \/data tmpfs .*size=1024k/);
    // The hard limit: runc before 1.1.13 races with the soft one of an exec (opencontainers/runc#4195).
    assert.equal(await execIn('main', 'sh', '-c', 'ulimit -Hn'), '456\n');
    const events = await kubectl.ok(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
    assert.match(events, /Successfully pulled image/);
    assert.ok(!events.includes('hidden-word') && !windlass.output.includes('hidden-word'));

    const containers = [{ name: 'main', resources: { limits: { cpu: '1', memory: '96Mi' } } }];
    // The API itself: kubectl knows --subresource=resize only from 1.32 on.
    const patch = JSON.stringify({ spec: { containers } });
    const access = new KubeConfig();
    access.loadFromFile(windlass.kubeconfig);
    await access
      .makeApiClient(CoreV1Api)
      .patchNamespacedPodResize(
        { name: 'web', namespace: 'default', body: JSON.parse(patch) as object },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      );
    await eventually('it has the new resources', async () => {
      const { conditions = [], containerStatuses = [] } = (await read()).status;
      const main = containerStatuses.find(({ name }) => name === 'main');
      assert.deepEqual(main?.resources?.limits, { cpu: '1', memory: '96Mi' });
      assert.equal(main.restartCount, 0);
      assert.ok(conditions.every(({ type }) => !type.startsWith('PodResize')));
    });
    const id = (await docker('ps', '-q', '--filter', 'label=windlass.dev/container=main')).trim();
    const ulimits = '{{range .HostConfig.Ulimits}}{{.Name}} {{.Soft}} {{.Hard}}{{end}}';
    const format = `{{.HostConfig.CpuQuota}} {{.HostConfig.Memory}} ${ulimits}`;
    const inspected = (await docker('inspect', '-f', format, id)).trim();
    assert.equal(inspected, `100000 ${96 << 20} nofile 123 456`);

    await kubectl.ok(['delete', 'pod', 'web', 'unchecked', '--timeout=120s']);
    await eventually('nothing of it is left but its volume', async () => {
      assert.equal((await docker('ps', '-aq')).trim(), '');
    });
    assert.equal((await docker('volume', 'ls', '-q')).trim(), 'windlass_default_data');
    await docker('volume', 'rm', 'windlass_default_data');
  },
);

/** Its image has a health check, which fails. */
function uncheckedManifest(image: string): object {
  const annotations = { 'windlass.dev/engine': JSON.stringify({ imageHealthCheck: false }) };
  const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'unchecked', annotations },
    spec: { containers: [{ name: 'unchecked', image, command }] },
  };
}

function podManifest(image: string): object {
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };
  const annotations = {
    'windlass.dev/engine': JSON.stringify({
      ulimits: [{ name: 'nofile', soft: 123, hard: 456 }],
    }),
    'windlass.dev/file-owners': JSON.stringify({ config: { uid: 1234, gid: 4321 } }),
  };
  const trap = 'trap "exit 0" TERM; ';
  const podIP = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };
  const items = [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config' },
      data: { key: 'value' },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: 'data',
        annotations: { 'windlass.dev/volume-driver': JSON.stringify({ name: 'local', options }) },
      },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', annotations },
      spec: {
        imagePullSecrets: [{ name: 'pull' }],
        terminationGracePeriodSeconds: 5,
        containers: [
          {
            name: 'main',
            image,
            command: ['sh', '-c', `${trap}while :; do sleep 0.1; done`],
            env: [podIP],
            resources: { limits: { cpu: '500m', memory: '64Mi' } },
            volumeMounts: [
              { name: 'config', mountPath: '/config' },
              { name: 'data', mountPath: '/data' },
            ],
          },
          {
            name: 'server',
            image: TEST_IMAGE,
            imagePullPolicy: 'Never',
            command: ['sh', '-c', `${trap}while :; do echo hello | nc -l -p 8000; done`],
            readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
          },
        ],
        volumes: [
          { name: 'config', configMap: { name: 'config', defaultMode: 0o440 } },
          { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        ],
      },
    },
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}
