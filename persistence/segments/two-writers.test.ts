// Several processes on one store that loses answers, delays requests and refuses others: each claims, appends, compacts, dies and
// comes back as it likes. Whatever they were told must be true of the one log that is there in the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageFailedError, StorageFullError, StorageUnreachableError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import { FaultyWorld, NO_FAULTS } from './faulty-store-fixture.ts';
import { SegmentEngine } from './segment-engine.ts';

const SEEDS = Number(process.env['WINDLASS_TEST_SEEDS'] ?? 15);
const FIRST_SEED = Number(process.env['WINDLASS_TEST_SEED'] ?? 1);

type Fate = 'kept' | 'not kept' | 'unknown';

interface Ledger {
  /** Per batch: what its writer was told. Keys are never used twice. */
  readonly batches: { readonly records: readonly LogRecord[]; fate: Fate }[];
}

/** What a writer knows once its append has failed. Whatever else is thrown ends the test. */
function fateAfter(error: unknown): Fate {
  if (error instanceof WorkerFailure && error.failure.type === 'epoch-lost') return 'not kept';
  if (error instanceof StorageUnreachableError || error instanceof StorageFullError) {
    return 'not kept';
  }
  if (error instanceof StorageFailedError) return 'unknown';
  throw error;
}

function isTrouble(error: unknown): boolean {
  fateAfter(error);
  return true;
}

class Writer {
  readonly #world: FaultyWorld;
  readonly #ledger: Ledger;
  readonly #name: string;
  #count = 0;

  constructor(world: FaultyWorld, ledger: Ledger, name: string) {
    this.#world = world;
    this.#ledger = ledger;
    this.#name = name;
  }

  async run(lives: number): Promise<void> {
    for (let life = 0; life < lives; life += 1) {
      const writer = `${this.#name}x${life}`;
      const engine = new SegmentEngine({ store: this.#world.open(), writer });
      try {
        await this.#live(engine);
      } catch (error) {
        isTrouble(error);
      }
    }
  }

  async #live(engine: SegmentEngine): Promise<void> {
    const { random } = this.#world;
    await engine.open();
    const before = this.#ledger.batches.filter(({ fate }) => fate === 'kept');
    let { epoch, revision } = await engine.claim(this.#name, 0);
    for (const { records } of before) {
      assert.ok((records.at(-1)?.revision ?? 0) <= revision, 'a claim must see all that was kept');
    }
    const rounds = 1 + Math.floor(random() * 8);
    for (let round = 0; round < rounds; round += 1) {
      const records = this.#records(revision, 1 + Math.floor(random() * 3));
      const entry = { records, fate: 'unknown' as Fate };
      this.#ledger.batches.push(entry);
      try {
        const [failure] = await engine.append([{ epoch, records }]);
        if (failure !== undefined) throw new WorkerFailure(failure);
        entry.fate = 'kept';
        revision = records.at(-1)?.revision ?? revision;
      } catch (error) {
        entry.fate = fateAfter(error);
        if (entry.fate === 'unknown' || error instanceof WorkerFailure) return;
      }
      if (random() < 0.2) await this.#compact(engine, revision - Math.floor(random() * 4));
    }
  }

  async #compact(engine: SegmentEngine, through: number): Promise<void> {
    while (!(await engine.compact(through)));
  }

  #records(after: number, count: number): LogRecord[] {
    return Array.from({ length: count }, (_, index) => {
      this.#count += 1;
      const key = `${this.#name}-${this.#count}`;
      return { revision: after + 1 + index, kind: 'k', key, value: Buffer.from(`"${key}"`) };
    });
  }
}

async function allRecords(world: FaultyWorld): Promise<LogRecord[]> {
  const engine = new SegmentEngine({ store: world.open(), writer: 'reader' });
  await engine.open();
  const found: LogRecord[] = [];
  for (;;) {
    const page = await engine.read(found.at(-1)?.revision ?? -1, false);
    if (page.length === 0) return found;
    found.push(...page);
  }
}

function check(ledger: Ledger, found: readonly LogRecord[]): void {
  const revisions = found.map(({ revision }) => revision);
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].toSorted((left, right) => left - right),
  );
  const byKey = new Map(found.map((record) => [record.key, record]));
  assert.equal(byKey.size, found.length);
  let known = 0;
  for (const { records, fate } of ledger.batches) {
    const present = records.filter(({ key }) => byKey.has(key));
    const what = `${fate}: ${records.map(({ key, revision }) => `${key}@${revision}`).join(' ')}`;
    assert.ok(present.length === 0 || present.length === records.length, `half a batch, ${what}`);
    if (fate === 'kept') assert.equal(present.length, records.length, what);
    if (fate === 'not kept') assert.equal(present.length, 0, what);
    for (const { key, revision } of present) assert.equal(byKey.get(key)?.revision, revision);
    known += present.length;
  }
  assert.equal(known, found.length, 'nothing that nobody wrote');
}

const RATES = [
  NO_FAULTS,
  { refused: 0.03, lostAnswer: 0.05, late: 0.05, full: 0.02 },
  { refused: 0.01, lostAnswer: 0.15, late: 0.15, full: 0 },
];

for (const [index, rates] of RATES.entries()) {
  test(`one history remains of three writers that take over from each other (faults ${index})`, async () => {
    let kept = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const world = new FaultyWorld(seed * 10 + index);
      world.rates = rates;
      const ledger: Ledger = { batches: [] };
      const writers = ['a', 'b', 'c'].map((name) => new Writer(world, ledger, name));
      try {
        await Promise.all(writers.map((writer) => writer.run(4)));
        world.rates = NO_FAULTS;
        check(ledger, await allRecords(world));
        // What was on its way all the time changes nothing of it any more, once somebody has taken over.
        const last = new Writer(world, ledger, 'z');
        await last.run(1);
        world.deliver();
        check(ledger, await allRecords(world));
      } catch (error) {
        const { failure } = error as Partial<WorkerFailure>;
        const why = failure === undefined ? (error as Error).message : JSON.stringify(failure);
        throw new Error(`seed ${seed}: ${why}`, { cause: error });
      }
      kept += ledger.batches.filter(({ fate }) => fate === 'kept').length;
    }
    assert.ok(kept > SEEDS * 3, `only ${kept} batches were kept: the test has tested nothing`);
  });
}
