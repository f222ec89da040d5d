// Invariants 6, 8 and 9 of machines, under faults and crashes at every step; seeds are printed with what they broke.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { advance } from './advance.ts';
import type { Advanced } from './advance.ts';
import { Crash, MachineWorld } from './machine-world-fixture.ts';
import type { Faults } from './machine-world-fixture.ts';

const NO_FAULTS: Faults = {
  random: () => 1,
  crash: 0,
  unreachable: 0,
  badChecks: 0,
  failedDrains: 0,
};

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Wish {
  isPaused?: boolean;
  isPermitted?: boolean;
  /** The goal is another because what the spec names is; the spec is the same. */
  isSameSpec?: boolean;
}

/** One life of the controller: until it rests, waits, or is killed. Undefined: it was killed. */
async function life(world: MachineWorld, wish: Wish = {}): Promise<Advanced | undefined> {
  const clock: Clock = {
    now: () => world.now,
    monotonic: () => world.now,
    schedule: () => () => undefined,
  };
  world.isDead = false;
  try {
    return await advance(
      structuredClone(world.status),
      {
        clock,
        work: world.work,
        save: (status) => world.save(status),
        observe: () => ({
          specHash: wish.isSameSpec === true ? 'spec' : world.goal,
          ...(wish.isSameSpec === true ? { contentHash: world.goal } : {}),
          isPaused: wish.isPaused ?? false,
          isDeleting: false,
          isPermitted: wish.isPermitted ?? true,
        }),
        version: world.goal,
        verifyTimeoutMs: 20_000,
        tell: (type, reason, message) => void world.told.push(`${type} ${reason}: ${message}`),
      },
      new AbortController().signal,
    );
  } catch (error) {
    if (error instanceof Crash) return undefined;
    throw error;
  }
}

/** Lives until it rests. */
async function settle(world: MachineWorld, wish: Wish = {}): Promise<void> {
  for (let lives = 0; lives < 2_000; lives += 1) {
    const end = await life(world, wish);
    if (end !== undefined && end.againMs === undefined) return;
    world.now += end?.againMs ?? 500;
  }
  assert.fail(`it never rests: ${JSON.stringify(world.status.steps)}`);
}

function brief({ status, running, isCordoned, inUse, roots }: MachineWorld): unknown {
  const { activeSlot, lastGood, runningVersion } = status;
  const active = activeSlot === undefined ? undefined : roots.get(activeSlot);
  return {
    running: [...running].map((slot) => roots.get(slot)?.goal),
    isActiveRunning: activeSlot !== undefined && running.has(activeSlot),
    isActiveInUse: inUse === activeSlot,
    active,
    lastGood: lastGood?.goalHash,
    runningVersion,
    isCordoned,
  };
}

const SETTLED_ON = (goal: string): unknown => ({
  running: [goal],
  isActiveRunning: true,
  isActiveInUse: true,
  active: { goal, isComplete: true },
  lastGood: goal,
  runningVersion: goal,
  isCordoned: false,
});

test('a step that fails is told once, however often it is tried', async () => {
  const world = new MachineWorld('A');
  world.faults = { ...NO_FAULTS, random: () => 0, badChecks: 1 };
  for (let tries = 0; tries < 3; tries += 1) {
    const end = await life(world);
    world.now += end?.againMs ?? 0;
  }
  assert.equal(world.status.steps?.find(({ name }) => name === 'Preflight')?.attempt, 3);
  world.faults = NO_FAULTS;
  await settle(world);
  assert.deepEqual(world.told, ['Warning StepFailed: Preflight: 1 error: ']);
});

test('an upgrade goes through the other slot, and what is settled is not written again', async () => {
  const world = new MachineWorld('A');
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('A'));
  assert.equal(world.status.activeSlot, 'a');
  world.goal = 'B';
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('B'));
  assert.equal(world.status.activeSlot, 'b');
  assert.equal(world.status.previous?.slot, 'a');
  const { saves } = world;
  await settle(world);
  assert.equal(world.saves, saves);
});

test('what its spec names changes: the next run is for that, and a paused one waits [k0sctl-073]', async () => {
  const world = new MachineWorld('A');
  const wish = { isSameSpec: true };
  await settle(world, wish);
  const { saves } = world;
  await settle(world, wish);
  assert.equal(world.saves, saves, 'the same content starts nothing');
  world.goal = 'B';
  assert.equal((await life(world, { ...wish, isPaused: true }))?.held, 'Paused');
  assert.equal((await life(world, { ...wish, isPermitted: false }))?.held, 'WaitingForBudget');
  assert.deepEqual([...world.running], ['a']);
  // Once more before anything runs: what was built for B is no part of it.
  world.goal = 'C';
  await settle(world, wish);
  assert.deepEqual(brief(world), SETTLED_ON('C'));
  assert.deepEqual(world.violations, []);
});

test('a new slot that never gets good is rolled back, once [unbounded-087]', async () => {
  const world = new MachineWorld('A');
  await settle(world);
  world.broken.add('B');
  world.goal = 'B';
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('A'));
  assert.deepEqual(world.status.quarantined, ['B']);
  const stepOf = (name: string) => world.status.steps?.find((step) => step.name === name);
  assert.equal(stepOf('Rollback')?.state, 'Done');
  assert.match(stepOf('Verify')?.message ?? '', /not good within 20 s: the node is not Ready/);
  const { saves } = world;
  world.now += 3_600_000;
  await settle(world);
  assert.equal(world.saves, saves, 'the same goal is not tried again');
  world.goal = 'C';
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('C'));
});

test('a first install that never gets good is stopped, and tried again only when asked', async () => {
  const world = new MachineWorld('A');
  world.broken.add('A');
  await settle(world);
  assert.equal(world.running.size, 0);
  assert.equal(world.roots.size, 0);
  assert.deepEqual(world.status.quarantined, ['A']);
  world.goal = 'B';
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('B'));
});

test('without a permit it waits before the drain; paused, it gives the node back', async () => {
  const world = new MachineWorld('A');
  await settle(world);
  world.goal = 'B';
  assert.equal((await life(world, { isPermitted: false }))?.held, 'WaitingForBudget');
  assert.equal(world.isCordoned, false);
  assert.equal(world.roots.get('b')?.isComplete, true, 'what disturbs nobody is done already');
  // A drain that takes its time, and a pause in the middle of it.
  world.faults = { ...NO_FAULTS, random: alternating([0.9, 0.1]), failedDrains: 0.5 };
  const waiting = await life(world);
  assert.ok(waiting?.againMs !== undefined);
  assert.equal(world.isCordoned, true);
  world.faults = undefined;
  assert.equal((await life(world, { isPaused: true }))?.held, 'Paused');
  assert.equal(world.isCordoned, false);
  assert.ok(world.running.has('a'));
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('B'));
});

test('a drain that fails leads to no switch, and the node works again', async () => {
  const world = new MachineWorld('A');
  await settle(world);
  world.goal = 'B';
  world.faults = { ...NO_FAULTS, random: () => 0.1, failedDrains: 0.5 };
  const end = await life(world);
  assert.ok((end?.againMs ?? 0) > 0, 'it is tried again, not at once');
  assert.equal(world.isCordoned, false);
  assert.deepEqual([...world.running], ['a']);
  assert.deepEqual(world.status.quarantined ?? [], []);
  world.faults = undefined;
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('B'));
});

/** A machine whose new slot was started, and is being verified. */
async function verifying(): Promise<MachineWorld> {
  const world = new MachineWorld('A');
  await settle(world);
  world.broken.add('B');
  world.goal = 'B';
  await life(world);
  assert.equal(world.status.steps?.find(({ name }) => name === 'Verify')?.state, 'Running');
  return world;
}

test('what was started a moment ago is waited for [unbounded-053]', async () => {
  const world = await verifying();
  world.now += 5_000;
  const waiting = await life(world);
  assert.ok((waiting?.againMs ?? 0) > 0);
  assert.equal(world.status.run?.direction, 'Forward');
});

test('what nobody recorded the start of has had its time [unbounded-054]', async () => {
  const world = await verifying();
  const steps = world.status.steps?.map(({ startedAt, ...step }) =>
    step.name === 'Verify' || startedAt === undefined ? step : { ...step, startedAt },
  );
  world.status = { ...world.status, ...(steps === undefined ? {} : { steps }) };
  world.now += 1_700_000_000_000;
  await settle(world);
  assert.deepEqual(brief(world), SETTLED_ON('A'));
  assert.deepEqual(world.status.quarantined, ['B']);
});

test('killed before and after every act and every write, it ends the same [unbounded-088]', async () => {
  for (const isBroken of [false, true]) {
    for (let at = 0; ; at += 1) {
      const world = new MachineWorld('A');
      await settle(world);
      if (isBroken) world.broken.add('B');
      world.goal = 'B';
      let calls = 0;
      let wasKilled = false;
      const random = (): number => {
        if (calls++ !== at) return 1;
        wasKilled = true;
        return 0;
      };
      world.faults = { ...NO_FAULTS, random, crash: 0.5 };
      await settle(world);
      assert.deepEqual(brief(world), SETTLED_ON(isBroken ? 'A' : 'B'), `killed at ${at}`);
      assert.deepEqual(world.violations, [], `killed at ${at}`);
      if (!wasKilled) break;
    }
  }
});

test('whatever happens in between, it ends where it should [invariants 6, 8, 9]', () =>
  anything({}));

test('and so it does when what its spec names changes, and the spec does not', () =>
  anything({ isSameSpec: true }));

async function anything(wish: Wish): Promise<void> {
  const only = process.env['WINDLASS_TEST_SEED'];
  const seeds = only === undefined ? Array.from({ length: 60 }, (_, at) => at + 1) : [Number(only)];
  for (const seed of seeds) {
    const random = seeded(seed);
    const rate = (): number => random() * 0.15;
    const world = new MachineWorld('g0');
    const faults = {
      random,
      crash: rate(),
      unreachable: rate(),
      badChecks: rate(),
      failedDrains: rate(),
    };
    let good: string | undefined;
    for (let change = 0; change < 4; change += 1) {
      world.goal = `g${change}`;
      if (random() < 0.4) world.broken.add(world.goal);
      world.faults = faults;
      for (let lives = 0; lives < 30; lives += 1) {
        const isPaused = random() < 0.1;
        const end = await life(world, { ...wish, isPaused, isPermitted: random() < 0.8 });
        world.now += end?.againMs ?? 500;
      }
      // Now and then somebody changes their mind before it is done.
      if (random() < 0.4) continue;
      world.faults = undefined;
      await settle(world, wish);
      if (!world.broken.has(world.goal)) good = world.goal;
      const shown = `seed ${seed}, change ${change}: ${JSON.stringify(world.status)}`;
      assert.deepEqual(world.violations, [], shown);
      good ??= world.status.lastGood?.goalHash;
      const last = world.status.lastGood?.goalHash;
      if (!world.broken.has(world.goal))
        assert.deepEqual(brief(world), SETTLED_ON(world.goal), shown);
      else if (last === undefined) assert.equal(world.running.size, 0, shown);
      else assert.deepEqual(brief(world), SETTLED_ON(last), shown);
      const { saves } = world;
      await settle(world, wish);
      assert.equal(world.saves, saves, `${shown}: settled, and written again`);
    }
  }
}

function alternating(values: readonly number[]): () => number {
  let at = 0;
  return () => values[at++ % values.length] ?? 1;
}
