// Stops, crashes and starts again: objects stay, the service comes back, no process is left that nobody knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { isRunning, processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

interface Instance {
  readonly uid: string;
  readonly restarts: number;
}

async function instances(kubectl: Kubectl): Promise<readonly Instance[]> {
  const format =
    '{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\\n"}{end}';
  const text = await kubectl.ok(['get', 'pods', '-o', `jsonpath=${format}`]);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([uid = '', restarts = '']) => ({ uid, restarts: Number(restarts) }))
    .toSorted((left, right) => left.uid.localeCompare(right.uid));
}

async function isRolledOut(kubectl: Kubectl, revision: number): Promise<void> {
  await eventually(`revision ${revision} is rolled out`, async () => {
    const format =
      '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
    const found = await kubectl.ok(['get', 'wsvc', 'hello', '-o', `jsonpath=${format}`]);
    assert.equal(found, `${revision} 3 3 3`);
  });
}

test(
  'Ctrl-C stops all it started with one line; the next start restarts the same instances once',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const port = await freePort();
    const first = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(first.kubeconfig, dataDir);
    await kubectl.apply(helloManifest({ port }));
    await isRolledOut(kubectl, 1);
    const before = await instances(kubectl);
    const printed = first.output.length;

    assert.equal(await first.interrupt(), 0);
    assert.equal(first.output.slice(printed), `stopping; the state stays in ${dataDir}\n`);
    assert.deepEqual(processesBelow(dataDir), []);
    await assert.rejects(httpGet(`http://127.0.0.1:${port}`));

    await startWindlass(t, { dataDir });
    await eventually('the instances run again, restarted once', async () => {
      const expected = before.map(({ uid }) => ({ uid, restarts: 1 }));
      assert.deepEqual(await instances(kubectl), expected);
    });
    await isRolledOut(kubectl, 1);
    await eventually('the service answers', async () => {
      assert.match((await httpGet(`http://127.0.0.1:${port}`)).body, /^Hello from Windlass/);
    });
  },
);

test(
  'kill -9 in the middle of a rollout: instances go on, the next start finishes it and knows every process',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const port = await freePort();
    const first = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(first.kubeconfig, dataDir);
    await kubectl.apply(helloManifest({ port }));
    await isRolledOut(kubectl, 1);
    await kubectl.apply(helloManifest({ port, greeting: 'Good evening' }));
    await eventually('the rollout is under way', async () => {
      assert.ok((await instances(kubectl)).length > 3);
    });
    const { pid } = first;
    process.kill(pid, 'SIGKILL');
    assert.equal(await first.exited(), 137);
    assert.ok(processesBelow(dataDir).length >= 3, 'the instances outlive the control plane');

    await startWindlass(t, { dataDir });
    await isRolledOut(kubectl, 2);
    await eventually('one process for each instance, no more', async () => {
      assert.equal((await instances(kubectl)).length, 3);
      assert.equal(processesBelow(dataDir).length, 3);
    });
    assert.match((await httpGet(`http://127.0.0.1:${port}`)).body, /^Good evening/);
  },
);

test(
  'kill -9 of the launcher stops the server and its instances; a repeated stop signal changes nothing',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const port = await freePort();
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    await kubectl.apply(helloManifest({ port }));
    await isRolledOut(kubectl, 1);
    const { pid } = windlass;
    windlass.signal('SIGKILL');
    await windlass.exited();
    if (isRunning(pid)) process.kill(pid, 'SIGTERM');
    if (isRunning(pid)) process.kill(pid, 'SIGINT');
    await eventually('the server has ended', () => assert.ok(!isRunning(pid)));
    assert.deepEqual(processesBelow(dataDir), []);
  },
);
