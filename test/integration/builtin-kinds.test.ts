// What people type at kubectl about Kubernetes' own kinds, with the oldest and the newest kubectl at hand. Nothing here acts on
// most of them: it is about what is served, filled in, checked and shown.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { TestControlPlane } from '#test/support/control-plane.ts';
import { Kubectl, missingKubectl } from '#test/support/kubectl.ts';
import { oldestAndNewest } from '#test/support/kubectls.ts';
import { needs } from '#test/support/missing-part.ts';
import { tempDir } from '#test/support/temp-dir.ts';

const binaries = missingKubectl() === undefined ? oldestAndNewest() : [];

const GROUPS = [
  'admissionregistration.k8s.io/v1',
  'apiextensions.k8s.io/v1',
  'apiregistration.k8s.io/v1',
  'apps/v1',
  'autoscaling/v1',
  'autoscaling/v2',
  'batch/v1',
  'coordination.k8s.io/v1',
  'discovery.k8s.io/v1',
  'events.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'networking.k8s.io/v1',
  'node.k8s.io/v1',
  'policy/v1',
  'resource.k8s.io/v1',
  'scheduling.k8s.io/v1',
  'storage.k8s.io/v1',
  'storagemigration.k8s.io/v1',
  'v1',
];

suite('kubectl and the built-in kinds', needs(missingKubectl()), () => {
  let plane: TestControlPlane;
  const ends: (() => unknown)[] = [];

  before(async () => {
    plane = await TestControlPlane.start({
      after: (end) => {
        if (end !== undefined) ends.push(end as () => unknown);
      },
    });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  for (const binary of binaries) {
    const name = basename(binary);
    const namespace = name.replaceAll(/[^a-z0-9]+/g, '-');
    let env: NodeJS.ProcessEnv;
    const run = async (...args: readonly string[]): Promise<string> => {
      const result = await runCommand(binary, ['-n', namespace, ...args], { env });
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
      return result.stdout + result.stderr;
    };

    test(`${name} finds all groups and creates what it has commands for`, async () => {
      env = new Kubectl(plane.kubeconfig, tempDir()).environment;
      const versions = (await run('api-versions')).split('\n');
      for (const group of GROUPS) assert.ok(versions.includes(group), group);
      await run('create', 'namespace', namespace);
      const pods = await run('create', 'deployment', 'web', '--image=example.com/web:1');
      assert.match(pods, /Warning: nothing here acts on this Deployment yet/);
      assert.match(pods, /deployment.apps\/web created/);
      await run('create', 'job', 'once', '--image=example.com/once:1', '--', 'true');
      await run('create', 'cronjob', 'often', '--image=a', '--schedule=*/5 * * * *', '--', 'true');
      await run('create', 'job', 'now', '--from=cronjob/often');
      await run('create', 'ingress', 'front', '--rule=example.com/*=web:80');
      await run('create', 'quota', 'most', '--hard=pods=3,limits.cpu=1500m');
      await run('create', 'pdb', 'some', '--selector=app=web', '--min-available=1');
      await run('create', 'service', 'nodeport', 'outside', '--tcp=80:8080');
      assert.doesNotMatch(
        await run('create', 'configmap', 'plain', '--from-literal=a=b'),
        /Warning/,
      );
    });

    test(`${name} changes a Deployment in all the usual ways`, async () => {
      await run('set', 'image', 'deployment/web', 'web=example.com/web:2');
      await run('set', 'resources', 'deployment/web', '--limits=cpu=0.5,memory=64Mi');
      await run('scale', 'deployment/web', '--replicas=3');
      await run('expose', 'deployment/web', '--port=80', '--target-port=8080');
      await run('autoscale', 'deployment/web', '--min=1', '--max=4', '--cpu-percent=50');
      await run('rollout', 'restart', 'deployment/web');
      await run('rollout', 'pause', 'deployment/web');
      await run('label', 'deployment/web', 'tier=front');
      assert.match(await run('rollout', 'history', 'deployment/web'), /No rollout history found/);
      const spec = await run(
        'get',
        'deployment/web',
        '-o',
        'jsonpath={.spec.replicas} {.spec.paused} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].resources.limits.cpu} {.metadata.generation}',
      );
      assert.equal(spec, '3 true example.com/web:2 500m 6');
    });

    test(`${name} shows them with upstream's columns`, async () => {
      const shown = await run('get', 'all,ingress,quota,pdb', '-o', 'wide');
      for (const line of [
        /deployment\.apps\/web +0\/3 +0 +0 +\S+ +web +example\.com\/web:2 +app=web/,
        /service\/web +ClusterIP +10\.96\.\d+\.\d+ +<none> +80\/TCP +\S+ +app=web/,
        /service\/outside +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}\/TCP/,
        /horizontalpodautoscaler\.autoscaling\/web +Deployment\/web +(cpu: )?<unknown>\/50% +1 +4 +0/,
        /cronjob\.batch\/often +\*\/5 \* \* \* \* +<none> +False +0 +<none>/,
        /job\.batch\/once +Running +0\/1/,
        /ingress\.networking\.k8s\.io\/front +<none> +example\.com +80/,
        /poddisruptionbudget\.policy\/some +1 +N\/A +0/,
      ]) {
        assert.match(shown, line);
      }
      assert.match(await run('describe', 'deployment', 'web'), /RollingUpdateStrategy: +25% max/);
      assert.match(await run('describe', 'cronjob', 'often'), /Concurrency Policy: +Allow/);
      assert.match(await run('explain', 'cronjob.spec.schedule'), /FIELD: +schedule/);
      assert.match(await run('explain', 'hpa.spec.maxReplicas'), /maxReplicas/);
    });

    test(`${name} applies over what it applied, by the merge keys of each kind`, async () => {
      const manifest = (port: number): string =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'applied' },
          spec: {
            ports: [
              { name: 'a', port },
              { name: 'b', port: 81 },
            ],
          },
        });
      const apply = async (port: number): Promise<string> => {
        const args = ['-n', namespace, 'apply', '-f', '-'];
        const result = await runCommand(binary, args, { env, input: manifest(port) });
        assert.equal(result.code, 0, result.stderr);
        return result.stdout;
      };
      assert.match(await apply(80), /created/);
      assert.match(await apply(80), /unchanged/);
      assert.match(await apply(82), /configured/);
      const ports = await run('get', 'svc/applied', '-o', 'jsonpath={.spec.ports[*].port}');
      assert.equal(ports.split(' ').toSorted().join(' '), '81 82');
    });

    test(`${name} deletes them`, async () => {
      await run('delete', 'deployment,cronjob,ingress,quota,pdb,hpa,service', '--all');
      await run('delete', 'job', '--all', '--cascade=background');
      const left = await run('get', 'all');
      assert.match(left, /No resources found/);
    });
  }

  test('the v2 document is JSON to who asks for JSON, and has a definition per kind', async () => {
    const env = new Kubectl(plane.kubeconfig, tempDir()).environment;
    const [binary = ''] = binaries;
    const { stdout } = await runCommand(binary, ['get', '--raw', '/openapi/v2'], { env });
    const document = JSON.parse(stdout) as {
      readonly swagger: string;
      readonly definitions: Readonly<Record<string, unknown>>;
    };
    assert.equal(document.swagger, '2.0');
    for (const name of [
      'io.k8s.api.apps.v1.Deployment',
      'io.k8s.api.networking.v1.Ingress',
      'dev.windlass.v1alpha1.Service',
    ]) {
      assert.ok(Object.hasOwn(document.definitions, name), name);
    }
  });
});
