// Putting a log aside while somebody else takes over: at whichever moment that happens, what they were told stays true.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put } from '../conformance-site.ts';
import type { LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import { FaultyWorld } from './faulty-store-fixture.ts';
import { SegmentEngine } from './segment-engine.ts';

const SEEDS = 60;

async function opened(world: FaultyWorld, writer: string): Promise<SegmentEngine> {
  const engine = new SegmentEngine({ store: world.open(), writer });
  await engine.open();
  return engine;
}

async function claimed(engine: SegmentEngine, name: string) {
  const { epoch } = await engine.claim(name, 0);
  const append = async (...records: readonly LogRecord[]): Promise<void> => {
    assert.deepEqual(await engine.append([{ epoch, records }]), [undefined]);
  };
  return { epoch, append };
}

/** What setAside() came to. */
async function setAside(engine: SegmentEngine, epoch: number): Promise<'done' | 'epoch-lost'> {
  try {
    await engine.setAside(epoch);
    return 'done';
  } catch (error) {
    if (error instanceof WorkerFailure && error.failure.type === 'epoch-lost') return 'epoch-lost';
    throw error;
  }
}

test('whoever takes over meanwhile keeps what was acknowledged', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = new FaultyWorld(seed);
    const [one, other] = [await opened(world, 'one'), await opened(world, 'other')];
    const { epoch, append } = await claimed(one, 'one');
    await append(put(1, 'a'));
    const takeOver = async (): Promise<void> => {
      const next = await claimed(other, 'other');
      await next.append(put(100, 'b'));
      await next.append(put(101, 'c'));
    };
    const [outcome] = await Promise.all([setAside(one, epoch), takeOver()]);
    outcomes.add(outcome);
    const records = await (await opened(world, 'reader')).read(-1, false);
    const found = records.map(({ key }) => key).join(' ');
    assert.equal(found, outcome === 'done' ? 'b c' : 'a b c', `seed ${seed}`);
    // A copy without its format is none.
    const isAside = [...world.blobs.keys()].some((name) => /^orphans\/.*format/.test(name));
    if (outcome === 'done') assert.ok(isAside, `seed ${seed}: nothing was put aside`);
  }
  assert.deepEqual([...outcomes].toSorted(), ['done', 'epoch-lost']);
});
