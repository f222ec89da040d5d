// The world of durability.property.test.ts: disks that fail, control planes that run and die over them, and the oracle, which knows every
// write that was attempted and every one that was acknowledged.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeBatch } from '../encoding.ts';
import type { AckRules } from './ack-policy.ts';
import { MemoryClaimBook } from './claim-book.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { FakeProcess, managerOver, MemoryDisk, MemoryProvider } from './memory-disks-fixture.ts';
import type { DiskCopy } from './memory-disks-fixture.ts';
import type { PersistenceManager } from './manager.ts';

type Fault = 'down' | 'up' | 'wipe' | 'setBack' | 'damage';

export type Step =
  | { readonly do: 'start'; readonly dies: number | undefined }
  /** A second control plane, while the first still runs; it may not reach a disk that the first reaches. */
  | { readonly do: 'rival'; readonly cutOff: number | undefined }
  | {
      readonly do: 'write';
      readonly count: number;
      readonly dies: number | undefined;
      /** By the newest control plane that runs, or the one before it. */
      readonly by: 'newest' | 'older';
    }
  /** A disk becomes the primary, with a write on its way at the same time. */
  | { readonly do: 'promote'; readonly disk: number; readonly dies: number | undefined }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stop' }
  | { readonly do: 'kill' }
  | { readonly do: Fault; readonly disk: number };

const dies = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) },
);
const disk = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const), dies }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      count: fc.integer({ min: 1, max: 4 }),
      dies,
      by: fc.constantFrom<'newest' | 'older'>('newest', 'newest', 'older'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('promote' as const), disk, dies }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rival' as const),
      cutOff: fc.option(disk, { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(300, 6_000, 70_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom<Fault>('down', 'down', 'up', 'up', 'up'), disk }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom<Fault>('wipe', 'setBack', 'damage'), disk }),
  },
);
const rules: fc.Arbitrary<AckRules> = fc.record({
  ack: fc.constantFrom('primary', 'quorum', 'all'),
  onSyncLoss: fc.constantFrom('block', 'block', 'degrade'),
});

interface Running {
  readonly manager: PersistenceManager;
  readonly process: FakeProcess;
  revision: number;
  /** Writes that are under way, and what they wait for. */
  writing: Promise<unknown>;
  switching: Promise<unknown>;
}

/** What is broken on purpose, so that the oracle can show that it notices. */
export interface Sabotage {
  readonly manager?: (manager: PersistenceManager) => void;
  readonly provider?: (disks: readonly MemoryDisk[], process: FakeProcess) => MemoryProvider;
}

/** Plays a history; fails where something acknowledged is gone, or something else is there. */
export class World {
  readonly clock = new FakeClock();
  readonly disks: readonly MemoryDisk[];
  readonly book = new MemoryClaimBook();
  readonly attempted = new Map<string, number>();
  readonly acknowledged = new Map<string, number>();
  readonly #rules: AckRules;
  readonly #sabotage: Sabotage;
  /** Of each disk, at the starts so far. */
  readonly #copies: DiskCopy[][] = [];
  /** Control planes that run, the newest last. */
  #running: Running[] = [];
  #starts = 0;
  #refusals = 0;
  #promotions = 0;

  constructor(count: number, ackRules: AckRules, sabotage: Sabotage) {
    this.disks = Array.from({ length: count }, (_, index) => new MemoryDisk('abc'.charAt(index)));
    this.#rules = ackRules;
    this.#sabotage = sabotage;
  }

  get counts() {
    return { starts: this.#starts, refusals: this.#refusals, promotions: this.#promotions };
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      await this.#do(one);
      await this.#checkPrefixes();
    }
    this.#kill();
    for (const each of this.disks) each.isDown = false;
    await this.#start(undefined, undefined);
    await this.clock.advance(120_000);
    await this.#checkPrefixes();
    this.#kill();
  }

  async #do(one: Step): Promise<void> {
    if (one.do === 'start') {
      this.#kill();
      return this.#start(one.dies, undefined);
    }
    if (one.do === 'rival') return this.#start(undefined, one.cutOff);
    if (one.do === 'write') return this.#write(one);
    if (one.do === 'promote') return this.#promote(one);
    if (one.do === 'wait') return this.clock.advance(one.ms);
    if (one.do === 'stop') return this.#stop();
    if (one.do === 'kill') return this.#kill();
    const target = this.disks[one.disk % this.disks.length];
    if (target === undefined) return;
    if (one.do === 'down' || one.do === 'up') target.isDown = one.do === 'down';
    // A disk is lost or set back while nobody runs on it: what happens under a running process is another fault.
    else if (this.#running.length === 0) this.#harm(target, one.do);
  }

  #harm(target: MemoryDisk, fault: 'wipe' | 'setBack' | 'damage'): void {
    if (fault === 'wipe') target.wipe();
    if (fault === 'damage') target.isDamaged = target.revision > 0;
    if (fault !== 'setBack') return;
    // Before the newest start: a younger copy of a disk cannot be told from a disk that was slow.
    const copy = this.#copies.at(-2)?.[this.disks.indexOf(target)];
    if (copy !== undefined) target.set(copy);
  }

  async #start(deathIn: number | undefined, cutOff: number | undefined): Promise<void> {
    const process = new FakeProcess();
    if (cutOff !== undefined) process.cutOff.add('abc'.charAt(cutOff));
    process.stepsLeft = deathIn ?? Number.POSITIVE_INFINITY;
    const manager = managerOver(this.disks, this.clock, {
      process,
      provider:
        this.#sabotage.provider?.(this.disks, process) ?? new MemoryProvider(this.disks, process),
      book: this.book,
      rules: this.#rules,
    });
    this.#sabotage.manager?.(manager);
    const opening = manager.open(new AbortController().signal).then(
      (cursor) => cursor,
      (error: Error) => error,
    );
    let outcome: Awaited<typeof opening> | undefined;
    void opening.then((found) => (outcome = found));
    await this.clock.advance(40_000);
    if (outcome === undefined || outcome instanceof Error) {
      if (outcome instanceof Error) this.#refusals += 1;
      process.kill();
      return;
    }
    const seen = await this.#load(manager, process);
    if (seen === undefined) return;
    this.#starts += 1;
    this.#copies.push(this.disks.map((each) => each.copy()));
    for (const key of this.acknowledged.keys()) assert.ok(seen.has(key), `${key} is lost`);
    for (const [key, revision] of seen)
      assert.equal(this.attempted.get(key), revision, `${key} was never attempted there`);
    const newest = Math.max(0, ...this.acknowledged.values());
    assert.ok(outcome.revision > newest, 'revisions went back');
    // What can be read now is as good as acknowledged: somebody has seen it.
    for (const [key, revision] of seen) this.acknowledged.set(key, revision);
    const running: Running = {
      manager,
      process,
      revision: outcome.revision,
      writing: Promise.resolve(),
      switching: Promise.resolve(),
    };
    manager.sequenceWith((length, work) => {
      const first = running.revision + 1;
      running.revision += length;
      const switched = running.writing.then(() => work(first));
      running.switching = switched.catch(() => undefined);
      return switched;
    });
    this.#running.push(running);
  }

  async #promote({ disk: index, dies: deathIn }: Extract<Step, { do: 'promote' }>): Promise<void> {
    const running = this.#running.at(-1);
    if (running === undefined) return;
    if (deathIn !== undefined) running.process.stepsLeft = deathIn;
    const { name = '' } = this.disks[index % this.disks.length] ?? {};
    const how = { catchUpMs: 1_000, signal: new AbortController().signal };
    running.manager.control.promote(name, how).then(
      () => (this.#promotions += 1),
      () => undefined,
    );
    await this.#write({ do: 'write', count: 2, dies: undefined, by: 'newest' });
    await this.clock.advance(30_000);
    this.#running = this.#running.filter(({ process }) => process.isAlive);
  }

  /** What a store would load; undefined when the process died over it. */
  async #load(
    manager: PersistenceManager,
    process: FakeProcess,
  ): Promise<Map<string, number> | undefined> {
    const load = async (): Promise<Map<string, number>> => {
      const seen = new Map<string, number>();
      for await (const page of manager.replay(new AbortController().signal))
        for (const { key, revision } of page) seen.set(key, revision);
      return seen;
    };
    const found = await Promise.race([load().catch(() => undefined), process.death]);
    if (found === undefined) process.kill();
    return found ?? undefined;
  }

  async #write({ count, dies: deathIn, by }: Extract<Step, { do: 'write' }>): Promise<void> {
    const running = this.#running.at(by === 'newest' ? -1 : -2);
    if (running === undefined) return;
    if (deathIn !== undefined) running.process.stepsLeft = deathIn;
    const writing = (async () => {
      for (let n = 0; n < count; n += 1) {
        await running.switching;
        running.revision += 1;
        const { revision, manager } = running;
        const { epoch } = manager;
        const key = `w${this.attempted.size}`;
        this.attempted.set(key, revision);
        const record = { revision, kind: 'k', key, value: Buffer.from(key) };
        const appending = manager.append(encodeBatch({ epoch, records: [record] }));
        running.writing = Promise.allSettled([running.writing, appending]);
        await appending.then(
          () => {
            if (running.process.isAlive) this.acknowledged.set(key, revision);
          },
          () => undefined,
        );
      }
    })();
    void writing;
    await this.clock.advance(100);
    this.#running = this.#running.filter(({ process }) => process.isAlive);
  }

  async #stop(): Promise<void> {
    const running = this.#running.pop();
    if (running === undefined) return;
    const stopping = running.manager[Symbol.asyncDispose]();
    await this.clock.advance(10_000);
    running.process.kill();
    void stopping;
  }

  #kill(): void {
    for (const { process } of this.#running.splice(0)) process.kill();
  }

  /** A replica that follows is a prefix of the primary: nothing was merged into it. */
  async #checkPrefixes(): Promise<void> {
    await settled();
    const running = this.#running.at(-1);
    if (running === undefined) return;
    const reports = running.manager.instances();
    const primary = this.disks.find(({ name }) => name === reports[0]?.name);
    for (const { name, state, role, epoch } of reports) {
      const replica = this.disks.find((each) => each.name === name);
      // Once somebody else has claimed it, it follows that one.
      if (role !== 'Replica' || state !== 'Up' || replica?.epoch !== epoch) continue;
      const shared = primary?.records.filter(
        ({ revision }) => revision <= (replica?.revision ?? 0),
      );
      assert.deepEqual(
        replica?.records.map(({ revision, key }) => `${revision} ${key}`),
        shared?.map(({ revision, key }) => `${revision} ${key}`),
        `${name} is no prefix`,
      );
    }
  }
}

export const histories = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  rules,
  steps: fc.array(step, { minLength: 3, maxLength: 30 }),
});
