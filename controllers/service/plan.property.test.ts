// Whatever happens in between, start-first never serves with fewer instances than wanted, and everything settles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReplaceOrder } from './order.ts';
import { input, instance, node, NOW, revision, settings } from './plan-fixture.ts';
import { planService } from './plan.ts';
import { settle, World } from './plan-world-fixture.ts';
import type { Settings } from './settings.ts';

const choices = fc.array(fc.nat(1_000), { minLength: 200, maxLength: 200 });
const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));
const patient = { progressDeadlineMs: Number.MAX_SAFE_INTEGER };

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

test('planService() brings a canary through its steps by itself, and keeps serving', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 3 }),
      choices,
      (replicas, shares, picks) => {
        const canarySteps = shares.map((percent) => ({ count: { percent }, pauseMs: 1_000 }));
        const config = settings({ ...patient, replicas, type: 'Canary', canarySteps });
        rollout(config, picks, replicas);
      },
    ),
    { numRuns: 60 },
  );
});

test('planService() never leads traffic to fewer instances than wanted with BlueGreen', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), choices, (replicas, picks) => {
      const config = settings({ ...patient, replicas, type: 'BlueGreen' });
      const world = new World();
      const first = { nodes, settings: config, target: revision('v1'), current: undefined };
      assert.ok(settle(world, first, picks, () => undefined).complete);
      assert.equal(world.activeRevision, 'v1');
      const second = { nodes, settings: config, target: revision('v2'), current: revision('v1') };
      const plan = settle(world, second, picks, () => {
        const serving = world.instances.filter(
          (one) => one.readySince !== undefined && one.revision === world.activeRevision,
        );
        assert.ok(serving.length >= replicas, `${serving.length} of ${replicas} get traffic`);
      });
      assert.ok(plan.complete, 'the update settles');
      assert.equal(world.activeRevision, 'v2');
      assert.ok(world.instances.every((held) => held.revision === 'v2'));
    }),
    { numRuns: 60 },
  );
});
