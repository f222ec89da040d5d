// The command `windlass migrate`, ended in the middle by Ctrl-C and by kill -9, of a running server and of a stopped one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  agentOf,
  call,
  CONFIG_MAPS,
  configMap,
  testOptions,
} from '#controlplane/control-plane-fixture.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

const folder = tempDir();
const never = new AbortController().signal;
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

/** A server in this process, which the command finds as it finds any other. */
async function serve(dataDir: string, url: string) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const plane = await startControlPlane(testOptions(dataDir, { persistence: [url] }), never);
  const admin = await agentOf(plane.adminKubeconfig);
  const pidFile = join(dataDir, 'windlass.pid');
  writeFileSync(pidFile, `${process.pid}\n`);
  let isOver = false;
  const stop = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    admin.destroy();
    rmSync(pidFile);
    await plane.close();
  };
  ends.push(stop);
  const ask = async (method: string, where: string, code: number, body?: unknown) => {
    const answer = await call(plane.url, admin, method, where, body);
    assert.equal(answer.code, code, answer.text);
    return answer.json;
  };
  return {
    create: (name: string) => ask('POST', CONFIG_MAPS, 201, configMap(name)),
    has: async (...names: readonly string[]) => {
      for (const name of names) await ask('GET', `${CONFIG_MAPS}/${name}`, 200);
    },
    /** Providers of the instances, the primary's first. */
    instances: async () => {
      const list = await ask('GET', '/apis/windlass.dev/v1alpha1/persistenceinstances', 200);
      const items = list['items'] as readonly {
        readonly spec: { readonly provider: string; readonly role: string };
      }[];
      return items
        .toSorted((a, b) => a.spec.role.localeCompare(b.spec.role))
        .map(({ spec }) => spec.provider);
    },
    stop,
  };
}

/** The command itself, without the launcher: signals go to who they are meant for. */
function migrate(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(projectRoot, 'cli', 'main.ts'), 'migrate', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  return { child, ended };
}

/** A directory that is filled when the test says so. */
function gatedPlace(name: string, verbs: string) {
  const [to, gate] = [join(folder, name), join(folder, `${name}-gate`)];
  const provider = join(projectRoot, 'test', 'support', 'gated-provider.ts');
  const parameters = new URLSearchParams({ folder: to, gate, verbs });
  return {
    url: `module:${provider}?${parameters.toString()}`,
    plain: `nfs:${to}`,
    open: () => writeFileSync(gate, ''),
    reached: () => eventually('it is being filled', () => assert.ok(existsSync(`${gate}.reached`))),
  };
}

test('a migration that ends in the middle: the old one goes on, the new one is filled by the next', async (t) => {
  const dataDir = join(folder, 'data');
  const from = `sqlite:${join(folder, 'from.db')}`;
  const first = gatedPlace('first', 'append,restore');

  await t.test('of a running server', async () => {
    const words = ['--from', from, '--to', first.url, '--data-dir', dataDir];
    let server = await serve(dataDir, from);
    await server.create('a');
    const attached = () =>
      eventually('the new instance is there', async () =>
        assert.deepEqual(await server.instances(), ['sqlite', 'module']),
      );

    const cancelled = migrate(...words);
    await attached();
    cancelled.child.kill('SIGINT');
    const { code, said } = await cancelled.ended;
    assert.equal(code, 1, said);
    assert.match(said, /Not migrated: cancelled/);
    assert.match(said, /from\.db is the primary as before; the same command again goes on/);
    assert.deepEqual(await server.instances(), ['sqlite']);
    await server.create('b');

    const killed = migrate(...words);
    await attached();
    killed.child.kill('SIGKILL');
    await killed.ended;
    // Nobody lets go of it now; it is waited for by no write.
    await server.create('c');
    assert.deepEqual(await server.instances(), ['sqlite', 'module']);
    await server.stop();

    server = await serve(dataDir, from);
    assert.deepEqual(await server.instances(), ['sqlite']);
    await server.has('a', 'b', 'c');
    first.open();
    const whole = await migrate(...words).ended;
    assert.equal(whole.code, 0, whole.said);
    assert.match(whole.said, /is the primary, at revision \d+/);
    assert.deepEqual(await server.instances(), ['module', 'sqlite']);
    await server.create('d');
    await server.stop();
    await assert.rejects(serve(dataDir, from), {
      message: /may hold more: it is not configured; give --persistence module:/,
    });
  });

  await t.test('of a stopped server', async () => {
    const second = gatedPlace('second', 'restore');
    const words = ['--from', first.plain, '--to', second.url, '--data-dir', dataDir];
    const killed = migrate(...words);
    await second.reached();
    killed.child.kill('SIGKILL');
    await killed.ended;
    // Also where nobody has ever heard of that state: it is no empty place.
    for (const name of ['data', 'another'])
      await assert.rejects(serve(join(folder, name), second.plain), {
        name: 'ForeignDataError',
        message: /second: it was to be filled by windlass migrate from nfs:.*run that again/,
      });
    second.open();
    const whole = await migrate(...words).ended;
    assert.equal(whole.code, 0, whole.said);
    assert.match(whole.said, /everything up to revision \d+, verified/);
    const server = await serve(dataDir, second.plain);
    await server.has('a', 'b', 'c', 'd');
    await server.stop();
  });
});
