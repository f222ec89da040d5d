// An upgrade of a whole k0s cluster by controllers that all work at once, watched on the hosts: folders, real processes, and a stand-in
// of the k0s program.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { K0sFleet } from '../support/k0s-fleet.ts';

const FROM = 'v1.30.1+k0s.0';
const TO = 'v1.31.2+k0s.0';

test('three controllers and five workers are upgraded: the quorum and the budget are looked at all the time', async () => {
  const controllers = ['a', 'b', 'd'];
  const workers = ['e', 'f', 'g', 'h', 'i'];
  const hosts = (names: readonly string[]) => names.map((name) => ({ name }));
  const fleet = new K0sFleet({
    version: FROM,
    pools: [
      { name: 'cp', role: 'controller', hosts: hosts(controllers) },
      { name: 'w', role: 'worker', hosts: hosts(workers) },
    ],
    rollout: { maxUnavailable: 2 },
  });
  await fleet.settleTogether(() => undefined);
  assert.match(fleet.condition('Ready'), /^True/);
  // On the hosts, and whether their nodes take Pods: not what anybody says of them.
  const isUp = (name: string): boolean =>
    existsSync(join(fleet.root(`c-${name}`), 'var/lib/k0s/running'));
  const isServing = (name: string): boolean =>
    isUp(name) && !existsSync(join(fleet.shared, `nodes/c-${name}/cordoned`));
  const problems: string[] = [];
  const turns: string[] = [];
  const sample = (): void => {
    const away = controllers.filter((name) => !isUp(name));
    if (away.length > 1) problems.push(`the quorum is lost: ${away.join(' and ')} are away`);
    const resting = workers.filter((name) => !isServing(name));
    if (resting.length > 2) problems.push(`over the budget: ${resting.join(', ')} are away`);
    if (away.length > 0 && resting.length > 0) problems.push('workers did not wait');
    for (const name of [...away, ...resting]) if (!turns.includes(name)) turns.push(name);
  };
  fleet.api.onWrite(sample);
  await fleet.change({ version: TO });
  await fleet.settleTogether(sample);
  assert.deepEqual(
    fleet.machines.map(({ status }) => status?.runningVersion),
    Array.from({ length: 8 }, () => TO),
  );
  assert.match(fleet.condition('Ready'), /^True/);
  assert.deepEqual(problems, []);
  assert.deepEqual(turns.slice(0, 3), controllers);
  assert.deepEqual(turns.slice(3).toSorted(), workers);
});
