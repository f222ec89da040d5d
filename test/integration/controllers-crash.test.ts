// Controllers killed in the middle of rollouts, as processes of their own, and two of them at once. What protects: a plan is found
// again from the Pods alone; names of Pods follow from the decision; the server is asked for Pods that the plan did not see
// before one is made; the status, which holds the proven revision, is written only on top of what was read.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ServiceBench } from '../support/service-bench.ts';
import { projectRoot } from '../support/windlass.ts';

const START_FIRST = {
  updateStrategy: { order: 'StartFirst', monitorPeriod: '0s', progressDeadline: '60s' },
};

/** Of those that will be killed: the next one waits until their Lease has run out. */
const SHORT_LEASE = [
  '--leader-elect-lease-duration=3s',
  '--leader-elect-renew-deadline=2s',
  '--leader-elect-retry-period=500ms',
];

function controllersProcess(
  t: TestContext,
  kubeconfig: string,
  flags: readonly string[] = [],
): ChildProcess {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'cli', 'main.ts'), 'controllers', '--kubeconfig', kubeconfig, ...flags],
    { stdio: 'ignore' },
  );
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Controllers that work until `moment`, and are killed then. */
async function workUntil(moment: Promise<void>, start: () => ChildProcess): Promise<void> {
  for (;;) {
    const child = start();
    const gone = once(child, 'exit');
    const isOver = await Promise.race([moment.then(() => true), gone.then(() => false)]);
    child.kill('SIGKILL');
    await gone;
    // On a busy machine one may lose its short Lease, and end.
    if (isOver) return;
  }
}

/** Resolves after so many more changes of Pods. */
function changes(bench: ServiceBench, count: number): Promise<void> {
  let left = count;
  return new Promise((resolve) =>
    bench.nodes.onChange(() => {
      left -= 1;
      if (left === 0) resolve();
    }),
  );
}

test('controllers killed again and again in the middle of a rollout finish it', async (t) => {
  const bench = await ServiceBench.start(t);
  const { kubeconfig } = bench.plane;
  const stop = await bench.plane.controllers();
  await bench.create('v1', START_FIRST);
  await bench.settled('v1', 3);
  await stop();
  bench.nodes.watchServing();
  await bench.update('v2');
  // After the create, the binding, the readiness, the stop …: each time at another step.
  for (const count of [1, 2, 3, 1]) {
    await workUntil(changes(bench, count), () => controllersProcess(t, kubeconfig, SHORT_LEASE));
  }
  controllersProcess(t, kubeconfig);
  await bench.settled('v2', 3);
  assert.equal(bench.nodes.fewestServing, 3);
  assert.equal(bench.nodes.mostAlive, 4);
  assert.equal(bench.nodes.created.length, 6);
  assert.equal((await bench.revisions()).length, 2);
});

test('two controllers at once make nothing twice', async (t) => {
  const bench = await ServiceBench.start(t);
  await bench.plane.controllers();
  await bench.plane.controllers();
  await bench.create('v0', START_FIRST);
  await bench.settled('v0', 3);
  bench.nodes.watchServing();
  const rounds = 5;
  for (let round = 1; round <= rounds; round += 1) {
    await bench.update(`v${round}`);
    await bench.settled(`v${round}`, 3);
  }
  assert.equal(bench.nodes.fewestServing, 3);
  assert.equal(bench.nodes.mostAlive, 4);
  assert.equal(bench.nodes.created.length, 3 * (rounds + 1));
  assert.equal((await bench.revisions()).length, rounds + 1);
});
