// The port of a service under load while its instances come and go: no request fails but those under way on an instance that is killed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { Traffic } from '../support/traffic.ts';
import { startWindlass } from '../support/windlass.ts';

const CLIENTS_ON_ONE_INSTANCE = 12;

test(
  'no request fails from the first answer on: start, rolling update, scaling up and down; a killed instance fails only what it was at',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const port = await freePort();
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const instances = (count: number, revision: number): Promise<void> =>
      eventually(`${count} instances of revision ${revision}`, async () => {
        const format =
          '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
        const found = await kubectl.ok(['get', 'wsvc', 'hello', '-o', `jsonpath=${format}`]);
        assert.equal(found, `${revision} ${count} ${count} ${count}`);
        assert.equal(processesBelow(dataDir).length, count);
      });
    const traffic = new Traffic(port);
    t.after(() => traffic.stop());
    const isClean = async (during: string): Promise<void> => {
      const before = traffic.answered;
      await eventually('traffic goes on', () => assert.ok(traffic.answered > before + 50));
      assert.deepEqual(traffic.failures.splice(0), [], during);
    };

    await kubectl.apply(helloManifest({ port }));
    await instances(3, 1);
    await isClean('start');
    await kubectl.apply(helloManifest({ port, greeting: 'Good evening' }));
    await instances(3, 2);
    await isClean('rolling update');
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=5']);
    await instances(5, 2);
    await isClean('scaling up');
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=2']);
    await instances(2, 2);
    await isClean('scaling down');

    const [victim] = processesBelow(dataDir);
    assert.ok(victim !== undefined);
    process.kill(victim, 'SIGKILL');
    await eventually('the instance runs again', async () => {
      const restarts = await kubectl.ok([
        'get',
        'pods',
        '-o',
        'jsonpath={.items[*].status.containerStatuses[0].restartCount}',
      ]);
      assert.deepEqual(restarts.split(' ').toSorted(), ['0', '1']);
    });
    await instances(2, 2);
    const failed = traffic.failures.splice(0);
    assert.ok(failed.length <= CLIENTS_ON_ONE_INSTANCE, failed.join('\n'));
    await isClean('after a crash');
  },
);
