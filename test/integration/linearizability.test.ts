// The history of a real server that is killed again and again under load, held against what it promises: linearizable objects, one line
// of revisions, lists that show one point of it, watches that miss and repeat nothing. The checks are tested in test/linearizability.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServerProcess } from '#controlplane/process-fixture.ts';
import type { ServerProcess } from '#controlplane/process-fixture.ts';
import { ApiTarget, ApiWatcher } from '../linearizability/api-target.ts';
import { problemsOf } from '../linearizability/check.ts';
import { seeded } from '../linearizability/seeded.ts';
import { Workload } from '../linearizability/workload.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const CYCLES = 8;
const WRITES_PER_CYCLE = 150;

test('what clients saw of a server that was killed in between is one history', async (t) => {
  const seed = Number(process.env['WINDLASS_TEST_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`WINDLASS_TEST_SEED=${seed}`);
  const random = seeded(seed);
  const dataDir = join(tempDir(), 'data');
  let server: Promise<ServerProcess> = startServerProcess(dataDir);
  const serving = (): Promise<ServerProcess> => server;
  t.after(async () => (await server).kill());

  const target = new ApiTarget(serving);
  const workload = new Workload(target, { clients: 8, keys: 5, random });
  const since = (await target.list())?.revision ?? 0;
  const watchers = [new ApiWatcher(serving, since), new ApiWatcher(serving, since)];
  const watching = Promise.all(watchers.map((watcher) => watcher.run()));
  // Looked at in the end; until then a failure shall not end the process.
  watching.catch(() => undefined);

  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    const goal = workload.acknowledged + 1 + Math.floor(random() * WRITES_PER_CYCLE);
    const enough = new AbortController();
    const running = workload.run(Infinity, enough.signal);
    await eventually('the writes of this cycle', () =>
      assert.ok(workload.acknowledged >= goal, `${workload.acknowledged} of ${goal}`),
    );
    const killed = await server;
    // Clients wait for the next one from now on.
    const next = Promise.withResolvers<ServerProcess>();
    server = next.promise;
    await killed.kill();
    if (cycle % 2 === 0) enough.abort();
    startServerProcess(dataDir).then(next.resolve, next.reject);
    await server;
    enough.abort();
    await running;
  }

  const last = await target.perform({ verb: 'create', key: 'last', value: 'last' });
  assert.equal(last.result, 'written');
  const through = last.result === 'written' ? last.revision : 0;
  await Promise.race([
    watching,
    eventually('the watchers have seen it all', () => {
      for (const { newest } of watchers) assert.ok(newest >= through, `${newest} of ${through}`);
    }),
  ]);
  for (const watcher of watchers) watcher.stop();
  const history = workload.history(watchers.map((watcher) => watcher.log(through)));
  const operations = [
    ...history.operations,
    // It was told of, and nobody else wrote it.
    {
      action: { verb: 'create' as const, key: 'last', value: 'last' },
      outcome: last,
      begin: 1e9,
      end: 1e9 + 1,
    },
  ];
  assert.deepEqual(problemsOf({ ...history, operations }), []);
  t.diagnostic(`${operations.length} operations, ${history.listings.length} lists`);
});
