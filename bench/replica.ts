// `npm run bench replica`: what writers pay for a replica that nobody waits for: one that is dead, one that lags, and one that has just come
// back and reads what it lacks from the primary; against the same log in SQLite without any. The replica itself is in memory and does
// nothing: what it costs to keep one is what is measured, and no second disk that would share a bus with the first.
import path from 'node:path';
import { encodeBatch, revisionsOf } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import { MemoryClaimBook } from '#persistence/manager/claim-book.ts';
import { PersistenceManager } from '#persistence/manager/manager.ts';
import { managed, MemoryDisk, MemoryProvider } from '#persistence/manager/memory-disks-fixture.ts';
import { SqlitePersistenceProvider } from '#persistence/sqlite/provider.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { configMap } from './objects.ts';
import { temporaryFolder } from './processes.ts';
import { figure, median, verdict } from './report.ts';

const rounds = 9;
const perBatch = 64;
const fullBatches = 500;
const keys = 20_000;
const lagMs = 250;
/** Written before anything is measured: more than the manager keeps in memory for replicas. */
const missedBatches = 600;
const target = 0.97;
const value = Buffer.from(configMap('bench'));

type Replica = 'none' | 'dead' | 'lagging' | 'returning';
const kinds: readonly Replica[] = ['none', 'dead', 'lagging', 'returning'];

/** Takes whatever comes, and keeps nothing of it but the revision. */
class SlowProvider extends MemoryProvider {
  readonly #disk: MemoryDisk;
  readonly #take: () => Promise<void>;

  constructor(disk: MemoryDisk, take: () => Promise<void>) {
    super([disk]);
    this.#disk = disk;
    this.#take = take;
  }

  override async append(instance: string, batch: ArrayBuffer): Promise<void> {
    const taken = await this.appendAndReturn(instance, batch);
    taken.transfer(0);
  }

  /** As those do whose instances are threads, the real replicas. */
  async appendAndReturn(_instance: string, batch: ArrayBuffer): Promise<ArrayBuffer> {
    const { last } = revisionsOf(batch);
    const taken = batch.transfer();
    await this.#take();
    this.#disk.revision = last;
    return taken;
  }
}

/** Prints writes per second without a replica, and the ratios with one. @param scale of the number of batches */
export async function benchReplica(scale: number): Promise<void> {
  const batches = Math.ceil(fullBatches * scale);
  // Timers of the clock keep no process alive, and closing waits for one that lags.
  using _alive = everySecond();
  const all: Record<Replica, Run>[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const runs = new Map<Replica, Run>();
    // Each has each place in turn; round 0 warms up and is not counted.
    for (let turn = 0; turn < kinds.length; turn += 1) {
      const kind = kinds[(round + turn) % kinds.length] ?? 'none';
      runs.set(kind, await run(kind, batches));
    }
    if (round > 0) all.push(Object.fromEntries(runs) as Record<Replica, Run>);
  }
  figure(
    `${perBatch} per batch, no replica`,
    median(all.map(({ none }) => none.perSecond)),
    'per s',
  );
  for (const kind of ['dead', 'lagging', 'returning'] as const) {
    const rates = all.map((each) => each[kind].perSecond / each.none.perSecond);
    const ratio = median(rates);
    verdict(`with one that is ${kind} ÷ without`, ratio, `≥ ${target}`, ratio >= target);
    figure('  it got meanwhile', median(all.map((each) => each[kind].replicated)), 'of 1');
    const processor = median(all.map((each) => each.none.processorMs / each[kind].processorMs));
    figure('  by processor time of all threads', processor, '×');
  }
}

function everySecond(): Disposable {
  const timer = setInterval(() => undefined, 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

interface Run {
  readonly perSecond: number;
  readonly processorMs: number;
  /** Of what was written while it was measured, as much as the replica has had. */
  readonly replicated: number;
}

async function run(replica: Replica, batches: number): Promise<Run> {
  using folder = temporaryFolder();
  const machineId = await openMachineId(folder.path);
  const primary = new SqlitePersistenceProvider({
    paths: [path.join(folder.path, 'state.db')],
    clock: systemClock,
  });
  await primary.initialize(machineId);
  const disk = new MemoryDisk('replica');
  const back = Promise.withResolvers<void>();
  const take = () => (replica === 'returning' ? back.promise : sleep(systemClock, lagMs));
  const replicas = replica === 'none' ? [] : [managed(new SlowProvider(disk, take), disk.name)];
  await using log = new PersistenceManager({
    instances: [managed(primary, primary.instances()[0] ?? ''), ...replicas],
    machineId,
    host: 'bench',
    book: new MemoryClaimBook(),
    rules: { ack: 'primary', onSyncLoss: 'block' },
    acceptPossibleLoss: false,
    takeover: false,
    clock: systemClock,
    warn: () => undefined,
    random: Math.random,
  });
  const { epoch, revision: first } = await log.open(new AbortController().signal);
  // Later than that it would have kept the start waiting for somebody to decide.
  disk.isDown = replica === 'dead';
  const load = Array.from({ length: missedBatches + batches }, (_, batch) =>
    Array.from({ length: perBatch }, (_unused, index) => {
      const revision = first + batch * perBatch + index + 1;
      return { revision, kind: 'configmaps', key: `default/o${revision % keys}`, value };
    }),
  );
  for (const records of load.splice(0, missedBatches))
    await log.append(encodeBatch({ epoch, records }));
  back.resolve();
  const had = disk.revision;
  const used = process.cpuUsage();
  const began = performance.now();
  for (const records of load) await log.append(encodeBatch({ epoch, records }));
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(used);
  return {
    perSecond: (batches * perBatch) / seconds,
    processorMs: (user + system) / 1_000,
    replicated: (disk.revision - had) / (batches * perBatch),
  };
}
