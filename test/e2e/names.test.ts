// Two machines in network namespaces of their own: instances reach services by name, wherever those run.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort, helloManifest } from '../support/hello.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { missingForMachines, startMachines } from '../support/machines.ts';
import { needs } from '../support/missing-part.ts';
import { NodeAgent } from '../support/node-agents.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = missingForMachines() ?? missingKubectl();

test('the ingress of a machine leads to instances of another', needs(missing), async (t) => {
  const folder = tempDir();
  const dataDir = join(folder, 'data');
  const machines = startMachines(t, 2);
  const { gateway, all } = machines;
  const up = await startWindlass(t, { dataDir, args: ['--no-node', '--bind', gateway] });
  const kubectl = new Kubectl(up.kubeconfig, dataDir);
  const agents = all.map((machine, index) =>
    NodeAgent.start(machines, { machine, node: `m${index}`, serverData: dataDir, folder }),
  );
  const port = await freePort();
  await kubectl.apply(
    helloManifest({
      port,
      replicas: 1,
      replace: { '  template:': '  placement: {nodes: [m1]}\n  template:' },
    }),
  );
  await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/hello', '--timeout=30s']);
  for (const machine of all)
    await eventually(
      `it answers on ${machine.name}`,
      () => {
        const script = `fetch('http://127.0.0.1:${port}').then((r) => r.text()).then(console.log)`;
        assert.match(
          machine.run(['node', '-e', script]),
          /^Hello from Windlass/,
          agents[0]?.output ?? '',
        );
      },
      10_000,
    );
});
