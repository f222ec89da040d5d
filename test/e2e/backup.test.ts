// Backups of a real server: taken while it is written to, verified, restored into a new one; killed in the middle; bad input.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject, ApiResource } from '#controllers/machinery/client-types.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { writeBackup } from '#persistence/backup/write-backup.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { ok, windlass } from '#test/support/windlass-command.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { projectRoot, startWindlass } from '#test/support/windlass.ts';

const { signal } = new AbortController();
const resource = (name: string, kind: string): ApiResource => ({
  group: '',
  version: 'v1',
  resource: name,
  kind,
  namespaced: true,
});
const CONFIG_MAPS = resource('configmaps', 'ConfigMap');
const SECRETS = resource('secrets', 'Secret');
const SERVER = ['--no-node', '--no-controllers'];

type ConfigMap = ApiObject & { readonly data: Readonly<Record<string, string>> };

async function clientOf(kubeconfig: string): Promise<HttpClient> {
  return new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
}

/** The objects of a backup file by kind and key, as the lines say; sealed ones as their base64. */
function contentOf(path: string): Map<string, unknown> {
  const objects = new Map<string, unknown>();
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n').slice(1, -1)) {
    const { kind, key, deleted, value, base64 } = JSON.parse(line) as Record<string, unknown>;
    const id = `${String(kind)} ${String(key)}`;
    if (deleted === true) objects.delete(id);
    else objects.set(id, value ?? base64);
  }
  return objects;
}

test('a backup taken under writes is of one revision, and restores with its Secrets into a new server', async (t) => {
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const backup = join(folder, 'state.backup');
  const server = await startWindlass(t, { dataDir, args: SERVER });
  await using client = await clientOf(server.kubeconfig);
  await client.create(
    SECRETS,
    'default',
    { metadata: { name: 's' }, stringData: { k: 'swordfish' } },
    signal,
  );
  const write = (name: string, n: number) =>
    client.patch(CONFIG_MAPS, 'default', name, '', 'merge', { data: { n: String(n) } }, signal);
  for (const name of ['a', 'b'])
    await client.create(CONFIG_MAPS, 'default', { metadata: { name }, data: { n: '0' } }, signal);

  const backed = new AbortController();
  const backing = ok('backup', 'create', '--data-dir', dataDir, '--to', backup).finally(() =>
    backed.abort(),
  );
  let n = 0;
  // First a, then b: at no revision is b ahead, or a more than one.
  for (; !backed.signal.aborted; n += 1) {
    await write('a', n + 1);
    await write('b', n + 1);
  }
  await backing;
  assert.ok(n > 3, `only ${n} writes met the backup`);
  const content = contentOf(backup);
  const count = (name: string): number =>
    Number((content.get(`core/configmaps default/${name}`) as ConfigMap).data['n']);
  assert.ok(
    count('a') - count('b') === 0 || count('a') - count('b') === 1,
    `${count('a')} ${count('b')}`,
  );
  assert.equal(typeof content.get('core/secrets default/s'), 'string', 'Secrets stay sealed');
  for (const plain of ['swordfish', Buffer.from('swordfish').toString('base64')])
    assert.ok(!readFileSync(backup, 'utf8').includes(plain));

  assert.match(await ok('backup', 'verify', backup), /whole, \d+ objects at revision \d+/);
  assert.equal(
    (
      await windlass(
        'persistence',
        'cat',
        '--data-dir',
        dataDir,
        '--from',
        backup,
        'core/secrets',
        'default/s',
      )
    ).code,
    1,
  );
  const shown = await ok(
    'persistence',
    'cat',
    '--data-dir',
    dataDir,
    '--from',
    backup,
    'core/configmaps',
    'default/a',
  );
  assert.equal((JSON.parse(shown) as ConfigMap).data['n'], String(count('a')));
  const diff = await windlass(
    'persistence',
    'diff',
    '--data-dir',
    dataDir,
    backup,
    `sqlite-${'0'.repeat(8)}`,
  );
  assert.equal(diff.code, 2, 'there is no such instance');

  const before = await client.get<ConfigMap>(CONFIG_MAPS, 'default', 'a', signal);
  const restored = join(folder, 'restored');
  const url = `sqlite:${join(folder, 'restored.db')}`;
  const told = JSON.parse(await ok('restore', '--from', backup, '--to', url, '--json')) as {
    readonly revision: number;
  };
  assert.ok(told.revision > Number(before.metadata.resourceVersion));
  const again = await startWindlass(t, {
    dataDir: restored,
    args: [...SERVER, '--persistence', url, '--secrets-key', `file:${dataDir}.key`],
  });
  await using other = await clientOf(again.kubeconfig);
  const found = await other.get<ConfigMap>(CONFIG_MAPS, 'default', 'a', signal);
  assert.equal(found.data['n'], String(count('a')));
  const secret = await other.get<ConfigMap>(SECRETS, 'default', 's', signal);
  assert.equal(Buffer.from(secret.data['k'] ?? '', 'base64').toString(), 'swordfish');
  const made = await other.create<ConfigMap>(
    CONFIG_MAPS,
    'default',
    { metadata: { name: 'new' } },
    signal,
  );
  assert.ok(Number(made.metadata.resourceVersion) > told.revision);
  // Whoever watched the old server has to list again, whatever it had seen.
  const watch = other.watch(CONFIG_MAPS, {}, before.metadata.resourceVersion ?? '', signal);
  await assert.rejects(async () => {
    for await (const event of watch) assert.equal(event.type, 'ERROR');
  }, /too old resource version/);
});

test('a stopped data directory is checked, backed up, and shown by status', async (t) => {
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const server = await startWindlass(t, { dataDir, args: SERVER });
  const running = JSON.parse(await ok('status', '--data-dir', dataDir, '--json')) as {
    readonly isRunning: boolean;
    readonly persistence: { readonly instances: readonly ApiObject[] };
  };
  assert.equal(running.isRunning, true);
  assert.equal(running.persistence.instances.length, 1);
  assert.equal((await windlass('check', '--data-dir', dataDir)).code, 1, 'the server has it');
  assert.match(await ok('persistence', 'verify', '--data-dir', dataDir), /whole/);
  assert.match(await ok('persistence', 'status', '--data-dir', dataDir), /Primary +yes +Up/);
  const name = running.persistence.instances[0]?.metadata.name ?? '';
  const resync = await windlass('persistence', 'resync', name, '--data-dir', dataDir);
  assert.equal(resync.code, 1);
  assert.match(resync.stderr, /primary/);
  server.signal('SIGTERM');
  await server.exited();

  const { code, stdout } = await windlass('status', '--data-dir', dataDir, '--json');
  assert.equal(code, 1);
  assert.equal((JSON.parse(stdout) as { isRunning: boolean }).isRunning, false);
  assert.match(await ok('check', '--data-dir', dataDir), /whole/);
  assert.match(
    await ok('persistence', 'log', '--data-dir', dataDir),
    /core\/namespaces default +put/,
  );
  const one = join(folder, 'one.backup');
  const two = join(folder, 'two.zst');
  await ok('backup', 'create', '--data-dir', dataDir, '--to', one);
  await ok('backup', 'create', '--data-dir', dataDir, '--to', two);
  await ok('persistence', 'diff', '--data-dir', dataDir, one, two);
  const url = `sqlite:${join(folder, 'copy.db')}`;
  await ok('backup', 'create', '--data-dir', dataDir, '--to', url);
  assert.match(await ok('backup', 'verify', url), /whole/);
  await ok('persistence', 'diff', one, url);

  const database = join(dataDir, 'state.db');
  const whole = readFileSync(database);
  writeFileSync(database, whole.subarray(0, whole.length / 2));
  const damaged = await windlass('check', '--data-dir', dataDir);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stdout, /DAMAGED/);
  assert.match(damaged.stderr, /state\.db/);
});

test('a stopped server moves to another instance, and clients go on where they were', async (t) => {
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const from = `sqlite:${join(folder, 'from.db')}`;
  const to = `sqlite:${join(folder, 'to.db')}`;
  const server = await startWindlass(t, { dataDir, args: [...SERVER, '--persistence', from] });
  const client = await clientOf(server.kubeconfig);
  const made = await client.create(CONFIG_MAPS, 'default', { metadata: { name: 'a' } }, signal);
  await client[Symbol.asyncDispose]();
  // Into itself, while it runs.
  const busy = await windlass('migrate', '--from', from, '--to', from, '--data-dir', dataDir);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /it is an instance of this server already/);
  const locked = await windlass('migrate', '--from', from, '--to', to, '--data-dir', folder);
  assert.equal(locked.code, 1);
  assert.match(locked.stderr, /another process is using it/);
  server.signal('SIGTERM');
  await server.exited();

  const { revision } = JSON.parse(
    await ok('migrate', '--from', from, '--to', to, '--data-dir', dataDir, '--json'),
  ) as { revision: number };
  assert.ok(revision > Number(made.metadata.resourceVersion));
  const again = await windlass('migrate', '--from', from, '--to', to, '--data-dir', dataDir);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /holds a state already/);
  const moved = await startWindlass(t, { dataDir, args: [...SERVER, '--persistence', to] });
  await using other = await clientOf(moved.kubeconfig);
  const found = await other.get<ConfigMap>(CONFIG_MAPS, 'default', 'a', signal);
  assert.equal(found.metadata.resourceVersion, made.metadata.resourceVersion);
  const next = await other.create(CONFIG_MAPS, 'default', { metadata: { name: 'b' } }, signal);
  assert.ok(Number(next.metadata.resourceVersion) > revision);
});

/** Large enough that a kill falls into the middle of its making. */
async function largeBackup(path: string): Promise<number> {
  const count = 60_000;
  const value = Buffer.from(JSON.stringify({ kind: 'ConfigMap', text: 'x'.repeat(1_000) }));
  const pages = async function* () {
    for (let start = 1; start <= count; start += 1_000)
      yield await Promise.resolve(
        Array.from({ length: 1_000 }, (_, index) => {
          const revision = start + index;
          return { revision, kind: 'core/configmaps', key: `default/c${revision}`, value };
        }),
      );
  };
  const dump = { epoch: 1, revision: count, compacted: 0, records: pages() };
  await writeBackup({ path, dump, source: 'test', now: 0, unique: 'test', signal });
  return count;
}

/** Kills the command with SIGKILL as soon as `isInside` says so. @returns whether it was killed before its end */
async function killedWhen(args: readonly string[], isInside: () => boolean): Promise<boolean> {
  // Not through the launcher: the process itself is to die.
  const child = spawn(process.execPath, [join(projectRoot, 'cli', 'main.ts'), ...args], {
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  await eventually('it is in the middle', () => {
    if (!isInside() && child.exitCode === null) throw new Error('not yet');
  });
  child.kill('SIGKILL');
  const [, by] = (await ended) as [number | null, NodeJS.Signals | null];
  return by === 'SIGKILL';
}

test('kill -9 in the middle of a restore or a backup leaves nothing that is taken for whole', async () => {
  const folder = tempDir();
  const backup = join(folder, 'large.backup');
  const count = await largeBackup(backup);
  let killed = 0;
  for (const share of [0.01, 0.2, 0.6]) {
    const database = join(folder, `r${share}`, 'state.db');
    mkdirSync(join(folder, `r${share}`));
    const size = (): number => folderSize(join(folder, `r${share}`));
    const url = `sqlite:${database}`;
    const isInside = (): boolean => size() > share * statSync(backup).size;
    if (await killedWhen(['restore', '--from', backup, '--to', url], isInside)) killed += 1;
    // Either all of it was there already, or nothing is and the same command does it.
    const again = await windlass('restore', '--from', backup, '--to', url, '--json');
    if (again.code !== 0) assert.match(again.stderr, /holds a state already/);
    const checked = await ok('check', '--persistence', url, '--json');
    const [instance] = (JSON.parse(checked) as { instances: { objects: number }[] }).instances;
    assert.equal(instance?.objects, count);
  }
  const source = `sqlite:${join(folder, 'r0.01', 'state.db')}`;
  const target = join(folder, 'made.backup');
  const partial = (): string | undefined =>
    readdirSync(folder).find((name) => name.endsWith('.partial'));
  const isInside = (): boolean => {
    const name = partial();
    return name !== undefined && statSync(join(folder, name)).size > 1_000_000;
  };
  if (await killedWhen(['backup', 'create', '--from', source, '--to', target], isInside)) {
    killed += 1;
    assert.ok(!readdirSync(folder).includes('made.backup'));
    const refused = await windlass('backup', 'verify', join(folder, partial() ?? ''));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /ends in the middle/);
    await ok('backup', 'create', '--from', source, '--to', target);
    assert.equal(partial(), undefined, 'what was left of it');
  }
  await ok('backup', 'verify', target);
  assert.ok(killed >= 2, `only ${killed} of 4 were killed in the middle`);
});

function folderSize(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** SQLite's files come and go. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

test('two restores into one place at once: one restores, the other is refused', async () => {
  const folder = tempDir();
  const backup = join(folder, 'b.backup');
  const count = await largeBackup(backup);
  const url = `sqlite:${join(folder, 'state.db')}`;
  const both = await Promise.all([
    windlass('restore', '--from', backup, '--to', url),
    windlass('restore', '--from', backup, '--to', url),
  ]);
  assert.deepEqual(
    both.map(({ code }) => code ?? 9).toSorted((a, b) => a - b),
    [0, 1],
  );
  const checked = await ok('check', '--persistence', url, '--json');
  assert.equal(
    (JSON.parse(checked) as { instances: { objects: number }[] }).instances[0]?.objects,
    count,
  );
});
