// What is secret stays out of every file, log, event and metric; and keys are changed under a server that is killed meanwhile.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { filesBelow, whereSecretsAre } from '../support/secret-traces.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot, startWindlass } from '../support/windlass.ts';

const SECRET = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespaced: true };

function windlass(dataDir: string, ...args: readonly string[]): Promise<CommandResult> {
  const all = [launcher, ...args, '--data-dir', dataDir];
  return runCommand('node', all, { cwd: projectRoot, timeoutMs: 60_000 });
}

async function clientFor(kubeconfig: string): Promise<HttpClient> {
  return new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
}

test(
  'no byte of a Secret is in the data directory, the output, the events or the metrics',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const dataDir = join(folder, 'data');
    const args = ['--no-node', '--log-level', 'debug', '--log-format', 'json'];
    const server = await startWindlass(t, { dataDir, args });
    const kubectl = new Kubectl(server.kubeconfig, join(folder, 'home'));
    const word = (n: number): string => `canary-${n}-vKq8Zr3Lw0Xy`;
    const words = Array.from({ length: 9 }, (_, n) => word(n));
    const object = (name: string, fields: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, ...fields });

    // Written in every way there is; kubectl apply repeats the content in an annotation.
    await kubectl.apply(object('applied', { stringData: { k: word(0) } }));
    const input = object('replaced', { stringData: { k: word(1) } });
    await kubectl.ok(['create', '-f', '-'], { input });
    await kubectl.ok(['replace', '-f', '-'], { input });
    await kubectl.ok(['create', 'secret', 'generic', 'made', `--from-literal=k=${word(2)}`]);
    await kubectl.ok(['patch', 'secret', 'made', '-p', `{"stringData":{"k":"${word(3)}"}}`]);
    await kubectl.apply(object('applied', { stringData: { k: word(4) } }));
    // Refused in every way there is.
    const refused = [
      object('typed', { type: 'kubernetes.io/tls', stringData: { k: word(5) } }),
      object('in/valid', { stringData: { k: word(6) } }),
      object('base', { data: { k: `not base64 ${word(7)}` } }),
      `${object('cut', { stringData: { k: word(8) } }).slice(0, -1)},`,
    ];
    for (const body of refused)
      assert.notEqual((await kubectl.run(['create', '-f', '-'], { input: body })).code, 0);
    await kubectl.ok(['delete', 'secret', 'replaced']);
    await kubectl.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'open' },
        data: { k: 'openly-4Wq2' },
      }),
    );
    const events = await kubectl.ok(['get', 'events', '-A', '-o', 'json']);
    const metrics = await kubectl.ok(['get', '--raw', '/metrics']);
    const places = (): ReadonlyMap<string, Buffer> =>
      new Map([
        ...filesBelow(dataDir),
        ['the output', Buffer.from(server.output)],
        ['the events', Buffer.from(events)],
        ['the metrics', Buffer.from(metrics)],
      ]);

    assert.deepEqual(whereSecretsAre(places(), words), [], 'while it runs');
    process.kill(server.pid, 'SIGKILL');
    await server.exited();
    assert.deepEqual(whereSecretsAre(places(), words), [], 'after a crash');
    // What is not secret is found: the search works.
    assert.ok(whereSecretsAre(places(), ['openly-4Wq2']).some((name) => name.startsWith(dataDir)));

    const again = await startWindlass(t, { dataDir, args });
    assert.equal(
      await kubectl.ok(['get', 'secret', 'made', '-o', 'jsonpath={.data.k}']),
      Buffer.from(word(3)).toString('base64'),
    );
    const rotated = await windlass(dataDir, 'secrets', 'rotate', '--json');
    assert.equal(rotated.code, 0, rotated.stderr);
    await again.interrupt();
    assert.deepEqual(whereSecretsAre(places(), words), [], 'after a rotation and a stop in peace');
    assert.deepEqual(whereSecretsAre(new Map([['it', Buffer.from(again.output)]]), words), []);
  },
);

test('a rotation that kill -9 cuts short goes on where it was; two at once are refused', async (t) => {
  const dataDir = join(tempDir(), 'data');
  const count = 3_000;
  const first = await startWindlass(t, { dataDir, args: ['--no-node', '--no-controllers'] });
  const { signal } = new AbortController();
  await using client = await clientFor(first.kubeconfig);
  const names = Array.from({ length: count }, (_, n) => `s${n}`);
  const queue = names.values();
  const lane = async (): Promise<void> => {
    for (const name of queue) {
      const data = { k: Buffer.from(`value of ${name}`).toString('base64') };
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data };
      await client.create(SECRET, 'default', body, signal);
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));

  const rotate = (): Promise<unknown> =>
    client.postBytes('/windlass/v1/secrets/rotate', new Uint8Array(), signal);
  await rotate();
  await assert.rejects(rotate(), { code: 409, message: /of 3000 objects are sealed anew/ });
  for (;;) {
    const status = (await client.getPath('/windlass/v1/secrets', signal)) as {
      readonly rotation: { readonly done: number; readonly state: string };
    };
    assert.equal(status.rotation.state, 'Running', 'it is to be killed in the middle');
    if (status.rotation.done > 0) break;
  }
  process.kill(first.pid, 'SIGKILL');
  await first.exited();

  await startWindlass(t, { dataDir, args: ['--no-node', '--no-controllers'] });
  type Keys = readonly { readonly isSealing: boolean; readonly objects: number }[];
  const keys = async (): Promise<Keys> => {
    const { stdout } = await windlass(dataDir, 'secrets', 'status', '--json');
    return (JSON.parse(stdout) as { readonly keys: Keys }).keys;
  };
  const cut = await keys();
  assert.deepEqual(
    cut.map(({ isSealing }) => isSealing),
    [true, false],
  );
  const [resealed = 0, left = 0] = cut.map(({ objects }) => objects);
  assert.ok(resealed > 0 && left > 0, `${resealed} sealed anew, ${left} left`);
  assert.equal(resealed + left, count);

  const rotated = await windlass(dataDir, 'secrets', 'rotate');
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.match(rotated.stdout, /^finishing with key [0-9a-f]{16}, without a new one$/m);
  assert.match(rotated.stdout, new RegExp(`^sealed ${left} objects with key`, 'm'));
  const done = await keys();
  assert.deepEqual(
    done.map(({ objects }) => objects),
    [count, 0],
  );
  await using fresh = await clientFor(join(dataDir, 'admin.kubeconfig'));
  const found = await fresh.list<never>(SECRET, { namespace: 'default' }, signal);
  const values = new Map(
    (found.items as readonly { metadata: { name: string }; data: { k: string } }[]).map(
      ({ metadata, data }) => [metadata.name, Buffer.from(data.k, 'base64').toString()],
    ),
  );
  assert.deepEqual(
    names.filter((name) => values.get(name) !== `value of ${name}`),
    [],
  );
  const pruned = await windlass(dataDir, 'secrets', 'prune-keys');
  assert.equal(pruned.code, 3, pruned.stderr);
  assert.match(
    pruned.stdout,
    /^kept [0-9a-f]{16}: \d+ stored object versions are sealed with it$/m,
  );
});

test('secrets commands without a server, and a start without the key, say what to do', async (t) => {
  const dataDir = join(tempDir(), 'data');
  const absent = await windlass(dataDir, 'secrets', 'rotate');
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /there is no kubeconfig at .*\nStart the server with npm start/);
  const args = ['--no-node', '--no-controllers'];
  const server = await startWindlass(t, { dataDir, args });
  await using client = await clientFor(server.kubeconfig);
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: {} };
  await client.create(SECRET, 'default', body, new AbortController().signal);
  const { stdout } = await windlass(dataDir, 'secrets', 'status');
  assert.match(stdout, /^KEY +USE +OBJECTS +SOURCE\n[0-9a-f]{16} +seals +1 +.*data\.key\n$/);
  await server.interrupt();
  const stopped = await windlass(dataDir, 'secrets', 'rotate');
  assert.equal(stopped.code, 1);
  assert.match(stopped.stderr, /Is the server running\? npm start starts it/);
  rmSync(`${dataDir}.key`);
  const keyless = await windlass(dataDir, 'up', ...args, '--port', '0');
  assert.equal(keyless.code, 1);
  assert.match(
    keyless.stderr,
    /default\/a: it was sealed with key \w+, which is not in .*\(no key there\)/,
  );
});
