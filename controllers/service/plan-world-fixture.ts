// A world for property tests in which the plan's operations are carried out and nodes do their part, one event at a time.
import assert from 'node:assert/strict';
import type { Instance } from './instance.ts';
import { input, instance, NOW, revision } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput } from './plan-types.ts';

const MONITOR_MS = 5_000;

export class World {
  instances: Instance[] = [];
  now = NOW;
  activeRevision: string | undefined;
  switchedAt: number | undefined;
  #made = 0;

  plan(change: Partial<PlanInput>): Plan {
    const { instances, now, activeRevision, switchedAt } = this;
    const target = { ...(change.target ?? revision('v1')), switchedAt };
    return planService(input({ ...change, target, instances, now, activeRevision }));
  }

  /** Carries out every executable operation of a plan, each `times` times: repeating must not change anything. */
  execute(plan: Plan, times: number): void {
    const before = new Set(this.instances.map(({ uid }) => uid));
    for (let round = 0; round < times; round += 1) {
      for (const operation of plan.operations) {
        if (operation.op === 'switch' && operation.step === 'switch') this.switchedAt = this.now;
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

  /** As the controller writes it with the status. */
  conclude(plan: Plan): void {
    this.activeRevision = plan.activeRevision;
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

export function settle(
  world: World,
  change: Partial<PlanInput>,
  order: readonly number[],
  check: () => void,
): Plan {
  for (const choice of order) {
    const plan = world.plan(change);
    world.execute(plan, 1 + (choice % 2));
    world.conclude(plan);
    check();
    if (plan.complete) return plan;
    world.tick(choice);
    check();
  }
  return world.plan(change);
}
