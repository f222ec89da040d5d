// The invariants of a rollout, over many random stories: specs that change, machines that fail, a controller that dies at any write
// and caches that are late. WINDLASS_TEST_SEED plays one again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#test/support/seed.ts';
import type { Random } from '#test/support/seed.ts';
import { Fleet } from './fleet-fixture.ts';
import { disruptionBudget } from './settings.ts';
import type { Faults } from './simulated-machine-fixture.ts';
import type { ClusterSpec, Pool } from './types.ts';

/** One place for the state of several servers. */
const SHARED = { flags: ['--persistence', 'nfs:/srv/state'] };

const STORIES = 40;

interface Story {
  readonly fleet: Fleet;
  readonly random: Random;
}

function poolsOf(random: Random, controllers: number): readonly Pool[] {
  return [
    { name: 'cp', role: 'controller', replicas: controllers },
    { name: 'w', role: 'worker', replicas: random.next(8) + 1 },
    { name: 'x', role: 'worker', replicas: random.next(4) },
  ];
}

function faultsOf(random: Random): Record<string, Faults> {
  const faults: Record<string, Faults> = {};
  for (const pool of ['w', 'x'])
    for (let index = 0; index < 8; index += 1)
      if (random.next(6) === 0)
        faults[`c-${pool}-${index}`] =
          random.next(2) === 0 ? { drain: [true] } : { start: [random.next(2) === 0, true] };
  return faults;
}

const SHARES = ['10%', '25%', '50%', 1, 2, 3];

function storyOf(seed: number): { readonly story: Story; readonly controllers: number } {
  const random = seededRandom(seed);
  const controllers = [0, 1, 3, 5][random.next(4)] ?? 3;
  const fleet = new Fleet(
    {
      distribution: 'Windlass',
      distributionOptions: SHARED,
      version: '1.30.0',
      pools: poolsOf(random, controllers),
      rollout: {
        maxUnavailable: SHARES[random.next(SHARES.length)] ?? 1,
        maxFailures: random.next(3),
      },
    },
    { random: (below) => random.next(below), faults: faultsOf(random) },
  );
  return { story: { fleet, random }, controllers };
}

/** Looks after every write: nothing was taken away that should not have been, and all of it was in a plan. */
function watch({ fleet }: Story): void {
  let away = new Set<string>();
  fleet.api.onWrite(() => {
    const sample = fleet.samples.at(-1);
    const { spec, status } = fleet.isGone ? {} : fleet.cluster;
    if (sample === undefined || spec === undefined) return;
    const now = new Set(sample.workersAway);
    const isNew = [...now].some((name) => !away.has(name));
    const total = (spec.pools ?? [])
      .filter(({ role }) => role === 'worker')
      .reduce((sum, { replicas = 0 }) => sum + replicas, 0);
    const budget = disruptionBudget(spec.rollout?.maxUnavailable ?? '10%', total);
    // (3) What is newly away was within the budget of this moment or of the one it was decided at.
    if (isNew)
      assert.ok(
        now.size <= Math.max(budget, widest(fleet, budget)),
        `${[...now].join(' ')} away, budget ${budget}`,
      );
    away = now;
    // (4)
    if (sample.controllers >= 3)
      assert.ok(
        sample.controllersServing >= Math.floor(sample.controllers / 2) + 1,
        `${sample.controllersServing} of ${sample.controllers} controllers`,
      );
    // (10) Everything that is disrupted is in a plan that was written down before.
    for (const item of status?.plan ?? []) planned.add(`${fleet.id} ${item.machine}`);
    for (const machine of fleet.machines.values())
      if (machine.disruptions > 0)
        assert.ok(planned.has(`${fleet.id} ${machine.name}`), `${machine.name} was in no plan`);
  });
}

const planned = new Set<string>();

/** The widest budget the story had so far: pools grow and shrink in it. */
const widths = new WeakMap<Fleet, number>();
function widest(fleet: Fleet, budget: number): number {
  const most = Math.max(budget, widths.get(fleet) ?? 0);
  widths.set(fleet, most);
  return most;
}

async function tell({ fleet, random }: Story, controllers: number): Promise<void> {
  await fleet.settle();
  const changes: readonly (() => Partial<Record<keyof ClusterSpec, unknown>>)[] = [
    () => ({ version: `1.3${random.next(3) + 1}.0` }),
    () => ({ pools: poolsOf(random, controllers) }),
    () => ({ rollout: { retryToken: String(random.next(1_000)) } }),
    () => ({ rollout: { paused: random.next(2) === 0 } }),
    () => ({ distributionOptions: { flags: [...SHARED.flags, `--v=${random.next(5)}`] } }),
  ];
  for (let step = random.next(4) + 1; step > 0; step -= 1) {
    const change = changes[random.next(changes.length + 1)];
    if (change !== undefined) await fleet.change(change());
    // The spec stays, and what it names becomes another.
    else fleet.content = `content ${random.next(5)}`;
    const stop = fleet.api.version + random.next(60);
    // In the middle of what is going on, more often than not.
    await fleet.settle(() => fleet.api.version >= stop);
  }
  await fleet.change({
    rollout: { paused: false, retryToken: 'last', maxFailures: 99 },
    version: '1.39.0',
  });
  await fleet.settle();
}

test(`invariants 3, 4, 5, 8, 9 and 10 hold in ${STORIES} stories with crashes, late caches and faults`, async () => {
  const first = seededRandom().seed;
  let crashes = 0;
  for (let seed = first; seed < first + STORIES; seed += 1) {
    const { story, controllers } = storyOf(seed);
    const { fleet } = story;
    try {
      watch(story);
      await tell(story, controllers);
      crashes += fleet.crashes;
      // (5)
      for (const machine of fleet.machines.values())
        assert.equal(machine.isCordoned, false, `${machine.name} is cordoned`);
      // (9) Each is what it was to be, or is named as failed: whoever died in between.
      const failed = new Set(fleet.cluster.status?.rollout?.failed.map(({ machine }) => machine));
      for (const { metadata, status } of fleet.all)
        if (!failed.has(metadata.name))
          assert.deepEqual(
            [status?.runningVersion, fleet.machine(metadata.name).content],
            ['1.39.0', fleet.content],
            `${metadata.name} ${fleet.condition('Progressing')}`,
          );
      // (8)
      fleet.calm();
      const before = fleet.api.version;
      for (let round = 0; round < 3; round += 1) await fleet.reconcile();
      assert.equal(fleet.api.version, before);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  assert.ok(crashes > STORIES / 10, `${crashes} crashes`);
});
