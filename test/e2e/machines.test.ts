// Machines that come and go: two node agents on one server, one of them killed, drained, brought back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { LOST_MS, SECOND, TwoMachines } from '../support/two-machines.ts';
import type { PodList } from '../support/two-machines.ts';
import { Traffic } from '../support/traffic.ts';

const HASTY = `
      tolerations:
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      containers:`;

function manifest(port: number): string {
  return helloManifest({ port, replicas: 4, replace: { '\n      containers:': HASTY } });
}

test(
  'a machine whose agent dies loses its instances to the other one; it comes back, and what is too much goes',
  needs(missingKubectl()),
  async (t) => {
    const machines = await TwoMachines.start(t);
    const { kubectl, first } = machines;
    await kubectl.apply(manifest(await freePort()));
    await machines.isSpread({ [first]: 2, [SECOND]: 2 });
    const left = processesBelow(machines.folder);
    assert.equal(left.length, 2);

    machines.kill();
    await machines.isSpread({ [first]: 4 }, LOST_MS);
    assert.match(await kubectl.ok(['get', 'node', SECOND]), /NotReady/);
    assert.deepEqual(processesBelow(machines.folder), left, 'nobody is there to stop them');

    machines.join();
    await eventually('what it ran is stopped', () =>
      assert.deepEqual(processesBelow(machines.folder), []),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'node', SECOND, '--timeout=120s']);
    await eventually('four instances are left', async () => {
      const { items } = await kubectl.json<PodList>(['get', 'pods']);
      assert.equal(items.length, 4);
    });
    await eventually('it takes instances again', async () => {
      const taints = await kubectl.ok(['get', 'node', SECOND, '-o', 'jsonpath={.spec.taints}']);
      assert.equal(taints, '');
    });
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=6']);
    await machines.isSpread({ [first]: 4, [SECOND]: 2 });
  },
);

test(
  'kubectl drain moves a service within its budget while it answers every request',
  needs(missingKubectl()),
  async (t) => {
    const machines = await TwoMachines.start(t);
    const { kubectl, first } = machines;
    const port = await freePort();
    await kubectl.apply(manifest(port));
    await machines.isSpread({ [first]: 2, [SECOND]: 2 });
    await kubectl.ok([
      'create',
      'pdb',
      'hello',
      '--selector=windlass.dev/service=hello',
      '--min-available=1',
    ]);
    await eventually('it is counted', async () => {
      const text = await kubectl.ok(['get', 'pdb', 'hello', '--no-headers']);
      assert.match(text, /^hello +1 +N\/A +3 /);
    });

    const traffic = new Traffic(port);
    t.after(() => traffic.stop());
    await eventually('it answers', () => assert.ok(traffic.answered > 100));
    const output = await kubectl.ok(['drain', SECOND, '--delete-emptydir-data', '--timeout=120s']);
    assert.match(output, /^node\/second cordoned\n/);
    assert.equal(output.match(/^pod\/hello-\w+ evicted$/gm)?.length, 2, output);
    assert.match(output, /node\/second drained\n$/);
    assert.deepEqual(processesBelow(machines.folder), []);
    await machines.isSpread({ [first]: 4 });
    await traffic.stop();
    assert.deepEqual(traffic.failures, []);

    await kubectl.ok([
      'patch',
      'pdb',
      'hello',
      '--type=merge',
      '-p',
      '{"spec":{"minAvailable":4}}',
    ]);
    await kubectl.ok(['uncordon', SECOND]);
    const refused = await kubectl.run(['drain', first, '--delete-emptydir-data', '--timeout=8s']);
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /Cannot evict pod as it would violate the pod's disruption budget/,
    );
    await machines.isSpread({ [first]: 4 });
  },
);
