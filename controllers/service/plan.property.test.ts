// A world in which the plan's operations are carried out and nodes do their part, one event at a time: whatever happens in between,
// start-first never serves with fewer instances than wanted, and everything settles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Instance } from './instance.ts';
import type { ReplaceOrder } from './order.ts';
import { input, instance, node, NOW, revision, settings } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput } from './plan-types.ts';
import type { Settings } from './settings.ts';

const MONITOR_MS = 5_000;

class World {
  instances: Instance[] = [];
  now = NOW;
  #made = 0;

  plan(change: Partial<PlanInput>): Plan {
    return planService(input({ ...change, instances: this.instances, now: this.now }));
  }

  /** Carries out every executable operation of a plan, each `times` times: repeating must not change anything. */
  execute(plan: Plan, times: number): void {
    const before = new Set(this.instances.map(({ uid }) => uid));
    for (let round = 0; round < times; round += 1) {
      for (const operation of plan.operations) {
        if (operation.step === 'wait') continue;
        if (operation.step === 'delete') {
          this.#change(operation.uid, {
            terminating: true,
            readySince: undefined,
          });
        } else if (round === 0 && (operation.op === 'run' || operation.op === 'replace')) {
          const replaces = operation.op === 'replace' ? operation.uid : undefined;
          if (replaces !== undefined) assert.ok(before.has(replaces));
          this.#made += 1;
          const { node: on, revision: hash } = operation;
          const made = {
            node: on,
            revision: hash,
            createdAt: this.now,
            readySince: undefined,
            replaces,
          };
          this.instances.push(instance(`i${String(this.#made).padStart(4, '0')}`, made));
        }
      }
    }
  }

  /** One thing that nodes do: an instance becomes ready or is gone. `choice` picks which. */
  tick(choice: number): void {
    this.now += MONITOR_MS;
    const busy = this.instances.filter(
      ({ terminating, readySince }) => terminating || readySince === undefined,
    );
    const picked = busy[choice % Math.max(1, busy.length)];
    if (picked === undefined) return;
    if (picked.terminating) this.instances = this.instances.filter(({ uid }) => uid !== picked.uid);
    else this.#change(picked.uid, { readySince: this.now });
  }

  get serving(): number {
    return this.instances.filter(({ readySince }) => readySince !== undefined).length;
  }

  #change(uid: string, change: Partial<Instance>): void {
    this.instances = this.instances.map((held) =>
      held.uid === uid ? { ...held, ...change } : held,
    );
  }
}

const choices = fc.array(fc.nat(1_000), { minLength: 200, maxLength: 200 });
const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));
const patient = { progressDeadlineMs: Number.MAX_SAFE_INTEGER };

function settle(
  world: World,
  change: Partial<PlanInput>,
  order: readonly number[],
  check: () => void,
): Plan {
  for (const choice of order) {
    const plan = world.plan(change);
    world.execute(plan, 1 + (choice % 2));
    check();
    if (plan.complete) return plan;
    world.tick(choice);
    check();
  }
  return world.plan(change);
}

function rollout(config: Settings, order: readonly number[], lowest: number): void {
  const world = new World();
  const first = { nodes, settings: config, target: revision('v1'), current: undefined };
  assert.ok(settle(world, first, order, () => undefined).complete, 'the first rollout settles');
  const second = { nodes, settings: config, target: revision('v2'), current: revision('v1') };
  const plan = settle(world, second, order, () => {
    assert.ok(world.serving >= lowest, `${world.serving} of ${lowest} are serving`);
  });
  assert.ok(plan.complete, 'the update settles');
  assert.ok(world.instances.every((held) => held.revision === 'v2'));
  assert.equal(world.instances.length, config.replicas);
}

const orders: readonly ReplaceOrder[] = ['start-first', 'stop-first'];
for (const order of orders) {
  test(`planService() settles and keeps serving in ${order} order`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        choices,
        (replicas, maxParallel, picks) => {
          const config = settings({
            ...patient,
            replicas,
            maxParallel,
            order: order === 'start-first' ? 'StartFirst' : 'StopFirst',
          });
          const lowest = order === 'start-first' ? replicas : Math.max(0, replicas - maxParallel);
          rollout(config, picks, lowest);
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('planService() settles after the spec changes in the middle of a rollout', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.nat(20),
      choices,
      (replicas, interruptAt, picks) => {
        const config = settings({ ...patient, replicas, order: 'StartFirst' });
        const world = new World();
        const check = (): void => undefined;
        settle(
          world,
          { nodes, settings: config, target: revision('v1'), current: undefined },
          picks,
          check,
        );
        const keepsServing = (): void => assert.ok(world.serving >= replicas);
        const current = revision('v1');
        settle(
          world,
          { nodes, settings: config, target: revision('v2'), current },
          picks.slice(0, interruptAt),
          keepsServing,
        );
        const third = { nodes, settings: config, target: revision('v3'), current };
        assert.ok(settle(world, third, picks, keepsServing).complete);
        assert.equal(world.instances.length, replicas);
      },
    ),
    { numRuns: 60 },
  );
});

test('planService() gives the same plan for the same input, in whatever order it comes', () => {
  const anyInstance = fc.record({
    id: fc.nat(30),
    revision: fc.constantFrom('v1', 'v2'),
    node: fc.constantFrom('n1', 'n2', 'n3'),
    readySince: fc.constantFrom(undefined, NOW - 10_000),
    terminating: fc.boolean(),
    ended: fc.boolean(),
    createdAt: fc.nat(5),
  });
  const instances = fc
    .uniqueArray(anyInstance, { selector: ({ id }) => id, maxLength: 8 })
    .map((list) => list.map(({ id, ...change }) => instance(`i${id}`, change)));
  fc.assert(
    fc.property(
      instances,
      fc.constantFrom('Replicated' as const, 'Global' as const),
      (list, mode) => {
        const change = {
          nodes,
          target: revision('v2'),
          current: revision('v1'),
          settings: settings({ mode }),
        };
        const forwards = planService(input({ ...change, instances: list }));
        const backwards = planService(
          input({ ...change, nodes: nodes.toReversed(), instances: list.toReversed() }),
        );
        assert.deepEqual(planService(input({ ...change, instances: list })), forwards);
        assert.deepEqual(backwards, forwards);
      },
    ),
    { numRuns: 100 },
  );
});
