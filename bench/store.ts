// `npm run bench store`: durable writes through the SQLite provider against a bare loop over the same tables; what a commit costs
// the serving thread; how long a start with many objects takes; and, with `--peer etcd`, etcd on the same disk.
import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { openStore } from '#controlplane/store/store.ts';
import { encodeBatch } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import { SqlitePersistenceProvider } from '#persistence/sqlite/provider.ts';
import { systemClock } from '#platform/clock.ts';
import { configMap } from './objects.ts';
import { temporaryFolder } from './processes.ts';
import { figure, median, percentile, verdict } from './report.ts';
import { benchPeer } from './store-peer.ts';

const rounds = 5;
const keys = 20_000;
const value = Buffer.from(configMap('bench'));

interface Load {
  readonly batches: number;
  /** Of the batches, those that are written before the clock runs: a server is not measured by what its code costs when it is new. */
  readonly warmup: number;
  readonly perBatch: number;
}

/** Prints the figures. `peer`: also those of etcd, when it is 'etcd'. */
export async function benchStore(scale: number, peer: string | undefined): Promise<void> {
  for (const perBatch of [1, 64, 256]) {
    const warmup = Math.ceil((20_000 * scale) / Math.max(8, perBatch));
    await benchBatches({ perBatch, warmup, batches: warmup * 3 });
  }
  await benchOpen(Math.ceil(100_000 * scale));
  if (peer === 'etcd') await benchPeer(scale);
}

async function benchBatches(load: Load): Promise<void> {
  const ours: number[] = [];
  const ratios: number[] = [];
  const costs: number[] = [];
  const wakes: number[] = [];
  const processorRatios: number[] = [];
  let latencies: readonly number[] = [];
  const objects = (load.batches - load.warmup) * load.perBatch;
  for (let round = 0; round < rounds; round += 1) {
    using folder = temporaryFolder();
    const through = await throughProvider(path.join(folder.path, 'ours'), load);
    const bare = await bareLoop(path.join(folder.path, 'bare.db'), load);
    ours.push(objects / through.seconds);
    ratios.push(bare.seconds / through.seconds);
    processorRatios.push(bare.processorMs / through.processorMs);
    costs.push((through.cpuMs * 1_000) / objects);
    latencies = through.latenciesMs;
    wakes.push((await wakingMs(percentile(latencies, 0.5))) / load.perBatch);
  }
  figure(`${load.perBatch} per batch, through the provider`, median(ours), 'objects per s');
  figure('  commit p50 (last round)', percentile(latencies, 0.5), 'ms');
  figure('  commit p99', percentile(latencies, 0.99), 'ms');
  const ratio = median(ratios);
  verdict('  ÷ bare loop', ratio, '≥ 0.85', ratio >= 0.85);
  figure('    by processor time of all threads', median(processorRatios), '×');
  const cost = median(costs);
  const note = load.perBatch === 64 ? `µs ≤ 3 ${cost <= 3 ? '✓' : '✗'}` : 'µs';
  figure('  serving thread, per object', cost, note);
  figure('    of it for an empty answer of a thread', median(wakes) * 1_000, 'µs');
}

async function throughProvider(folder: string, { batches, warmup, perBatch }: Load) {
  const machine = await openMachineId(folder);
  const paths = [path.join(folder, 'state.db')];
  const provider = new SqlitePersistenceProvider({ paths, clock: systemClock });
  await using _ = provider;
  await provider.initialize(machine);
  const [instance = ''] = provider.instances();
  const { epoch } = await provider.claimEpoch(instance);
  const latenciesMs: number[] = [];
  // Made before: what clients spend on their objects is not what is measured.
  const load = Array.from({ length: batches }, (_, batch) =>
    Array.from({ length: perBatch }, (_unused, index) => {
      const revision = batch * perBatch + index + 1;
      return { revision, kind: 'configmaps', key: `default/o${revision % keys}`, value };
    }),
  );
  for (const records of load.splice(0, warmup))
    await provider.append(instance, encodeBatch({ epoch, records }));
  const thread = process.threadCpuUsage();
  const all = process.cpuUsage();
  const started = performance.now();
  for (const records of load) {
    const sent = performance.now();
    await provider.append(instance, encodeBatch({ epoch, records }));
    latenciesMs.push(performance.now() - sent);
  }
  const seconds = (performance.now() - started) / 1_000;
  return {
    seconds,
    cpuMs: milliseconds(process.threadCpuUsage(thread)),
    processorMs: milliseconds(process.cpuUsage(all)),
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
  };
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

/** As the worker measured it: of its own thread, the only one that does anything. */
interface Bare {
  readonly seconds: number;
  readonly processorMs: number;
}

async function bareLoop(file: string, load: Load): Promise<Bare> {
  const worker = new Worker(new URL('bare-log-worker.ts', import.meta.url), {
    workerData: { path: file, keys, value, ...load },
  });
  const [bare] = (await once(worker, 'message')) as [Bare];
  await worker.terminate();
  return bare;
}

/** Processor time of this thread for a message to another one and its answer after `latencyMs`: what no code of ours can save. */
async function wakingMs(latencyMs: number): Promise<number> {
  const exchanges = 200;
  const worker = new Worker(new URL('answering-worker.ts', import.meta.url));
  await once(worker, 'online');
  const thread = process.threadCpuUsage();
  for (let done = 0; done < exchanges; done += 1) {
    const answered = once(worker, 'message');
    worker.postMessage(latencyMs);
    await answered;
  }
  const used = milliseconds(process.threadCpuUsage(thread));
  await worker.terminate();
  return used / exchanges;
}

async function benchOpen(objects: number): Promise<void> {
  using folder = temporaryFolder();
  const machineId = await openMachineId(folder.path);
  const urls = [`sqlite:${path.join(folder.path, 'state.db')}`];
  const open = () => openPersistence({ urls, machineId, clock: systemClock });
  const { signal } = new AbortController();
  {
    await using log = await open();
    let { epoch, revision } = await log.open(signal);
    for (let done = 0; done < objects; done += 1_000) {
      const records = Array.from({ length: Math.min(1_000, objects - done) }, (_unused, index) => {
        revision += 1;
        const name = `o${done + index}`;
        return {
          revision,
          kind: 'configmaps',
          key: `default/${name}`,
          value: Buffer.from(configMap(name)),
        };
      });
      await log.append(encodeBatch({ epoch, records }));
    }
  }
  const seconds: number[] = [];
  const processor: number[] = [];
  // The first reads the file into the page cache.
  for (let round = 0; round < 4; round += 1) {
    const started = performance.now();
    const all = process.cpuUsage();
    await using log = await open();
    await using _store = await openStore({ log, clock: systemClock, signal });
    if (round === 0) continue;
    seconds.push((performance.now() - started) / 1_000);
    processor.push(milliseconds(process.cpuUsage(all)) / 1_000);
  }
  const found = median(seconds);
  figure(`the store opens with ${objects} objects, warm`, found, `s ≤ 2 ${found <= 2 ? '✓' : '✗'}`);
  figure('  processor time of all threads', median(processor), 's');
}
