// kubectl and PersistenceInstances, with every kubectl at hand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import type { CommandResult } from '#test/support/command.ts';
import { TestControlPlane } from '#test/support/control-plane.ts';
import { eventually } from '#test/support/eventually.ts';
import { Kubectl, missingKubectl } from '#test/support/kubectl.ts';
import { kubectlBinaries } from '#test/support/kubectls.ts';
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

  for (const binary of kubectlBinaries()) {
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
      const ready = await run('wait', '--for=condition=Ready', `pinst/${instance}`, '--timeout=5s');
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
