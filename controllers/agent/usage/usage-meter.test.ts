import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import type { ContainerStatus, ContainerUsage } from '../../runtimes/runtime.ts';
import { UsageMeter } from './usage-meter.ts';

const { signal } = new AbortController();

function running(id: string, startedAt: number): ContainerStatus {
  return {
    identity: { namespace: 'default', pod: id, podUID: `uid-${id}`, container: 'main', attempt: 0 },
    id,
    image: '',
    imageID: '',
    state: { state: 'running', startedAt },
    endpoints: new Map(),
    podIPs: [],
  };
}

/** A machine on which everything uses half of a processor, and has one MiB. */
function fixture(): {
  clock: FakeClock;
  meter: UsageMeter;
  statuses: ContainerStatus[];
  looks: () => number;
} {
  const clock = new FakeClock();
  const statuses: ContainerStatus[] = [running('old', clock.now() - 50_000)];
  let looks = 0;
  const usageOf = (id: string, startedAt: number): ContainerUsage => ({
    id,
    cpuNanoseconds: (clock.now() - startedAt) * 5e5,
    memoryBytes: 1 << 20,
  });
  const meter = new UsageMeter({
    clock,
    machine: () => ({ cpuNanoseconds: clock.now() * 1e6, memoryBytes: 1 << 30 }),
    runtime: {
      list: () => Promise.resolve(statuses),
      usage: () => {
        looks += 1;
        return Promise.resolve(statuses.map(({ id, state }) => usageOf(id, state.startedAt)));
      },
    },
  });
  return { clock, meter, statuses, looks: () => looks };
}

/** Once the meter waits, and not before: its looks take a few turns of the event loop. */
async function secondPasses(clock: FakeClock): Promise<void> {
  while (clock.pending === 0) await turn();
  clock.advance(1_000);
}

test('the first who asks waits a second for a rate, and who asks meanwhile gets the same', async () => {
  const { clock, meter, looks } = fixture();
  const both = [meter.read(signal), meter.read(signal)];
  await secondPasses(clock);
  const [first, second] = await Promise.all(both);
  assert.equal(first, second);
  const timestamp = clock.now();
  assert.deepEqual(first, {
    node: { timestamp, windowMs: 1_000, cpuNanocores: 1e9, memoryBytes: 1 << 30 },
    containers: [
      {
        podUID: 'uid-old',
        container: 'main',
        timestamp,
        windowMs: 1_000,
        cpuNanocores: 5e8,
        memoryBytes: 1 << 20,
      },
    ],
  });
  assert.equal(looks(), 2);
});

test('who asks again gets the rate since the last time, and soon after that the same answer', async () => {
  const { clock, meter, looks } = fixture();
  const first = meter.read(signal);
  await secondPasses(clock);
  await first;
  clock.advance(15_000);
  const second = await meter.read(signal);
  assert.equal(second.node.windowMs, 15_000);
  assert.equal(looks(), 3);
  clock.advance(999);
  assert.equal(await meter.read(signal), second);
  assert.equal(looks(), 3);
});

test('a look that is too old counts no more', async () => {
  const { clock, meter } = fixture();
  const first = meter.read(signal);
  await secondPasses(clock);
  await first;
  clock.advance(60_001);
  const second = meter.read(signal);
  await secondPasses(clock);
  assert.equal((await second).node.windowMs, 1_000);
});

test('a container that has started since is measured from its start', async () => {
  const { clock, meter, statuses } = fixture();
  const first = meter.read(signal);
  await secondPasses(clock);
  await first;
  clock.advance(5_000);
  statuses.push(running('new', clock.now()));
  clock.advance(4_000);
  const found = (await meter.read(signal)).containers.find(({ podUID }) => podUID === 'uid-new');
  assert.equal(found?.windowMs, 4_000);
  assert.equal(found.cpuNanocores, 5e8);
});

test('a runtime that cannot tell leaves the machine', async () => {
  const { clock } = fixture();
  const machine = (): { cpuNanoseconds: number; memoryBytes: number } => ({
    cpuNanoseconds: 0,
    memoryBytes: 1,
  });
  const runtime = { list: () => Promise.resolve([running('a', 0)]) };
  const reading = new UsageMeter({ clock, machine, runtime }).read(signal);
  await secondPasses(clock);
  const { node, containers } = await reading;
  assert.deepEqual([node.memoryBytes, containers], [1, []]);
});

test('who no longer wants to know ends the waiting, and the next one is answered', async () => {
  const { clock, meter } = fixture();
  const leaving = new AbortController();
  const first = meter.read(leaving.signal);
  while (clock.pending === 0) await turn();
  leaving.abort(new Error('left'));
  await assert.rejects(first, /left/);
  const second = meter.read(signal);
  await secondPasses(clock);
  assert.equal((await second).containers.length, 1);
});
