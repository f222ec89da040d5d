// A replica made the primary while a real server takes writes, SQLite and a directory changing places: what clients see of it, what the
// next start makes of it, and one history over promotions that are killed half way.
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
import { startServerProcess } from '#controlplane/process-fixture.ts';
import type { ServerProcess } from '#controlplane/process-fixture.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { ApiTarget, ApiWatcher } from '../linearizability/api-target.ts';
import { problemsOf } from '../linearizability/check.ts';
import { seeded } from '../linearizability/seeded.ts';
import { Workload } from '../linearizability/workload.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const INSTANCES = '/apis/windlass.dev/v1alpha1/persistenceinstances';
const EVENTS = '/api/v1/namespaces/default/events';
/** Three servers and six clients on a machine that does other things. */
const PATIENCE_MS = 180_000;

interface Instance {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly role: string; readonly provider: string };
  readonly status: {
    readonly state: string;
    readonly lagRevisions: number;
    readonly insteadOf?: string;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
}

function places(folder: string): readonly string[] {
  mkdirSync(join(folder, 'directory'), { recursive: true });
  return [`sqlite:${join(folder, 'state.db')}`, `nfs:${join(folder, 'directory')}`];
}

async function serve(folder: string, persistence: readonly string[]) {
  const metrics = new MetricsRegistry();
  const plane = await startControlPlane(
    testOptions(join(folder, 'data'), { persistence, metrics, replication: { ack: 'all' } }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const ask = (method: string, where: string, body?: unknown) =>
    call(plane.url, admin, method, where, body);
  const instances = async (): Promise<readonly Instance[]> =>
    (await ask('GET', INSTANCES)).json['items'] as readonly Instance[];
  return {
    ask,
    metrics,
    instance: async (provider: string): Promise<Instance> => {
      const found = (await instances()).find(({ spec }) => spec.provider === provider);
      assert.ok(found);
      return found;
    },
    stop: async () => {
      admin.destroy();
      await plane.close();
    },
  };
}

test('a promotion under load: no write fails, all are in both, and the next start keeps to it', async () => {
  const folder = tempDir();
  const urls = places(folder);
  const server = await serve(folder, urls);
  const { ask, instance } = server;
  const nfs = (await instance('nfs')).metadata.name;
  const sqlite = (await instance('sqlite')).metadata.name;

  const refused = await ask('POST', `${INSTANCES}/${sqlite}/promote`);
  assert.equal(refused.code, 409);
  assert.match(String(refused.json['message']), /it is the primary already/);
  assert.equal((await ask('POST', `${INSTANCES}/none-00000000/promote`)).code, 404);
  assert.equal((await ask('POST', `${INSTANCES}/${nfs}/promote?timeoutSeconds=soon`)).code, 400);

  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;
  let count = 0;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; !isOver() || n < 5; n += 1) {
      const { code, text } = await ask('POST', CONFIG_MAPS, configMap(`w${writer}-${n}`));
      assert.equal(code, 201, text);
      count += 1;
    }
  });
  const promoted = await ask('POST', `${INSTANCES}/${nfs}/promote`);
  const back = await ask('POST', `${INSTANCES}/${sqlite}/promote`);
  const again = await ask('POST', `${INSTANCES}/${nfs}/promote`);
  over.abort();
  await Promise.all(writers);
  for (const { code, text } of [promoted, back, again]) assert.equal(code, 200, text);
  assert.equal(promoted.json['previous'], sqlite);
  const listed = (await ask('GET', CONFIG_MAPS)).json['items'] as readonly unknown[];
  assert.equal(listed.length, count);

  const primary = await instance('nfs');
  assert.deepEqual([primary.spec.role, primary.status.insteadOf], ['Primary', sqlite]);
  const condition = primary.status.conditions.find(({ type }) => type === 'Primary');
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'Promoted']);
  const isUp = (which: string) =>
    eventually(
      `${which} is Up`,
      async () => {
        const { spec, status } = await instance(which);
        assert.deepEqual([spec.role, status.state, status.lagRevisions], ['Replica', 'Up', 0]);
      },
      PATIENCE_MS,
    );
  await isUp('sqlite');
  await eventually(
    'events',
    async () => {
      const { items } = (await ask('GET', EVENTS)).json as {
        readonly items: readonly {
          readonly reason: string;
          readonly involvedObject: { readonly name: string };
        }[];
      };
      const told = items.map(({ reason, involvedObject }) => `${involvedObject.name} ${reason}`);
      assert.ok(told.includes(`${nfs} InstancePromoted`), told.join());
      assert.ok(told.includes(`${sqlite} InstanceDemoted`), told.join());
    },
    PATIENCE_MS,
  );
  const text = await server.metrics.expose();
  const series = (name: string, of: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`windlass_persistence_${name}{`) && line.includes(of));
  assert.match(series('promotions_total', nfs) ?? '', / 2$/);
  for (const each of [nfs, sqlite])
    assert.match(series('persist_seconds_count', each) ?? '', / [1-9]\d*$/);
  assert.match(series('instance_primary', nfs) ?? '', / 1$/);
  assert.match(series('instance_primary', sqlite) ?? '', / 0$/);
  await server.stop();

  const next = await serve(folder, urls);
  const still = await next.instance('nfs');
  assert.deepEqual([still.spec.role, still.status.insteadOf], ['Primary', sqlite]);
  assert.equal(((await next.ask('GET', CONFIG_MAPS)).json['items'] as unknown[]).length, count);
  await next.stop();
  const turned = await serve(folder, urls.toReversed());
  const first = await turned.instance('nfs');
  assert.deepEqual([first.spec.role, first.status.insteadOf], ['Primary', undefined]);
  await turned.stop();
});

test('what clients saw over promotions that were killed half way is one history', async (t) => {
  const seed = Number(process.env['WINDLASS_TEST_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`WINDLASS_TEST_SEED=${seed}`);
  const random = seeded(seed);
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const persistence = places(folder);
  const start = (): Promise<ServerProcess> => startServerProcess(dataDir, [], { persistence });
  let server = start();
  const serving = (): Promise<ServerProcess> => server;
  t.after(async () => (await server).kill());
  const target = new ApiTarget(serving);
  const workload = new Workload(target, { clients: 6, keys: 5, random });
  const since = (await target.list())?.revision ?? 0;
  const watcher = new ApiWatcher(serving, since);
  const watching = watcher.run();
  watching.catch(() => undefined);

  let promotions = 0;
  for (let cycle = 0; cycle < 4; cycle += 1) {
    const { url, admin } = await server;
    const goal = workload.acknowledged + 20;
    const enough = new AbortController();
    const running = workload.run(Infinity, enough.signal);
    const written = (least: number): Promise<void> =>
      eventually(
        'the writes of this cycle',
        () => assert.ok(workload.acknowledged >= least),
        PATIENCE_MS,
      );
    await written(goal);
    const items = (await call(url, admin, 'GET', INSTANCES)).json['items'] as readonly Instance[];
    assert.equal(items.filter(({ spec }) => spec.role === 'Primary').length, 1);
    const replica = items.find(({ spec }) => spec.role === 'Replica')?.metadata.name ?? '';
    const promoting = call(url, admin, 'POST', `${INSTANCES}/${replica}/promote`).then(
      ({ code }) => (promotions += code === 200 ? 1 : 0),
      () => undefined,
    );
    // Every other one is let be; of the others some die before, some at it, some after.
    if (cycle % 2 === 0) {
      await promoting;
      await written(workload.acknowledged + 20);
    } else for (let turns = random() * 40; turns > 0; turns -= 1) await target.list();
    const killed = await server;
    const next = Promise.withResolvers<ServerProcess>();
    server = next.promise;
    await killed.kill();
    await promoting;
    start().then(next.resolve, next.reject);
    await server;
    enough.abort();
    await running;
  }
  assert.ok(promotions >= 1, 'a promotion that was let be');

  const last = await target.perform({ verb: 'create', key: 'last', value: 'last' });
  assert.equal(last.result, 'written');
  const through = last.result === 'written' ? last.revision : 0;
  await Promise.race([
    watching,
    eventually(
      'the watcher has seen it all',
      () => assert.ok(watcher.newest >= through),
      PATIENCE_MS,
    ),
  ]);
  watcher.stop();
  const history = workload.history([watcher.log(through)]);
  const action = { verb: 'create' as const, key: 'last', value: 'last' };
  const operations = [...history.operations, { action, outcome: last, begin: 1e9, end: 1e9 + 1 }];
  assert.deepEqual(problemsOf({ ...history, operations }), []);
});
