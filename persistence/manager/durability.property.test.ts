// Random faults over random histories: any of the instances down, lagging, back, lost, set back or damaged, the process dying at every
// step, and starts in between. The oracle knows every write that was attempted and every one that was acknowledged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '#test/support/seed.ts';
import type { Cursor, PersistedObject } from '../provider.ts';
import { histories, World } from './durability-fixture.ts';
import type { Sabotage, Step } from './durability-fixture.ts';
import { MemoryProvider } from './memory-disks-fixture.ts';
import type { PersistenceManager } from './manager.ts';

interface Total {
  starts: number;
  refusals: number;
  promotions: number;
  acknowledged: number;
}

interface Play {
  readonly sabotage: Sabotage;
  readonly runs: number;
  readonly seed: number;
}

async function assertDurable({ sabotage, runs, seed }: Play): Promise<Total> {
  const total: Total = { starts: 0, refusals: 0, promotions: 0, acknowledged: 0 };
  const property = fc.asyncProperty(histories, async ({ count, rules: ackRules, steps }) => {
    const world = new World(count, ackRules, sabotage);
    await world.play([{ do: 'start', dies: undefined }, ...steps]);
    total.starts += world.counts.starts;
    total.refusals += world.counts.refusals;
    total.promotions += world.counts.promotions;
    total.acknowledged += world.acknowledged.size;
  });
  // The first history that fails is told as it is: to make it smaller takes hundreds of others, which once took longer than a test may.
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
  return total;
}

/** Says yes before the primary has the write. */
function acknowledgeEarly(manager: PersistenceManager): void {
  const append = manager.append.bind(manager);
  manager.append = (batch) => {
    append(batch).catch(() => undefined);
    return Promise.resolve();
  };
}

/** Shows the claims of all disks on each of them, so that all logs seem to share their past. */
class MergingProvider extends MemoryProvider {
  override async getAllObjects(
    instance: string,
    kind: string,
  ): Promise<readonly PersistedObject[]> {
    const own = await super.getAllObjects(instance, kind);
    if (own.length === 0) return own;
    const found = new Map<string, PersistedObject>();
    for (const name of this.instances())
      for (const object of await super.getAllObjects(name, kind).catch(() => []))
        found.set(Buffer.from(object.value).toString(), object);
    return [...found.values()];
  }
}

/** Takes no epoch: whoever wrote before goes on writing. */
class ClaimlessProvider extends MemoryProvider {
  override async claimEpoch(instance: string): Promise<Cursor> {
    const cursor = await this.cursor(instance);
    return cursor.epoch > 0 ? cursor : super.claimEpoch(instance);
  }
}

for (const [bug, sabotage] of Object.entries<Sabotage>({
  'acknowledging before the primary is durable': { manager: acknowledgeEarly },
  'merging what has diverged': { provider: (over, process) => new MergingProvider(over, process) },
  'taking no epoch': { provider: (over, process) => new ClaimlessProvider(over, process) },
})) {
  test(`the oracle notices ${bug}`, async (t) => {
    const { seed } = seededRandom();
    t.diagnostic(`seed ${seed}`);
    await assert.rejects(assertDurable({ sabotage, runs: 2_000, seed }), ({ cause }: Error) => {
      assert.match((cause as Error).message, /is lost|is no prefix|never attempted|went back/);
      return true;
    });
  });
}

test('whatever fails, acknowledged writes are there after each start that succeeds, and nothing else', async (t) => {
  const { seed } = seededRandom();
  t.diagnostic(`seed ${seed}`);
  const total = await assertDurable({ sabotage: {}, runs: 250, seed });
  assert.ok(
    total.starts > 200 && total.refusals > 50 && total.acknowledged > 300 && total.promotions > 10,
    JSON.stringify(total),
  );
});

test('who was succeeded without knowing it does not make the data directory forget its successor', async () => {
  const steps: readonly Step[] = [
    { do: 'start', dies: undefined },
    { do: 'start', dies: undefined },
    { do: 'rival', cutOff: undefined },
    { do: 'write', count: 2, dies: undefined, by: 'newest' },
    // The newer one first, then the older.
    { do: 'stop' },
    { do: 'stop' },
    { do: 'setBack', disk: 0 },
    { do: 'start', dies: undefined },
  ];
  const world = new World(1, { ack: 'all', onSyncLoss: 'block' }, {});
  await world.play(steps);
  assert.deepEqual(world.counts, { starts: 3, refusals: 2, promotions: 0 });
});
