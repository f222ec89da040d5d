// `npm run container`: the container image, built from the packed package by a real Docker Engine, without a network; held as strictly as
// deploy/container/compose.yaml holds it, it serves kubectl, stops in order, and has its state when it comes back.
// Not among the tests: npm installs a hundred packages in there, which takes minutes on a busy machine.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { missingForEngine, startEngine } from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf, runCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { importNpmImage } from '../support/npm-image.ts';
import { startPackageRegistry } from '../support/package-registry.ts';
import { packWindlass } from '../support/packed-package.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

const PATIENCE_MS = 900_000;
const BASE = 'windlass-test-npm:local';
const DATA = '/var/lib/windlass/data';

interface ComposeService {
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly tmpfs: readonly string[];
  readonly volumes: readonly string[];
}

/** What the example in Compose asks of the Engine, as flags of `docker run`. */
function strictness(): readonly string[] {
  const file = join(projectRoot, 'deploy', 'container', 'compose.yaml');
  const { services } = parse(readFileSync(file, 'utf8')) as {
    readonly services: { readonly windlass: ComposeService };
  };
  const { read_only, cap_drop, security_opt, tmpfs, volumes } = services.windlass;
  assert.equal(read_only, true);
  return [
    '--read-only',
    ...cap_drop.map((one) => `--cap-drop=${one}`),
    ...security_opt.map((one) => `--security-opt=${one}`),
    ...tmpfs.map((one) => `--tmpfs=${one}`),
    ...volumes.map((one) => `--volume=${one}`),
  ];
}

const missing = (await missingForEngine()) ?? missingKubectl();

test(
  'the container image is built from the package, serves, stops in order, and keeps its state',
  { ...needs(missing), timeout: 1_800_000 },
  async (t) => {
    const work = tempDir();
    const engine = await startEngine();
    t.after(() => engine.close());
    const docker = (...args: readonly string[]): Promise<string> =>
      outputOf('docker', ['-H', engine.host, ...args], {
        // What Debian has is the Engine without BuildKit's client.
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
        timeoutMs: PATIENCE_MS,
      });
    importNpmImage(engine.host, BASE, work);
    const windlass = await packWindlass(work);
    const registry = await startPackageRegistry(t, { windlass });
    const file = join(projectRoot, 'deploy', 'container', 'Dockerfile');
    const places = [`NODE_IMAGE=${BASE}`, `NPM_CONFIG_REGISTRY=${registry}`];
    const args = places.flatMap((one) => ['--build-arg', one]);
    // The stages see this machine's network, where the registry of the test is.
    const context = tempDir();
    await outputOf('cp', [windlass.archive, context]);
    await docker('build', '--network=host', ...args, '-f', file, '-t', 'windlass', context);

    const run = ['run', '--detach', '--publish=127.0.0.1::6443', ...strictness()];
    const start = async (name: string): Promise<Kubectl> => {
      await docker(...run, `--name=${name}`, 'windlass');
      await eventually(
        `${name} is healthy`,
        async () => {
          const state = await docker('inspect', '--format={{json .State}}', name);
          const { Health } = JSON.parse(state) as { readonly Health: { readonly Status: string } };
          assert.equal(Health.Status, 'healthy', `${state}\n${await docker('logs', name)}`);
        },
        PATIENCE_MS,
      );
      const [address = ''] = (await docker('port', name, '6443')).split('\n');
      const config = await docker('exec', name, 'cat', `${DATA}/admin.kubeconfig`);
      const kubeconfig = join(work, `${name}.kubeconfig`);
      const server = /server: .*/;
      assert.match(config, server);
      writeFileSync(kubeconfig, config.replace(server, `server: https://${address}`), {
        mode: 0o600,
      });
      return new Kubectl(kubeconfig, work);
    };
    const stop = async (name: string): Promise<void> => {
      await docker('stop', '--time=120', name);
      const format = '--format={{.State.ExitCode}} {{.State.OOMKilled}}';
      assert.equal((await docker('inspect', format, name)).trim(), '0 false');
    };

    const kubectl = await start('first');
    assert.match(await kubectl.ok(['version']), /Server Version: v1\./);
    await kubectl.ok(['create', 'configmap', 'kept', '--from-literal=who=first']);
    await kubectl.ok(['create', 'secret', 'generic', 'sealed', '--from-literal=word=open']);
    assert.equal((await docker('exec', 'first', 'id', '-u')).trim(), '65532');
    const touched = ['-H', engine.host, 'exec', 'first', 'touch', '/opt/windlass/x'];
    assert.match((await runCommand('docker', touched)).stderr, /Read-only file system/);
    assert.match(
      await docker('exec', 'first', 'windlass', 'version'),
      /^windlass \d+\.\d+\.\d+\nkubernetes v1\.\S+\nnode v26\./,
    );
    assert.match(await docker('exec', 'first', 'windlass', 'status'), /^server +\S+/m);

    // Nobody else gets the state while it is served, though processes of other containers cannot be seen.
    await docker('run', '--name=thief', '--volumes-from=first', '--detach', 'windlass');
    assert.notEqual((await docker('wait', 'thief')).trim(), '0');
    const { stdout, stderr } = await runCommand('docker', ['-H', engine.host, 'logs', 'thief']);
    assert.match(`${stdout}${stderr}`, /in use|uses it|another process|locked/i);
    await stop('first');

    const again = await start('second');
    const word = ['get', 'secret', 'sealed', '-o', 'jsonpath={.data.word}'];
    assert.equal(await again.ok(word), Buffer.from('open').toString('base64'));
    const who = ['get', 'configmap', 'kept', '-o', 'jsonpath={.data.who}'];
    assert.equal(await again.ok(who), 'first');
    // As by a machine that fails: what was acknowledged is there.
    await again.ok(['create', 'configmap', 'last', '--from-literal=who=second']);
    await docker('kill', '--signal=KILL', 'second');
    const third = await start('third');
    await third.ok(['get', 'configmap', 'last']);
    await stop('third');
  },
);
