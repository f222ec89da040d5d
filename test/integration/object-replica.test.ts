// The example of deploy/examples, a provider of the seven verbs, as the replica of a real server over SQLite.
import assert from 'node:assert/strict';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  CONFIG_MAPS,
  agentOf,
  call,
  configMap,
  testOptions,
} from '#controlplane/control-plane-fixture.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { loadProvider } from '#persistence/module/load-provider.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

/** Each object is synced to the disk, one after the other: a whole copy takes as long as some hundred syncs of a disk that is shared. */
const PATIENCE_MS = 200_000;
const KIND = 'core/configmaps';
const root = tempDir();
const copy = join(root, 'copy');
const example = join(projectRoot, 'deploy/examples/persistence-provider/files-provider.mjs');
const module = `${example}?folder=${encodeURIComponent(copy)}`;
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

/** Writers would wait for whatever counts. */
async function serve(name: string) {
  const dataDir = join(root, name);
  const plane = await startControlPlane(
    testOptions(dataDir, {
      persistence: [`sqlite:${join(dataDir, 'state.db')}`, `module:${module}`],
      replication: { ack: 'all' },
    }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const ask = async (method: string, where: string, code: number, body?: unknown) => {
    const answer = await call(plane.url, admin, method, where, body);
    assert.equal(answer.code, code, answer.text);
    return answer.json;
  };
  let isOver = false;
  const stop = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    admin.destroy();
    await plane.close();
  };
  ends.push(stop);
  return {
    create: (object: string) => ask('POST', CONFIG_MAPS, 201, configMap(object)),
    remove: (object: string) => ask('DELETE', `${CONFIG_MAPS}/${object}`, 200),
    replica: async () => {
      const list = await ask('GET', '/apis/windlass.dev/v1alpha1/persistenceinstances', 200);
      const items = list['items'] as readonly {
        readonly spec: Readonly<Record<string, unknown>>;
        readonly status: Readonly<Record<string, unknown>>;
      }[];
      const found = items.find(({ spec }) => spec['provider'] === 'module');
      assert.ok(found);
      return { ...found.spec, ...found.status } as Readonly<Record<string, unknown>>;
    },
    stop,
  };
}

type Served = Awaited<ReturnType<typeof serve>>;

async function loaded() {
  const { provider, instances } = await loadProvider(module);
  return { provider, instance: instances[0] ?? '' };
}

async function copied(kind = KIND): Promise<readonly string[]> {
  const { provider, instance } = await loaded();
  const objects = await provider.getAllObjects(instance, kind);
  return objects.map(({ key }) => key.replace('default/', '')).toSorted();
}

function arrives(...names: readonly string[]): Promise<void> {
  return eventually(
    `the copy of ${names.join(', ')}`,
    async () => assert.deepEqual(await copied(), names),
    PATIENCE_MS,
  );
}

function isUp({ replica }: Served): Promise<void> {
  return eventually(
    'the replica is Up',
    async () => {
      const { role, state, synchronous, lagRevisions } = await replica();
      assert.deepEqual([role, state, synchronous, lagRevisions], ['Replica', 'Up', false, 0]);
    },
    PATIENCE_MS,
  );
}

test('a provider of the seven verbs follows the primary', { timeout: 900_000 }, async (t) => {
  let server = await serve('first');

  await t.test('objects arrive, and are removed', { timeout: 600_000 }, async () => {
    await server.create('a');
    await server.create('b');
    await arrives('a', 'b');
    await server.remove('a');
    await arrives('b');
    await isUp(server);
  });

  await t.test(
    'while it is away writes go on; then it catches up',
    { timeout: 600_000 },
    async () => {
      await rename(copy, `${copy}-away`);
      await writeFile(copy, 'in the way');
      await server.create('c');
      await eventually('the replica is Down', async () => {
        const { state, lastError } = await server.replica();
        assert.equal(state, 'Down', JSON.stringify(lastError));
      });
      await server.remove('b');
      assert.ok(Number((await server.replica())['lagRevisions']) >= 2);
      await rm(copy);
      await rename(`${copy}-away`, copy);
      await arrives('c');
      await isUp(server);
    },
  );

  await t.test(
    'a server starts without it, and it goes on from where it was',
    { timeout: 600_000 },
    async () => {
      await server.stop();
      // A copy of the whole would remove it.
      const { provider, instance } = await loaded();
      await provider.putObject(instance, {
        kind: KIND,
        key: 'default/planted',
        value: Buffer.of(1),
      });
      await rename(copy, `${copy}-away`);
      await writeFile(copy, 'in the way');
      server = await serve('first');
      await server.create('d');
      assert.notEqual((await server.replica())['state'], 'Up');
      await rm(copy);
      await rename(`${copy}-away`, copy);
      await arrives('c', 'd', 'planted');
      await isUp(server);
      await server.stop();
    },
  );

  await t.test(
    'of another cluster it is made anew, and what it held is set aside',
    { timeout: 600_000 },
    async () => {
      const other = await serve('second');
      await other.create('e');
      await arrives('e');
      await isUp(other);
      const { provider, instance } = await loaded();
      const claims = await provider.getAllObjects(instance, 'windlass/claims');
      assert.equal(claims.length, 1);
      assert.match((await readdir(copy)).join(' '), /aside-\d+-\d+%2Fcore%2Fconfigmaps/);
      // The first took it back, so the second leaves it alone from then on.
      server = await serve('first');
      await arrives('c', 'd');
      await isUp(server);
      await other.create('f');
      await eventually('the other leaves it alone', async () => {
        const { state, lastError } = await other.replica();
        assert.equal(state, 'Diverged');
        assert.match(JSON.stringify(lastError), /is written by another control plane now/);
      });
      assert.deepEqual(await copied(), ['c', 'd']);
    },
  );
});
