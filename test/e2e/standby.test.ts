// Two control planes on one store: the second one waits, takes over when the first stops or dies, and never are there two.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, startWindlass, Windlass } from '../support/windlass.ts';

const ALONE = ['--no-controllers', '--no-node'];

/** Machine `name`, which has a data directory of its own and keeps its state in `store`. */
function machine(folder: string, store: string, name: string, more: readonly string[] = []) {
  return {
    dataDir: join(folder, name),
    args: [
      '--persistence',
      `nfs:${store}`,
      '--secrets-key',
      `file:${folder}/key`,
      ...ALONE,
      ...more,
    ],
  };
}

/** Started, and seen to wait. */
async function standby(t: TestContext, options: ReturnType<typeof machine>): Promise<Windlass> {
  const windlass = new Windlass(options);
  t.after(() => endWindlass(windlass));
  await windlass.printed(/standby: .* is held by the control plane on /);
  return windlass;
}

async function configMap(kubectl: Kubectl, name: string): Promise<string> {
  await kubectl.ok(['create', 'configmap', name]);
  return kubectl.ok(['get', 'configmap', name, '-o', 'jsonpath={.metadata.resourceVersion}']);
}

test(
  'a standby goes on when the holder stops, and at once when told to take over',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const store = join(folder, 'store');
    const first = await startWindlass(t, machine(folder, store, 'a'));
    const before = Number(await configMap(new Kubectl(first.kubeconfig, first.dataDir), 'one'));

    const second = await standby(t, machine(folder, store, 'b'));
    assert.doesNotMatch(second.output, /^ready /m);
    assert.equal(await first.interrupt(), 0);
    await second.ready();
    const kubectl = new Kubectl(second.kubeconfig, second.dataDir);
    const after = Number(await configMap(kubectl, 'two'));
    assert.ok(after > before, `${after} after ${before}`);
    await kubectl.ok(['get', 'configmap', 'one']);

    const third = await startWindlass(t, machine(folder, store, 'c', ['--takeover']));
    await kubectl.run(['create', 'configmap', 'late']);
    assert.notEqual(await second.exited(), 0, second.output);
    assert.match(second.output, /another control plane has taken over/);
    const last = new Kubectl(third.kubeconfig, third.dataDir);
    await last.ok(['get', 'configmap', 'one', 'two']);
    assert.notEqual((await last.run(['get', 'configmap', 'late'])).code, 0);
  },
);

test(
  'a standby goes on when the holder is killed, or stopped for longer than its note lives',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const store = join(folder, 'store');
    const first = await startWindlass(t, machine(folder, store, 'a'));
    await configMap(new Kubectl(first.kubeconfig, first.dataDir), 'one');
    const { pid } = first;

    const second = await standby(t, machine(folder, store, 'b'));
    process.kill(pid, 'SIGKILL');
    await second.ready();
    const kubectl = new Kubectl(second.kubeconfig, second.dataDir);
    await configMap(kubectl, 'two');

    const third = await standby(t, machine(folder, store, 'c'));
    const stopped = second.pid;
    process.kill(stopped, 'SIGSTOP');
    t.after(() => spawnSync('kill', ['-CONT', String(stopped)]));
    await third.ready();
    const last = new Kubectl(third.kubeconfig, third.dataDir);
    await configMap(last, 'three');
    process.kill(stopped, 'SIGCONT');
    // It learns at its next write, if not before.
    await kubectl.run(['create', 'configmap', 'late']);
    assert.notEqual(await second.exited(), 0, second.output);
    await last.ok(['get', 'configmap', 'one', 'two', 'three']);
    await eventually('nobody wrote beside the holder', async () => {
      assert.notEqual((await last.run(['get', 'configmap', 'late'])).code, 0);
    });
  },
);
