// S3 and a directory together: one server over both, S3 going away and coming back, a promotion between them, and S3 as what a backup
// is made into and restored from.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  agentOf,
  call,
  CONFIG_MAPS,
  configMap,
  testOptions,
} from '#controlplane/control-plane-fixture.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/missing-part.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '#test/support/rados-gateway.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ok } from '#test/support/windlass-command.ts';

Object.assign(process.env, GATEWAY_ENVIRONMENT);
const INSTANCES = '/apis/windlass.dev/v1alpha1/persistenceinstances';
const PATIENCE_MS = 180_000;

interface Instance {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly role: string; readonly provider: string };
  readonly status: { readonly state: string; readonly lagRevisions: number };
}

async function serve(dataDir: string, persistence: readonly string[]) {
  const plane = await startControlPlane(
    testOptions(dataDir, { persistence }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const ask = async (method: string, where: string, code: number, body?: unknown) => {
    const answer = await call(plane.url, admin, method, where, body);
    assert.equal(answer.code, code, answer.text);
    return answer.json;
  };
  return {
    kubeconfig: plane.adminKubeconfig,
    ask,
    create: (name: string) => ask('POST', CONFIG_MAPS, 201, configMap(name)),
    names: async (): Promise<readonly string[]> => {
      const { items } = (await ask('GET', CONFIG_MAPS, 200)) as unknown as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      return items.map(({ metadata }) => metadata.name);
    },
    instance: async (provider: string): Promise<Instance> => {
      const list = (await ask('GET', INSTANCES, 200)) as unknown as {
        readonly items: readonly Instance[];
      };
      const found = list.items.find(({ spec }) => spec.provider === provider);
      assert.ok(found);
      return found;
    },
    stop: async () => {
      admin.destroy();
      await plane.close();
    },
  };
}

type Served = Awaited<ReturnType<typeof serve>>;

function isUp({ instance }: Served, provider: string): Promise<void> {
  return eventually(
    `${provider} is Up`,
    async () => {
      const { status } = await instance(provider);
      assert.deepEqual([status.state, status.lagRevisions], ['Up', 0]);
    },
    PATIENCE_MS,
  );
}

test(
  'S3 and a directory keep one state, and S3 takes and gives back a backup',
  needs(missingRadosGateway()),
  async (t) => {
    await using gateway = await startRadosGateway();
    await gateway.createBucket('mixed');
    const folder = tempDir();
    mkdirSync(join(folder, 'directory'));
    const s3 = (prefix: string): string => `s3://mixed/${prefix}?endpoint=${gateway.endpoint}`;
    const directory = `nfs:${join(folder, 'directory')}`;
    const server = await serve(join(folder, 'data'), [directory, s3('live')]);
    let isStopped = false;
    t.after(async () => (isStopped ? undefined : server.stop()));
    await server.create('first');
    await isUp(server, 's3');

    // Nobody waits for it while it is away.
    gateway.signal('SIGSTOP');
    for (let n = 0; n < 5; n += 1) await server.create(`away-${n}`);
    gateway.signal('SIGCONT');
    await isUp(server, 's3');

    const { name } = (await server.instance('s3')).metadata;
    await server.ask('POST', `${INSTANCES}/${name}/promote?timeoutSeconds=120`, 200);
    assert.equal((await server.instance('s3')).spec.role, 'Primary');
    await server.create('on-s3-first');
    await isUp(server, 'nfs');
    const names = await server.names();
    assert.equal(names.length, 7);

    await ok('backup', 'create', '--kubeconfig', server.kubeconfig, '--to', s3('backup'));
    assert.match(
      await ok(
        'backup',
        'create',
        '--kubeconfig',
        server.kubeconfig,
        '--instance',
        (await server.instance('nfs')).metadata.name,
        '--to',
        join(folder, 'b.backup'),
      ),
      /objects at revision/,
    );
    isStopped = true;
    await server.stop();

    // From the one S3 instance into another, and from a file into a third.
    await ok('restore', '--from', s3('backup'), '--to', s3('again'));
    await ok('restore', '--from', join(folder, 'b.backup'), '--to', s3('from-file'));
    for (const prefix of ['again', 'from-file']) {
      const restored = await serve(join(folder, prefix), [s3(prefix)]);
      try {
        assert.deepEqual(await restored.names(), names);
        await restored.create('goes-on');
      } finally {
        await restored.stop();
      }
    }
  },
);
