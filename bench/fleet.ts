// `npm run bench fleet`: an upgrade of 100 simulated machines in simulated time against the schedule that its budget allows at best, and
// what a settled fleet of 1,000 machines costs. No server, no clock: the real reconciler over an API in memory.
import { DURATIONS, Fleet } from '#controllers/cluster/fleet-fixture.ts';
import type { Durations } from '#controllers/cluster/simulated-machine-fixture.ts';
import { seededRandom } from '#test/support/seed.ts';
import { figure, verdict } from './report.ts';

const budget = 10;
const targetRatio = 1.05;
const passes = 10;

export async function benchFleet(scale: number): Promise<void> {
  const machines = Math.max(20, Math.round(100 * scale));
  const random = seededRandom(42);
  const all = new Map<string, Durations>();
  const durations = (name: string): Durations => {
    const known = all.get(name) ?? {
      ...DURATIONS,
      drainMs: 5_000 + random.next(25_000),
      switchMs: 20_000 + random.next(100_000),
    };
    all.set(name, known);
    return known;
  };
  const fleet = fleetOf(machines, { durations });
  await fleet.settle();
  const begun = fleet.now;
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  const took = fleet.now - begun;
  const work = fleet.all.map(({ metadata }) => {
    const { drainMs, switchMs } = durations(metadata.name);
    return drainMs + switchMs;
  });
  const ideal = scheduleOf(work, budget);
  figure(`${machines} machines, ${budget} at a time`, took / 1000, 's of simulated time');
  figure('the schedule that the budget allows', ideal / 1000, 's');
  verdict(
    'upgrade ÷ ideal schedule',
    took / ideal,
    `≤ ${targetRatio}`,
    took <= ideal * targetRatio,
  );

  const many = Math.max(100, Math.round(1_000 * scale));
  const settled = fleetOf(many, {});
  settled.content = 'of its Artifacts';
  await settled.settle();
  const before = settled.api.version;
  const started = performance.now();
  for (let pass = 0; pass < passes; pass += 1) {
    settled.restart();
    await settled.reconcile();
  }
  figure(`one look at ${many} settled machines`, (performance.now() - started) / passes, 'ms');
  const writes = settled.api.version - before;
  verdict(`writes in ${passes} looks`, writes, '= 0', writes === 0);
}

function fleetOf(replicas: number, options: ConstructorParameters<typeof Fleet>[1]): Fleet {
  return new Fleet(
    {
      distribution: 'Windlass',
      version: '1.30.0',
      pools: [{ name: 'w', role: 'worker', replicas }],
      rollout: { maxUnavailable: budget },
      concurrency: { operations: 0 },
    },
    options,
  );
}

/** When the last ends, if the next begins as soon as one of so many is done. */
function scheduleOf(work: readonly number[], slots: number): number {
  const ends = Array.from({ length: slots }, () => 0);
  for (const each of work) {
    const first = ends.indexOf(Math.min(...ends));
    ends[first] = (ends[first] ?? 0) + each;
  }
  return Math.max(...ends);
}
