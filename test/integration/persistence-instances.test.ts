// kubectl and PersistenceInstances, with every kubectl at hand; and what a provider of somebody else says in them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { testOptions } from '#controlplane/control-plane-fixture.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { runCommand } from '#test/support/command.ts';
import type { CommandResult } from '#test/support/command.ts';
import { TestControlPlane } from '#test/support/control-plane.ts';
import { eventually } from '#test/support/eventually.ts';
import { Kubectl, missingKubectl } from '#test/support/kubectl.ts';
import { oldestAndNewest } from '#test/support/kubectls.ts';
import { needs } from '#test/support/missing-part.ts';
import { tempDir } from '#test/support/temp-dir.ts';

suite('kubectl and persistenceinstances', needs(missingKubectl()), () => {
  let env: NodeJS.ProcessEnv;
  const ends: (() => unknown)[] = [];

  before(async () => {
    const plane = await TestControlPlane.start({
      after: (end) => {
        if (end !== undefined) ends.push(end as () => unknown);
      },
    });
    env = new Kubectl(plane.kubeconfig, tempDir()).environment;
  });
  after(async () => {
    for (const end of ends) await end();
  });

  for (const binary of oldestAndNewest()) {
    const name = basename(binary);
    const run = (...args: readonly string[]): Promise<CommandResult> =>
      runCommand(binary, args, { env });

    test(`${name} lists, describes and explains them`, async () => {
      const listed = await run('get', 'persistenceinstances');
      assert.equal(listed.code, 0, listed.stderr);
      const [header = '', row = ''] = listed.stdout.trim().split('\n');
      assert.deepEqual(header.trim().split(/\s+/), [
        'NAME',
        'PROVIDER',
        'ROLE',
        'STATE',
        'EXISTS',
        'UP',
        'LATENCY',
        'LAG',
        'AGE',
      ]);
      assert.match(row, /^sqlite-[0-9a-f]{8} +sqlite +Primary +Up +true +true +\S+ +0 +\d+s$/);
      const wide = await run('get', 'pinst', '-o', 'wide');
      assert.match(wide.stdout, /LOCATION +REVISION +EPOCH +LAST ERROR/);
      assert.match(wide.stdout, /sqlite:\/\S+state\.db/);
      const [instance = ''] = row.split(' ');
      const latency = await run(
        'get',
        'pinst',
        instance,
        '-o',
        'jsonpath={.status.meanPersistLatency}',
      );
      assert.ok(Number(latency.stdout) > 0, latency.stdout);
      const described = await run('describe', 'pinst', instance);
      assert.match(described.stdout, /Mean Persist Latency: +0\.\d+/);
      assert.match(described.stdout, /Type: +Ready/);
      const explained = await run('explain', 'persistenceinstances.status.lagSeconds');
      assert.match(explained.stdout, /lagSeconds/);
      const ready = await run(
        'wait',
        '--for=condition=Ready',
        `pinst/${instance}`,
        '--timeout=60s',
      );
      assert.equal(ready.code, 0, ready.stderr);
    });

    test(`${name} is refused when it writes them`, async () => {
      const [instance = ''] = (await run('get', 'pinst', '-o', 'name')).stdout.trim().split('\n');
      for (const args of [
        ['delete', instance],
        ['annotate', instance, 'a=b'],
        ['patch', instance, '--type=merge', '-p', '{"spec":{"role":"Replica"}}'],
        ['delete', 'persistenceinstances', '--all'],
      ]) {
        const { code, stderr } = await run(...args);
        assert.equal(code, 1, args.join(' '));
        assert.match(stderr, /does not allow this method/, args.join(' '));
      }
    });

    test(`${name} watches them`, async () => {
      const child = spawn(binary, ['get', 'pinst', '--watch'], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(child, 'close');
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
      // The latency of the first read and of later writes differ: a second line comes by itself or not at all.
      await eventually('a line', () => assert.match(shown, /sqlite-[0-9a-f]{8} .* Up /));
      child.kill('SIGTERM');
      await ended;
    });
  }
});

/** A provider of the seven verbs that means harm: each write fails with something else that nobody should have to look at. */
const HOSTILE = `
  const text = '\\u001b[2J\\u001b]0;owned\\u0007\\u009b31m\\u202egnp.exe\\r\\n\\ud800' + 'x'.repeat(1 << 20);
  const things = [
    () => new Error(text),
    () => Object.create(null),
    () => Object.defineProperty(new Error('x'), 'message', { get() { throw text; } }),
    () => text,
  ];
  let turn = 0;
  const fail = async () => {
    throw things[turn++ % things.length]();
  };
  export function createProvider() {
    return {
      initialize: async () => undefined,
      instances: () => ['hostile-0123abcd'],
      instanceStatus: () => ({ exists: true, status: true, meanPersistLatency: { valueOf: () => NaN } }),
      putObject: fail,
      deleteObject: fail,
      getObject: async () => undefined,
      getAllObjects: async () => [],
    };
  }`;

test(
  'a hostile provider draws on nobody’s terminal and stops nobody',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const module = join(folder, 'hostile.mjs');
    writeFileSync(module, HOSTILE);
    const dataDir = join(folder, 'data');
    const persistence = [`sqlite:${join(dataDir, 'state.db')}`, `module:${module}`];
    const { signal } = new AbortController();
    const plane = await startControlPlane(testOptions(dataDir, { persistence }), signal);
    t.after(() => plane.close());
    const { environment: env } = new Kubectl(plane.adminKubeconfig, folder);
    const run = async (binary: string, ...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCommand(binary, args, { env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const binaries = oldestAndNewest();
    const [newest = ''] = binaries.slice(-1);
    const error = [
      'get',
      'pinst',
      'hostile-0123abcd',
      '-o',
      'jsonpath={.status.lastError.message}',
    ];
    await eventually('its first error is told', async () => {
      await run(newest, 'create', 'configmap', `a${Math.floor(performance.now())}`);
      assert.match(await run(newest, ...error), /owned/);
    });
    for (const binary of binaries) {
      for (const args of [
        ['get', 'pinst', '-o', 'wide'],
        ['describe', 'pinst', 'hostile-0123abcd'],
        ['get', 'pinst', '-o', 'yaml'],
        ['get', 'pinst', '-o', 'json'],
        ['get', 'events'],
        error,
      ]) {
        const shown = await run(binary, ...args);
        const text = shown.replaceAll(/[\n\t]/g, '');
        assert.doesNotMatch(text, /\p{C}/u, args.join(' '));
        assert.ok(shown.length < 40_000, `${args.join(' ')}: ${shown.length}`);
      }
      assert.match(await run(binary, 'get', 'pinst'), /^hostile-0123abcd +module +Replica /m);
    }
  },
);
