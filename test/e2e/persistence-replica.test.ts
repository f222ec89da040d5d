// A replica that goes away and comes back, as an operator sees it: state, conditions, events, /readyz, and the commands on it.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { EVENTS, PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ok, windlass } from '#test/support/windlass-command.ts';
import { startWindlass } from '#test/support/windlass.ts';

const { signal } = new AbortController();
const CONFIG_MAPS = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

type Instance = ApiObject & {
  readonly spec: { readonly role: string };
  readonly status: {
    readonly state: string;
    readonly lagRevisions: number;
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
};
type Event = ApiObject & {
  readonly reason: string;
  readonly involvedObject: { readonly name: string };
};

test('a replica that goes away degrades, is told of, and catches up when it is back', async (t) => {
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const place = join(folder, 'replica');
  mkdirSync(place);
  const server = await startWindlass(t, {
    dataDir,
    args: [
      '--no-node',
      '--no-controllers',
      '--persistence',
      `sqlite:${join(folder, 'state.db')}`,
      '--persistence',
      `nfs:${place}`,
    ],
  });
  await using client = new HttpClient({
    connection: await loadConnection(server.kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
  const replica = async (): Promise<Instance> => {
    const { items } = await client.list<Instance>(PERSISTENCE_INSTANCES, {}, signal);
    const found = items.find(({ spec }) => spec.role === 'Replica');
    assert.ok(found);
    return found;
  };
  const isIn = (state: string): Promise<Instance> =>
    eventually(`the replica is ${state}`, async () => {
      const found = await replica();
      assert.equal(found.status.state, state);
      assert.ok(state !== 'Up' || found.status.lagRevisions === 0);
      return found;
    });
  const isTold = (reason: string): Promise<void> =>
    eventually(`an event ${reason}`, async () => {
      const { items } = await client.list<Event>(EVENTS, { namespace: 'default' }, signal);
      assert.ok(
        items.some((event) => event.reason === reason && event.involvedObject.name === name),
      );
    });
  const { name } = (await isIn('Up')).metadata;
  assert.equal((await windlass('persistence', 'status', '--data-dir', dataDir)).code, 0);

  renameSync(place, `${place}.gone`);
  // A folder that is missing would be made anew.
  writeFileSync(place, 'in the way');
  for (let n = 0; n < 3; n += 1)
    await client.create(CONFIG_MAPS, 'default', { metadata: { name: `while-gone-${n}` } }, signal);
  const down = await isIn('Down');
  const conditionOf = (type: string): string | undefined =>
    down.status.conditions.find((condition) => condition.type === type)?.status;
  assert.equal(conditionOf('Ready'), 'False');
  assert.equal(conditionOf('Degraded'), 'True');
  await isTold('InstanceDown');
  assert.equal(await client.getText('/readyz', signal), 'ok', 'nobody waits for it');
  const shown = await windlass('persistence', 'status', '--data-dir', dataDir);
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, /is Down: /);
  assert.equal((await windlass('status', '--data-dir', dataDir)).code, 0, 'it takes writes');
  const metrics = await client.getText('/metrics', signal);
  assert.match(
    metrics,
    /windlass_persistence_instance_up\{provider="nfs",instance="nfs-[0-9a-f]+"\} 0/,
  );

  rmSync(place);
  renameSync(`${place}.gone`, place);
  await isIn('Up');
  await isTold('InstanceUp');
  const primary = (await client.list<Instance>(PERSISTENCE_INSTANCES, {}, signal)).items.find(
    ({ spec }) => spec.role === 'Primary',
  )?.metadata.name;
  await eventually('both hold the same', () =>
    ok('persistence', 'diff', primary ?? '', name, '--data-dir', dataDir),
  );
  assert.match(await ok('persistence', 'verify', '--data-dir', dataDir), /nfs-\S+ +whole/);
  assert.match(await ok('persistence', 'resync', name, '--data-dir', dataDir), /has everything/);
  const alreadyPrimary = await windlass(
    'persistence',
    'promote',
    primary ?? '',
    '--data-dir',
    dataDir,
  );
  assert.equal(alreadyPrimary.code, 1);
  assert.match(alreadyPrimary.stderr, /it is the primary already/);
  await isIn('Up');
  const promotion = await ok('persistence', 'promote', name, '--data-dir', dataDir);
  assert.match(promotion, /is the primary, sqlite-\S+ is a replica/);
  await isTold('InstancePromoted');
  assert.match(
    (await windlass('persistence', 'status', '--data-dir', dataDir)).stdout,
    /nfs-\S+ +Primary[^]*was promoted: --persistence names sqlite-/,
  );
  const target = `sqlite:${join(folder, 'moved.db')}`;
  const migrate = (from: string, to: string) =>
    windlass('migrate', '--from', from, '--to', to, '--data-dir', dataDir);
  const wrong = await migrate(`sqlite:${join(folder, 'state.db')}`, target);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /is not the primary of the server: that is nfs:/);
  const same = await migrate(`nfs:${place}`, `sqlite:${join(folder, 'state.db')}`);
  assert.equal(same.code, 1);
  assert.match(same.stderr, /it is an instance of this server already/);
  const moved = await migrate(`nfs:${place}`, target);
  assert.equal(moved.code, 0, moved.stderr);
  assert.match(moved.stdout, /moved\.db \(sqlite-\S+\) is the primary, at revision \d+/);
  await client.create(CONFIG_MAPS, 'default', { metadata: { name: 'after-it-moved' } }, signal);
  const backup = join(folder, 'replica.backup');
  await ok('backup', 'create', '--instance', name, '--to', backup, '--data-dir', dataDir);
  assert.match(await ok('backup', 'verify', backup), /whole/);
});
