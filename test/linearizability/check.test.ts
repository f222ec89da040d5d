// The test of the test: histories of a server without a bug pass, and every planted bug is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './check.ts';
import type { Operation } from './history.ts';
import { linearize } from './linearize.ts';
import { seeded } from './seeded.ts';
import { BUGS, SimulatedServer } from './simulated-server.ts';
import type { Bug } from './simulated-server.ts';
import { Workload } from './workload.ts';

const SEEDS = 40;

async function problemsFor(seed: number, bug?: Bug): Promise<readonly string[]> {
  const random = seeded(seed);
  const server = new SimulatedServer(random, bug);
  const workload = new Workload(server, { clients: 6, keys: 4, random });
  for (let round = 0; round < 4; round += 1) {
    const running = workload.run(25);
    for (let turn = 0; turn < 150; turn += 1) await Promise.resolve();
    server.crash();
    await running;
  }
  return problemsOf(workload.history([server.watchLog()]));
}

test('a server that keeps its promises has no problems', async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1)
    assert.deepEqual(await problemsFor(seed), [], `seed ${seed}`);
});

for (const bug of BUGS) {
  test(`a server that ${bug} is found out`, async () => {
    let found = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1)
      if ((await problemsFor(seed, bug)).length > 0) found += 1;
    assert.ok(found > SEEDS / 2, `in ${found} of ${SEEDS} histories`);
  });
}

const write = (
  begin: number,
  end: number,
  action: Operation['action'],
  outcome: Operation['outcome'],
): Operation => ({ begin, end, action, outcome });

test('linearize() orders what overlapped, and nothing else', () => {
  const create = (begin: number, end: number): Operation =>
    write(begin, end, { verb: 'create', key: 'a', value: 'v' }, { result: 'written', revision: 1 });
  const absent = (begin: number, end: number): Operation =>
    write(begin, end, { verb: 'get', key: 'a' }, { result: 'absent' });
  assert.equal(linearize([create(0, 3), absent(1, 2)]).verdict, 'linearizable');
  assert.equal(linearize([create(0, 1), absent(2, 3)]).verdict, 'violation');
});

test('linearize() lets a write without an answer happen late, or never, but not twice', () => {
  const lost = write(
    0,
    Infinity,
    { verb: 'create', key: 'a', value: 'v' },
    { result: 'written', revision: 5 },
  );
  const get = (begin: number, outcome: Operation['outcome']): Operation =>
    write(begin, begin + 1, { verb: 'get', key: 'a' }, outcome);
  const absent = { result: 'absent' } as const;
  const found = { result: 'found', revision: 5, value: 'v' } as const;
  const verdict = (...outcomes: Operation['outcome'][]): string =>
    linearize([lost, ...outcomes.map((outcome, index) => get(2 * index + 1, outcome))]).verdict;
  assert.equal(verdict(absent, absent), 'linearizable');
  assert.equal(verdict(absent, found), 'linearizable');
  assert.equal(verdict(found, absent), 'violation');
});
