// Two machines in network namespaces of their own: what comes in at one is answered by instances of both, and no request fails while
// they are replaced, and while one machine is drained.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { abruptService } from '../support/abrupt-service.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { missingForMachines, startMachines } from '../support/machines.ts';
import { needs } from '../support/missing-part.ts';
import { NodeAgent } from '../support/node-agents.ts';
import { RateLoad } from '../support/rate-load.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = missingForMachines() ?? missingKubectl();

test(
  'no request fails at the ingress of one machine while instances of both are replaced, and while the other is drained',
  needs(missing),
  async (t) => {
    const folder = tempDir();
    const dataDir = join(folder, 'data');
    const machines = startMachines(t, 2);
    const { gateway, all } = machines;
    const up = await startWindlass(t, { dataDir, args: ['--no-node', '--bind', gateway] });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    for (const [index, machine] of all.entries())
      NodeAgent.start(machines, {
        machine,
        node: `m${index}`,
        serverData: dataDir,
        folder,
        args: ['--ingress-bind', '0.0.0.0'],
      });
    await eventually('both nodes are ready', async () => {
      const text = await kubectl.ok(['get', 'nodes', '--no-headers']);
      assert.equal(text.match(/^m\d +Ready /gm)?.length, 2, text);
    });
    const port = await freePort();
    const apply = (version: string): Promise<unknown> =>
      kubectl.apply(
        abruptService({
          name: 'web',
          version,
          replicas: 4,
          ingress: [`{port: ${port}, targetPort: http, protocol: HTTP}`],
        }),
      );
    const nodes = async (): Promise<readonly string[]> => {
      const format = '{range .items[?(@.status.phase=="Running")]}{.spec.nodeName} {end}';
      const text = await kubectl.ok(['get', 'pods', '-o', `jsonpath=${format}`]);
      return text.trim().split(' ').toSorted();
    };
    const isThere = (revision: number): Promise<void> =>
      eventually(
        `revision ${revision} is rolled out`,
        async () => {
          const format =
            '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
          const found = await kubectl.ok(['get', 'wsvc', 'web', '-o', `jsonpath=${format}`]);
          assert.equal(found, `${revision} 4 4 4`);
        },
        90_000,
      );
    await apply('v0');
    await isThere(1);
    assert.deepEqual(new Set(await nodes()), new Set(['m0', 'm1']));
    const origin = `http://${all[0]?.address}:${port}`;
    // Both machines' instances answer at the first one.
    const seen = new Set<string>();
    await eventually('all four answer', async () => {
      seen.add((await httpGet(origin)).body);
      assert.equal(seen.size, 4);
    });
    const load = new RateLoad({ origin, perSecond: 100, atLeast: 2_000 });
    t.after(() => load.stop());
    await apply('v1');
    await isThere(2);
    await kubectl.ok(['drain', 'm1', '--ignore-daemonsets', '--force', '--timeout=120s']);
    await isThere(2);
    // One that is on its way out runs on while it answers what takes five seconds.
    await eventually('only the four are left', async () =>
      assert.deepEqual(await nodes(), ['m0', 'm0', 'm0', 'm0']),
    );
    const { sent, answered, failures, slowAnswered } = await load.finish();
    t.diagnostic(`${sent} sent, ${answered} answered, ${slowAnswered} of them after 5 s`);
    assert.deepEqual(failures.slice(0, 20), []);
    assert.equal(answered, sent);
    assert.ok(slowAnswered >= 40);
  },
);
